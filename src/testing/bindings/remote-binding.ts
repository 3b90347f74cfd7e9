/** The project's bindings as the worker reaches them: over the network of the platform. */
import type { Life } from "../platform/life.ts";

/** Returns a binding of the project for a life. Calls take a way over the network. */
export function remoteBinding(life: Life, target: object): object {
  const { platform } = life;
  return new Proxy(target, {
    get: (on, name) => {
      const method: unknown = Reflect.get(on, name);
      if (typeof method !== "function") return method;
      return (...given: readonly unknown[]) => {
        const { promise, resolve, reject } = Promise.withResolvers<unknown>();
        life.send(() =>
          platform.after(null, platform.hop(), () => {
            const call = async (): Promise<unknown> => Reflect.apply(method, on, given);
            call().then(
              (value) => platform.resume(life, platform.hop(), () => resolve(value)),
              (error: unknown) => platform.resume(life, platform.hop(), () => reject(error)),
            );
          }),
        );
        return platform.waiting(promise);
      };
    },
  });
}
