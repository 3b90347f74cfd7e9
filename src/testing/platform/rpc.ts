/**
 * Calls between lives. Arguments and answers are copied, and both ways take time. A call or an
 * answer may get lost, and some calls are never answered. As on the platform, a caller can use the
 * promised answer (a session) before the answer arrives.
 */
import type { Life } from "./life.ts";
import {
  copied,
  copiedError,
  failureOf,
  isPlatforms,
  type Failure,
  type RpcTarget,
} from "./wire.ts";

/** Answers a call. Only the first answer counts. */
export interface Answer {
  ok(value: unknown): void;
  fail(error: Error): void;
}

/** The remote end of a promised answer. Calls on the answer wait until the answer exists. */
class Remote {
  #there: { readonly life: Life; readonly target: object } | null = null;
  #error: Error | null = null;
  readonly #waiting: {
    readonly call: (life: Life, target: object) => void;
    readonly otherwise: (e: Error) => void;
  }[] = [];

  arrived(life: Life, target: object): void {
    this.#there = { life, target };
    for (const { call } of this.#waiting.splice(0)) call(life, target);
  }

  failed(error: Error): void {
    this.#error = error;
    for (const { otherwise } of this.#waiting.splice(0)) otherwise(error);
  }

  when(call: (life: Life, target: object) => void, otherwise: (error: Error) => void): void {
    if (this.#there !== null) call(this.#there.life, this.#there.target);
    else if (this.#error !== null) otherwise(this.#error);
    else this.#waiting.push({ call, otherwise });
  }
}

/** Delivers a call to the other side. `remote` is the far end of the answer. */
export type Arrive = (answer: Answer, remote: Remote) => void;

/**
 * Makes a call for `from`. `what` names the call in the story. Returns the promise of the answer;
 * the promise also takes calls of the answer's methods.
 */
export function request(from: Life, what: string, arrive: Arrive): object {
  const { platform } = from;
  const { ground } = platform;
  const remote = new Remote();
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  let isAnswered = false;
  const come = (settle: () => void): void => {
    if (isAnswered) return;
    isAnswered = true;
    platform.resume(from, platform.hop(), settle);
  };
  const fail = (error: Error): void => {
    remote.failed(error);
    come(() => reject(error));
  };
  const where = (): string => `${from.name}: ${what}`;
  const answer: Answer = {
    ok(value) {
      if (isAnswered) return;
      if (ground.strikes("answer_lost", where)) fail(failureOf("lost"));
      else if (ground.strikes("call_hangs", where)) isAnswered = true;
      else come(() => resolve(value));
    },
    fail,
  };
  from.send(() => {
    platform.after(null, platform.hop(), () => {
      if (ground.strikes("call_lost", where)) fail(failureOf("lost"));
      else if (!ground.strikes("call_hangs", where)) arrive(answer, remote);
    });
  });
  return promised(from, what, platform.waiting(promise), remote);
}

/**
 * Calls a method in the life of the receiver, and answers. `performed` receives the result in the
 * same turn.
 */
export function invoke(
  life: Life,
  target: object,
  method: string,
  given: readonly unknown[],
  answer: Answer,
  remote: Remote | null,
  performed: (value: unknown) => void = () => {},
): void {
  const { platform } = life;
  platform.current = life;
  life.pending += 1;
  life.answers.add(answer);
  const done = (leave: () => void): void => {
    // Until the answer leaves, the end of this life fails the call.
    life.send(() => {
      life.pending -= 1;
      life.answers.delete(answer);
      leave();
      life.endIfIdle();
    });
  };
  const failed = (thrown: unknown): void => {
    if (!life.alive) return;
    const error = isPlatforms(thrown) && thrown instanceof Error ? thrown : copiedError(thrown);
    platform.thrown(life, method, thrown);
    done(() => answer.fail(error));
  };
  const call = async (): Promise<void> => {
    const called: unknown = Reflect.get(target, method);
    if (typeof called !== "function")
      throw new TypeError(`The RPC receiver does not implement the method "${method}".`);
    const value: unknown = await Reflect.apply(called, target, given);
    if (!life.alive) return;
    performed(value);
    if (typeof value === "object" && value !== null) remote?.arrived(life, value);
    const copy = copied(value, (staying) => new Staying(life, staying));
    platform.ground.tell(() => `${life.name}: ${method}(${shown(given)}) is ${shown(copy)}`);
    done(() => answer.ok(copy));
  };
  call().catch(failed);
}

/** A target on the way to the caller. The object itself stays in its life. */
class Staying {
  readonly life: Life;
  readonly target: RpcTarget;

  constructor(life: Life, target: RpcTarget) {
    this.life = life;
    this.target = target;
  }
}

/** Shortens a value for the story. */
function shown(value: unknown): string {
  return value instanceof Staying
    ? "a session"
    : (JSON.stringify(value) ?? "nothing").slice(0, 160);
}

/** Returns a promise that also takes calls of the answer's methods. */
function promised(from: Life, what: string, promise: Promise<unknown>, remote: Remote): object {
  const handed = promise.then((value) =>
    value instanceof Staying ? stubOf(from, what, value) : value,
  );
  // A caller of the answer's methods need not await the answer.
  handed.catch(() => undefined);
  return new Proxy(handed, {
    get(target, name) {
      if (name === "then" || name === "catch" || name === "finally")
        return target[name].bind(target);
      if (name === Symbol.dispose) return () => undefined;
      if (typeof name === "symbol") return Reflect.get(target, name);
      return (...given: readonly unknown[]) => {
        const args = copied(given);
        return request(from, `${what}.${name}`, (answer, next) => {
          remote.when(
            (life, there) => {
              if (!life.alive) answer.fail(failureOf("gone"));
              else invoke(life, there, name, Array.isArray(args) ? args : [], answer, next);
            },
            (error) => answer.fail(error),
          );
        });
      };
    },
  });
}

function stubOf(from: Life, what: string, { life, target }: Staying): object {
  return caller((name, given) =>
    request(from, `${what}.${name}`, (answer, remote) => {
      if (!life.alive) answer.fail(failureOf("gone"));
      else invoke(life, target, name, given, answer, remote);
    }),
  );
}

/** Returns a stub: methods of any name are calls. A call copies the arguments at once. */
export function caller(
  call: (name: string, given: readonly unknown[]) => object,
  own: Readonly<Record<string, unknown>> = {},
): object {
  return new Proxy(own, {
    get(target, name) {
      if (name === Symbol.dispose) return () => undefined;
      // A stub is no promise: `await` must return the stub.
      if (typeof name === "symbol" || name === "then") return undefined;
      if (Object.hasOwn(target, name)) return target[name];
      return (...given: readonly unknown[]) => {
        try {
          const args = copied(given);
          return call(name, Array.isArray(args) ? args : []);
        } catch (error) {
          return Promise.reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
    },
  });
}

/** Fails a call with the platform's error. */
export function failWith(answer: Answer, kind: Failure): void {
  answer.fail(failureOf(kind));
}
