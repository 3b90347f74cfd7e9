/**
 * The code of a pipeline's author as the kit runs it: which calls of tasks and endpoints are at
 * work, and what each waits for.
 *
 * A call waits inside of its world (a helper, a binding, a timer: the clock of the world may move)
 * or outside (a file, a real connection: the clock stands still until the call goes on).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { lookElsewhere } from "./platform/globals.ts";
import type { Platform, Running } from "./platform/platform.ts";

/** A call of a task's or an endpoint's function. */
export class AuthorCall {
  /** The call for people: `the task "a" (run …, attempt 1)`. */
  readonly name: string;
  readonly life: Running;
  readonly platform: Platform;
  readonly calls: AuthorCalls;
  /** Promises of the world that the call waits for. */
  waits = 0;
  /** False once the function has settled, or the engine has given up the call. */
  isRunning = true;
  /** False once the attempt is settled. */
  isOpen = true;

  constructor(name: string, life: Running, platform: Platform, calls: AuthorCalls) {
    this.name = name;
    this.life = life;
    this.platform = platform;
    this.calls = calls;
  }

  /** True if the call waits for something that is no part of its world. */
  get isOutside(): boolean {
    return this.isRunning && this.waits === 0 && this.life.alive;
  }

  /** Counts the promise as a wait inside of the world. */
  wait(promise: Promise<unknown>): void {
    this.waits += 1;
    const ended = (): void => void (this.waits -= 1);
    promise.then(ended, ended);
  }
}

const present = new AsyncLocalStorage<AuthorCall>();

lookElsewhere(() => {
  const call = present.getStore();
  return call?.platform ?? null;
});

/** Returns the call whose code runs; undefined outside of tasks and endpoints. */
export function presentCall(): AuthorCall | undefined {
  return present.getStore();
}

/** Runs `work` outside of every call, as the test's own code. */
export function outsideOfCalls<T>(work: () => T): T {
  return present.exit(work);
}

/** The function of a task or an endpoint. */
export type AuthorFunction = (input: unknown, context: unknown) => unknown;

/** The calls of one world. */
export class AuthorCalls {
  readonly #platform: Platform;
  readonly #open = new Set<AuthorCall>();
  /** The attempts of each run, in the order in which they began. */
  readonly trace = new Map<string, string[]>();
  /** Waits between the end of a function and what follows; null: nothing lies between them. */
  ends: (() => Promise<void>) | null = null;

  constructor(platform: Platform) {
    this.#platform = platform;
    platform.waits = (promise) => {
      const call = present.getStore();
      if (call?.calls === this) call.wait(promise);
    };
    platform.elsewhere = () => {
      const call = present.getStore();
      return call?.calls === this && call.life.alive ? call.life : null;
    };
  }

  /** The calls that wait for something outside of the world. */
  get outside(): readonly AuthorCall[] {
    return this.#all().filter((call) => call.isOutside);
  }

  /** True while a function has returned and its attempt is not settled yet. */
  get isSettling(): boolean {
    return this.#all().some(({ isRunning, life }) => !isRunning && life.alive);
  }

  /** Calls the function; `name` makes the name of the call from the context that it is given. */
  run(
    call: AuthorFunction,
    self: unknown,
    input: unknown,
    context: unknown,
    name: (context: unknown) => string,
  ): unknown {
    const life = this.#platform.current;
    if (life === null) return Reflect.apply(call, self, [input, context]);
    const made = new AuthorCall(name(context), life, this.#platform, this);
    this.#open.add(made);
    this.#note(context);
    const { ground } = this.#platform;
    ground.tell(() => `>> ${made.name} begins`);
    const signal = signalOf(context);
    signal?.addEventListener("abort", () => this.#settled(made), { once: true });
    const returned = (): void => {
      if (made.isRunning && life.alive) ground.tell(() => `>> ${made.name} ends`);
      made.isRunning = false;
      if (signal === null) this.#settled(made);
    };
    return present.run(made, () =>
      this.#follow(() => Reflect.apply(call, self, [input, context]), returned),
    );
  }

  #follow(work: () => unknown, returned: () => void): unknown {
    let result: unknown;
    try {
      result = work();
    } catch (error) {
      returned();
      throw error;
    }
    if (result instanceof Promise) {
      // The engine awaits the promise itself and sees its own error.
      result.then(returned, returned);
      return this.ends === null ? result : this.#afterwards(result, this.ends);
    }
    returned();
    return result;
  }

  async #afterwards(result: Promise<unknown>, ends: () => Promise<void>): Promise<unknown> {
    try {
      return await result;
    } finally {
      await ends();
    }
  }

  #note(context: unknown): void {
    if (typeof context !== "object" || context === null || !("runId" in context)) return;
    const { runId, task, attempt, item } = new AttemptNames(context);
    const place = item === null ? task : `${task}[${item}]`;
    const name = attempt === 1 ? place : `${place} attempt ${attempt}`;
    const before = this.trace.get(runId);
    if (before === undefined) this.trace.set(runId, [name]);
    else before.push(name);
  }

  #settled(call: AuthorCall): void {
    call.isRunning = false;
    call.isOpen = false;
    this.#open.delete(call);
  }

  #all(): readonly AuthorCall[] {
    const all = [...this.#open];
    for (const call of all) if (!call.life.alive) this.#open.delete(call);
    return all;
  }
}

function signalOf(context: unknown): AbortSignal | null {
  if (typeof context !== "object" || context === null || !("signal" in context)) return null;
  return context.signal instanceof AbortSignal ? context.signal : null;
}

/** The names in the context of an attempt. */
export class AttemptNames {
  readonly task: string;
  readonly runId: string;
  readonly attempt: number;
  /** The index of the item; null for a task without `each`. */
  readonly item: number | null;

  constructor(context: object) {
    this.task = String(Reflect.get(context, "name"));
    this.runId = String(Reflect.get(context, "runId"));
    this.attempt = Number(Reflect.get(context, "attempt"));
    const item: unknown = Reflect.get(context, "item");
    this.item =
      typeof item === "object" && item !== null && "index" in item ? Number(item.index) : null;
  }
}
