/** A host as URLs have it, in lower case: no scheme, port or path. */
const HOST =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$|^\[[0-9a-f:.]+\]$/;

/** The host that a value of PEACH_CONSOLE_HOST names, or null if it names none. */
export function parseHost(text: string): string | null {
  const host = text.trim().toLowerCase();
  return HOST.test(host) ? host : null;
}

/** What to do about a value that names none. */
export const HOST_HINT =
  "Write the host alone, without scheme, port or path, such as console.example.org, and deploy; or remove the variable.";
