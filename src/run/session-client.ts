/**
 * How a driver reaches its run: in one RPC session as long as calls follow one another closely, and by `callRun` from the call on in
 * which the session fails.
 */
import type { RunId } from "../core/ids.ts";
import { callRun } from "./run-client.ts";
import type { RunWork } from "./run-rpc.ts";

/** How long a session without calls is kept, in milliseconds: while it is open, the object is billed for its time. */
const IDLE_MS = 50;

export class SessionClient implements Disposable {
  readonly #env: Env;
  readonly #runId: RunId;
  #session: (RunWork & Disposable) | null = null;
  #calls = 0;
  #isCalling = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(env: Env, runId: RunId) {
    this.#env = env;
    this.#runId = runId;
  }

  /** Calls are made one after the other. Rejects as `callRun` does. */
  async call<T>(call: (run: RunWork) => Promise<T>): Promise<T> {
    this.#calls += 1;
    this.#isCalling = true;
    try {
      return await (this.#session === null ? this.#openWith(call) : call(this.#session));
    } catch {
      // What a session that has broken says is of many kinds; what is the call's own fault comes again.
      this[Symbol.dispose]();
      return await callRun(this.#env, this.#runId, call);
    } finally {
      this.#isCalling = false;
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
    this.#timer = this.#closeWhenIdle();
  }

  /** One timer for the calls of `IDLE_MS`: to set one at each call would be a part of every hop. */
  #closeWhenIdle(): ReturnType<typeof setTimeout> {
    const before = this.#calls;
    return setTimeout(() => {
      if (this.#isCalling || this.#calls > before) this.#timer = this.#closeWhenIdle();
      else this[Symbol.dispose]();
    }, IDLE_MS);
  }
}
