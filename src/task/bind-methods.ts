/** Lets authors take methods off an object, as in `async (payload, { passToChildTask }) => …`. Throws if it has no such method. */
export function bindMethods(instance: object, names: readonly string[]): void {
  for (const name of names) {
    const method: unknown = Reflect.get(instance, name);
    if (typeof method !== "function") throw new TypeError(`there is no method ${name} to bind`);
    Object.defineProperty(instance, name, { value: method.bind(instance) });
  }
}
