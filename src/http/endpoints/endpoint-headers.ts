/**
 * Sets response headers that protect browsers from the answers of endpoints. An endpoint shares its
 * origin with the dashboard unless PEACH_CONSOLE_HOST is set: unescaped text in a page would run as
 * a script with the rights of the logged-in user. The policy `sandbox` isolates the page in a
 * separate origin. Scripts and forms still work, but requests carry no session and cannot read
 * answers of the API.
 *
 * All content types are sandboxed except those that no browser renders as a document. The list
 * names the exceptions, so a new type of document opens no hole.
 */

/** Allows scripts and forms; no origin, no pop-ups, no navigation of the framing page. */
const SANDBOX = "sandbox allow-scripts allow-forms";
const POLICY = "Content-Security-Policy";
/**
 * Types that browsers never run as a document. PDF is included: browsers show no PDF in a sandbox,
 * and scripts in PDF have no origin.
 */
const NEVER_A_DOCUMENT =
  /^(text\/(plain|css|csv|javascript|event-stream|vtt)|(image(?!\/svg)|audio|video|font)\/[\w.-]+|application\/(json|[\w.-]+\+json|x-ndjson|javascript|octet-stream|pdf|zip|gzip))$/;

/** Adds `nosniff`, and the sandbox unless the answer has a policy or cannot be a document. */
export function guardAnswer(response: Response): Response {
  // A WebSocket's response must stay the object that it is, and no browser renders it.
  if (response.status === 101) return response;
  // Headers of a fetched response are immutable, so it is copied.
  const guarded = new Response(response.body, response);
  guarded.headers.set("X-Content-Type-Options", "nosniff");
  const mayBeDocument =
    response.body !== null && !isNeverDocument(response.headers.get("Content-Type") ?? "");
  if (mayBeDocument && (response.headers.get(POLICY) ?? "").trim() === "")
    guarded.headers.set(POLICY, SANDBOX);
  return guarded;
}

/**
 * Checks for a type that no browser runs. Given several comma-separated types, browsers use the
 * last valid one, even inside the parameters of another, so a comma never passes.
 */
function isNeverDocument(contentType: string): boolean {
  const [type = ""] = contentType.toLowerCase().split(";");
  return !contentType.includes(",") && NEVER_A_DOCUMENT.test(type.trim());
}
