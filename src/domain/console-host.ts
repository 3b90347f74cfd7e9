/** A host in lower case as in a URL: no scheme, port or path. */
const HOST =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$|^\[[0-9a-f:.]+\]$/;

/** Parses a value of PEACH_CONSOLE_HOST. Returns null if the value is not a host. */
export function parseHost(text: string): string | null {
  const host = text.trim().toLowerCase();
  return HOST.test(host) ? host : null;
}

/** Hint for an invalid PEACH_CONSOLE_HOST. */
export const HOST_HINT =
  "Write the host alone, without scheme, port or path, such as console.example.org, and deploy; or remove the variable.";
