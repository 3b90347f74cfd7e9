/** Renders calls of the API as commands for a shell. Pure. */

/** A call of the API. */
export interface CurlCall {
  readonly method: "GET" | "POST";
  /** The origin of the worker, without a final slash. */
  readonly origin: string;
  /** The path, with its leading slash. */
  readonly path: string;
  /** The content type of the body; without a body there is none. */
  readonly contentType?: string;
  /** The body as text, or `@FILE` for a placeholder that curl reads as a file name. */
  readonly body?: string;
}

/**
 * Renders the call. The token is read from the shell variable `PEACH_API_TOKEN`, so the copied text
 * contains no secret.
 */
export function curlOf({ method, origin, path, contentType, body }: CurlCall): string {
  const parts = [
    `curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(origin + path)}`,
    `-H "Authorization: Bearer $PEACH_API_TOKEN"`,
    ...(contentType === undefined ? [] : [`-H ${quoted(`Content-Type: ${contentType}`)}`]),
    ...(body === undefined ? [] : [`--data-binary ${quoted(body)}`]),
  ];
  return parts.join(" \\\n  ");
}

/** Quotes a text for the shell. Nothing is expanded between single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
