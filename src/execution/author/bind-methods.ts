/**
 * Lets authors take methods off an object, as in `async (payload, { passToChildTask }) => …`: such a method is bound to its object when it is
 * first asked for. Most attempts ask for few of them, and to bind all for each attempt was a twentieth of a hop. Throws if there is
 * no such method.
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
