/** Calls of stores over HTTP: with a limit of time and size, ended with their invocation. */
import type { Connection } from "./connections.ts";
import { StoreBusyError, StoreError, StoreRefusedError, type StoreName } from "./errors.ts";
import { withoutSecrets } from "./settings.ts";
import { afterLimit } from "./time-limit.ts";

/** Bytes of an answer. A worker has 128 MB, for the answer, its text and its values. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Characters of a server's message in an error. */
const MOST_SAID = 500;
/** The longest wait that a server can ask for, in milliseconds. */
const LONGEST_RETRY_MS = 3_600_000;

/** The answer of a store. */
export interface StoreAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Thrown inside for an invocation that has ended. */
const CLOSED = "closed";

export class HttpConnection implements Connection {
  readonly store: StoreName;
  /** The name of the variable with the URL. */
  readonly #variable: string;
  readonly #secrets: readonly string[];
  readonly #requests = new Set<AbortController>();
  isOver = false;

  constructor(store: StoreName, variable: string, secrets: readonly string[]) {
    this.store = store;
    this.#variable = variable;
    this.#secrets = secrets;
  }

  get underWay(): number {
    return this.#requests.size;
  }

  close(): void {
    this.isOver = true;
    for (const request of this.#requests) request.abort(CLOSED);
  }

  /** Sends a request. Rejects with an error of stores, also for a status of 300 and above. */
  send(url: URL, init: RequestInit, limitMs: number): Promise<StoreAnswer> {
    return this.#limited(limitMs, async (signal) => {
      // A redirect would lose the body and lead to a page, such as one for logging in.
      const response = await fetch(url, { ...init, signal, redirect: "manual" });
      const text = await this.#textOf(response);
      const answer = { status: response.status, headers: response.headers, text };
      if (!response.ok)
        throw this.#fault(answer.status, saidIn(text), answer.headers.get("Retry-After"));
      return answer;
    });
  }

  /** Runs work with a signal that is aborted after the limit, and at the end of the invocation. */
  async #limited<T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { signal } = controller;
    const late = new StoreError(
      this.store,
      "timeout",
      `${this.#where} has not answered within ${limitMs} ms`,
    );
    const lift = afterLimit(limitMs, () => controller.abort(late));
    this.#requests.add(controller);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    try {
      return await Promise.race([work(signal), aborted]);
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      lift();
      this.#requests.delete(controller);
    }
  }

  /** Makes the error of an answer that is no success. `retryAfter`: the header of this name. */
  #fault(status: number, said: string, retryAfter: string | null): Error {
    const retryAfterMs = retryAfter === null ? null : retryMsOf(retryAfter);
    const message = `${this.#where} answered ${status}${said === "" ? "" : `: ${this.#clean(said)}`}`;
    const code = String(status);
    if ((status === 429 || status === 503) && retryAfterMs !== null)
      return new StoreBusyError(this.store, code, retryAfterMs, message);
    return status === 408 || status === 429 || status >= 500
      ? new StoreError(this.store, code, message)
      : new StoreRefusedError(this.store, code, message);
  }

  /** Makes the error of a store's own code. `isPassing`: another attempt may succeed. */
  ownFault(code: string, said: string, isPassing: boolean): Error {
    const message = `${this.#where}: ${this.#clean(said)}`;
    return isPassing
      ? new StoreError(this.store, code, message)
      : new StoreRefusedError(this.store, code, message);
  }

  get #where(): string {
    return `${this.store} (${this.#variable})`;
  }

  #clean(text: string): string {
    // A secret that is cut in two would not be found.
    return withoutSecrets(text, this.#secrets).slice(0, MOST_SAID);
  }

  #failure(error: unknown, signal: AbortSignal): Error {
    if (signal.aborted)
      return signal.reason === CLOSED
        ? new StoreError(
            this.store,
            CLOSED,
            `${this.#where} was cut off by the end of its task or endpoint`,
          )
        : signal.reason;
    if (error instanceof StoreError || error instanceof StoreRefusedError) return error;
    if (error instanceof StoreBusyError) return error;
    const said = error instanceof Error ? error.message : String(error);
    return new StoreError(
      this.store,
      "unreachable",
      `${this.#where} cannot be reached: ${this.#clean(said)}`,
    );
  }

  async #textOf({ body }: Response): Promise<string> {
    if (body === null) return "";
    const decoder = new TextDecoder();
    let [text, size] = ["", 0];
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > MOST_BYTES)
        throw new StoreRefusedError(
          this.store,
          "too_large",
          `${this.#where} answered with more than ${MOST_BYTES / 1024 / 1024} MiB: ask for less at once`,
        );
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  }
}

/** The server's own words in the body of an error. */
function saidIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null)
      for (const name of ["message", "error"]) {
        const said: unknown = Reflect.get(body, name);
        if (typeof said === "string") return said;
      }
  } catch {
    // Not JSON: the text itself.
  }
  return text.trim();
}

/**
 * The wait that a server asks for, in milliseconds: seconds, or a date. Null for another text, some
 * of which `Date.parse` takes for a date.
 */
function retryMsOf(asked: string): number | null {
  if (!/^(\d+$|[A-Z][a-z]{2})/.test(asked)) return null;
  const ms = /^\d+$/.test(asked) ? Number(asked) * 1_000 : Date.parse(asked) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_RETRY_MS) : null;
}
