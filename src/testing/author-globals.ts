/**
 * The globals that depend on time and chance. The code of tasks and endpoints sees the clock and
 * the chance of its world. All other code of the process keeps the real globals. Also adds the
 * globals of the platform that Node lacks.
 */
import { AsyncResource } from "node:async_hooks";
import { GLOBALS } from "./platform/globals.ts";
import { outsideOfCalls, presentCall } from "./author-code.ts";

let isInstalled = false;
/** The clock and the timers that this file has made. */
const ours = new WeakSet<object>();

/**
 * Installs the globals, once in the life of this process. The clock and the timers are installed
 * again if fake timers of the test have replaced them.
 */
export function installAuthorGlobals(): void {
  if (isReplaced(globalThis.Date)) define(globalThis, "Date", made(worldDate(Date)));
  installTimers();
  if (isInstalled) return;
  isInstalled = true;
  for (const name of ["scheduler", "FixedLengthStream"])
    if (!(name in globalThis)) define(globalThis, name, GLOBALS.get(name));
  installChance();
  installFetch();
}

/** Tests if a global is to be replaced. A spy of the test stays: it calls what was there before. */
function isReplaced(global: object): boolean {
  return !ours.has(global) && !("mock" in global);
}

function made<T extends object>(global: T): T {
  ours.add(global);
  return global;
}

/**
 * Takes `fetch` out of the world. Node's own code sets timers inside of `fetch`, for all
 * connections of the process: as timers of a world, they would end real connections when the test
 * moves its clock.
 */
function installFetch(): void {
  const real = globalThis.fetch;
  const outside: typeof fetch = (...given) => outsideOfCalls(() => real(...given));
  define(globalThis, "fetch", outside);
}

/** Makes a `Date` with the present time of the world. The rest is the real class. */
function worldDate(real: DateConstructor): DateConstructor {
  const realNow = real.now;
  const now = (): number => presentCall()?.life.now() ?? realNow();
  return new Proxy(real, {
    construct: (target, given: unknown[], newTarget) => {
      const made: object = Reflect.construct(
        target,
        given.length === 0 ? [now()] : given,
        newTarget === proxied() ? target : newTarget,
      );
      return made;
    },
    apply: () => new real(now()).toString(),
    // A test may have put something else in the place of `Date.now`.
    get: (target, name, receiver) =>
      name === "now" && target.now === realNow ? now : Reflect.get(target, name, receiver),
  });
}

function proxied(): DateConstructor {
  return Date;
}

type Timer = (work: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) => unknown;

function installTimers(): void {
  for (const [name, isRepeated] of [
    ["setTimeout", false],
    ["setInterval", true],
  ] as const) {
    const real: Timer = globalThis[name];
    if (!isReplaced(real)) continue;
    const timer: Timer = (work, ms = 0, ...given) => {
      const call = presentCall();
      if (call === undefined) return real(work, ms, ...given);
      return new WorldTimer(
        AsyncResource.bind(() => work(...given)),
        ms,
        isRepeated,
        call,
      );
    };
    define(globalThis, name, made(Object.assign(timer, real)));
  }
  for (const name of ["clearTimeout", "clearInterval"] as const) {
    const real = globalThis[name];
    if (!isReplaced(real)) continue;
    const clear = (timer?: unknown): void => {
      if (timer instanceof WorldTimer) timer.clear();
      else Reflect.apply(real, globalThis, [timer]);
    };
    define(globalThis, name, made(clear));
  }
}

/** A timer of the world's clock. */
class WorldTimer {
  readonly #clear: () => void;

  constructor(
    work: () => void,
    ms: number,
    isRepeated: boolean,
    call: NonNullable<ReturnType<typeof presentCall>>,
  ) {
    const { platform, life } = call;
    const { promise, resolve } = Promise.withResolvers<void>();
    call.wait(promise);
    const id = platform.setTimer(
      () => {
        if (!isRepeated) resolve();
        work();
      },
      ms,
      isRepeated ? Math.max(1, ms) : null,
      life,
    );
    this.#clear = () => {
      platform.clearTimer(id);
      resolve();
    };
  }

  clear(): void {
    this.#clear();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.#clear();
  }
}

/** Installs random numbers by the seed of the world. A seed then repeats the same world. */
function installChance(): void {
  const { random } = Math;
  define(Math, "random", () => presentCall()?.platform.random.next() ?? random());
  const getRandomValues: unknown = Reflect.get(crypto, "getRandomValues");
  const randomUUID: unknown = Reflect.get(crypto, "randomUUID");
  if (typeof getRandomValues !== "function" || typeof randomUUID !== "function") return;
  const seeded = GLOBALS.get("crypto");
  if (typeof seeded !== "object" || seeded === null) throw new Error("the platform has no crypto");
  const world = (name: string): unknown =>
    presentCall() === undefined ? undefined : Reflect.get(seeded, name);
  define(crypto, "getRandomValues", (view: Uint8Array) => {
    const fill = world("getRandomValues");
    if (typeof fill !== "function") return Reflect.apply(getRandomValues, crypto, [view]);
    fill(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    return view;
  });
  define(crypto, "randomUUID", () => {
    const make = world("randomUUID");
    return typeof make === "function" ? make() : Reflect.apply(randomUUID, crypto, []);
  });
}

function define(on: object, name: string, value: unknown): void {
  Object.defineProperty(on, name, { value, writable: true, configurable: true, enumerable: false });
}
