/**
 * How a driver reaches its run: in one RPC session as long as calls follow one another closely, and by `callRun` from the call on in
 * which the session fails.
 */
import type { RunId } from "../../domain/ids.ts";
import { CallTimeoutError } from "../../platform/calls.ts";
import { callRun } from "./run-client.ts";
import type { RunWork } from "./run-rpc.ts";

/** How long a session without calls is kept, in milliseconds: while it is open, the object is billed for its time. */
const IDLE_MS = 50;

/** A call that is not answered while so many times as long pass, ten seconds, is given up, and the session with it. */
const OVERDUE_LOOKS = 200;

export class SessionClient implements Disposable {
  readonly #env: Env;
  readonly #runId: RunId;
  #session: (RunWork & Disposable) | null = null;
  #calls = 0;
  /** Gives the call up that is under way; null: none is. */
  #giveUp: ((error: CallTimeoutError) => void) | null = null;
  /** How often the timer has found the same call under way. */
  #looks = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(env: Env, runId: RunId) {
    this.#env = env;
    this.#runId = runId;
  }

  /** Calls are made one after the other. Rejects as `callRun` does. */
  async call<T>(call: (run: RunWork) => Promise<T>): Promise<T> {
    this.#calls += 1;
    this.#looks = 0;
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    this.#giveUp = reject;
    this.#timer ??= this.#lookLater();
    try {
      return await Promise.race([
        this.#session === null ? this.#openWith(call) : call(this.#session),
        overdue,
      ]);
    } catch {
      // What a session that has broken says is of many kinds; what is the call's own fault comes again.
      this[Symbol.dispose]();
      return await callRun(this.#env, this.#runId, call);
    } finally {
      this.#giveUp = null;
    }
  }

  [Symbol.dispose](): void {
    this.#session?.[Symbol.dispose]();
    this.#session = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The call does not wait for the session that it is made in. */
  async #openWith<T>(call: (run: RunWork) => Promise<T>): Promise<T> {
    const opening = this.#env.RUNS.getByName(this.#runId).session();
    const [answer] = await Promise.all([call(opening), this.#keep(opening)]);
    return answer;
  }

  async #keep(opening: Promise<RunWork & Disposable>): Promise<void> {
    this.#session = await opening;
    // Of a call that was given up meanwhile: it is closed like any other.
    this.#timer ??= this.#lookLater();
  }

  /**
   * Closes the session when it is idle, and gives a call up that is not answered. One timer for the calls of `IDLE_MS`: to set one at
   * each call would be a part of every hop.
   */
  #lookLater(): ReturnType<typeof setTimeout> {
    const before = this.#calls;
    return setTimeout(() => {
      if (this.#giveUp === null && this.#calls === before) return this[Symbol.dispose]();
      this.#timer = this.#lookLater();
      this.#looks += 1;
      if (this.#looks >= OVERDUE_LOOKS)
        this.#giveUp?.(new CallTimeoutError("the run", OVERDUE_LOOKS * IDLE_MS));
    }, IDLE_MS);
  }
}
