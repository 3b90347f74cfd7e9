/**
 * Lets authors destructure methods, as in `async (payload, { passToChildTask }) => …`: a method is
 * bound to its object at its first access. Most attempts access few of them, and binding all for
 * each attempt was a twentieth of a hop. Throws if a named method does not exist.
 */
export function bindMethods(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const method: unknown = Reflect.get(prototype, name);
    if (typeof method !== "function") throw new TypeError(`there is no method ${name} to bind`);
    Object.defineProperty(prototype, name, {
      get(this: object): unknown {
        const bound: unknown = method.bind(this);
        Object.defineProperty(this, name, { value: bound });
        return bound;
      },
    });
  }
}
