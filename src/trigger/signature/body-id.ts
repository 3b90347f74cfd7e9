/** The text at this key of a JSON object in the body, or null if there is none. */
export function idInBody(body: Uint8Array, key: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null;
  const id: unknown = Reflect.get(value, key);
  return typeof id === "string" && id !== "" ? id : null;
}
