/**
 * What browsers are told about the answers of endpoints. An endpoint shares its origin with the dashboard unless PEACH_CONSOLE_HOST
 * is set, so one text that it repeats unescaped in a page would be a script with the rights of whoever is logged in. `sandbox` gives
 * such a page an origin of its own: its scripts and forms work, but no request of it carries the session or can read an answer of the API.
 *
 * Every type is sandboxed but those that no browser runs as a document: a new type of document is then no hole.
 */

/** With scripts and forms; without the origin, pop-ups, or a way to navigate the page that it is framed by. */
const SANDBOX = "sandbox allow-scripts allow-forms";
const POLICY = "Content-Security-Policy";
/** PDF is among them: browsers show no PDF in a sandbox, and its scripts have no origin. */
const NEVER_A_DOCUMENT =
  /^(text\/(plain|css|csv|javascript|event-stream|vtt)|(image(?!\/svg)|audio|video|font)\/[\w.-]+|application\/(json|[\w.-]+\+json|x-ndjson|javascript|octet-stream|pdf|zip|gzip))$/;

/** The answer with `nosniff`, and in the sandbox where it may be a document and the endpoint has not set a policy of its own. */
export function guardAnswer(response: Response): Response {
  // The answer to an upgrade must stay the object that it is, and no browser shows it.
  if (response.status === 101) return response;
  // Those of an answer that was fetched cannot be changed.
  const guarded = new Response(response.body, response);
  guarded.headers.set("X-Content-Type-Options", "nosniff");
  const mayBeDocument =
    response.body !== null && !isNeverDocument(response.headers.get("Content-Type") ?? "");
  if (mayBeDocument && (response.headers.get(POLICY) ?? "").trim() === "")
    guarded.headers.set(POLICY, SANDBOX);
  return guarded;
}

/** Of several types, apart by commas, browsers go by the last one that they can read, also behind the parameters of another. */
function isNeverDocument(contentType: string): boolean {
  const [type = ""] = contentType.toLowerCase().split(";");
  return !contentType.includes(",") && NEVER_A_DOCUMENT.test(type.trim());
}
