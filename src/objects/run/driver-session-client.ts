/**
 * Connects a driver with its run: by one RPC session while calls follow closely, and by `callRun`
 * from the first call on in which the session fails.
 */
import type { RunId } from "../../domain/ids.ts";
import { CallTimeoutError } from "../../platform/calls.ts";
import { callRun } from "./run-client.ts";
import type { RunWork } from "./run-rpc.ts";

/**
 * Time after which an idle session is closed, in milliseconds. An open session has the object
 * billed for its time.
 */
const IDLE_MS = 50;

/**
 * Number of timer ticks, ten seconds in all, after which an unanswered call and the session are
 * given up.
 */
const OVERDUE_LOOKS = 200;

export class SessionClient implements Disposable {
  readonly #env: Env;
  readonly #runId: RunId;
  #session: (RunWork & Disposable) | null = null;
  #calls = 0;
  /** Rejects the call under way; null: no call is under way. */
  #giveUp: ((error: CallTimeoutError) => void) | null = null;
  /** Timer ticks during the current call. */
  #looks = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(env: Env, runId: RunId) {
    this.#env = env;
    this.#runId = runId;
  }

  /** Makes one call; calls must not overlap. Rejects as `callRun` does. */
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
      // A broken session throws many kinds of errors, so every error is retried by `callRun`. A
      // fault of the call comes again.
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

  /** Opens a session and makes the call without waiting for the session. */
  async #openWith<T>(call: (run: RunWork) => Promise<T>): Promise<T> {
    const opening = this.#env.RUNS.getByName(this.#runId).session();
    const [answer] = await Promise.all([call(opening), this.#keep(opening)]);
    return answer;
  }

  async #keep(opening: Promise<RunWork & Disposable>): Promise<void> {
    this.#session = await opening;
    // The call may have been given up by now: the timer then closes the session as usual.
    this.#timer ??= this.#lookLater();
  }

  /**
   * Closes an idle session, and gives up an unanswered call. One timer serves all calls of
   * `IDLE_MS`: a timer a call would be a measurable part of every hop.
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
