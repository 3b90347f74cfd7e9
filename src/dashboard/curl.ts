/** Calls of the API as lines for a shell. Pure. */

export interface CurlCall {
  readonly method: "GET" | "POST";
  /** Of the worker, without a slash at its end. */
  readonly origin: string;
  /** With its leading slash. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
}

/** The token is not in it: the shell's variable `PEACH_API_TOKEN` is. */
export function curlOf({ method, origin, path, contentType, body }: CurlCall): string {
  const parts = [
    `curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(origin + path)}`,
    `-H "Authorization: Bearer $PEACH_API_TOKEN"`,
    ...(contentType === undefined ? [] : [`-H ${quoted(`Content-Type: ${contentType}`)}`]),
    ...(body === undefined ? [] : [`--data-binary ${quoted(body)}`]),
  ];
  return parts.join(" \\\n  ");
}

/** In single quotes, between which a shell changes nothing. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
