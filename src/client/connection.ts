/**
 * Sends requests to the API: adds address and token, turns problem documents into errors, and
 * retries where that is safe. A call is sent again only if it reads or carries an idempotency key,
 * so a broken connection never does anything twice.
 */
import { PeachConnectionError, PeachError } from "./errors.ts";

/** The part of `fetch` that a client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Options of a client. */
export interface ClientOptions {
  /**
   * The address of the deployment: `https://peach.example.workers.dev`, or `http://127.0.0.1:8787`
   * for `npm run dev`.
   */
  readonly url: string;
  /** The API token: PEACH_API_TOKEN, or one of PEACH_API_TOKENS. */
  readonly token: string;
  /** The `fetch` to use; default: the global one. */
  readonly fetch?: Fetch;
  /** The time for which a repeatable call is retried, in milliseconds. Default: 5,000. */
  readonly retryForMs?: number;
}

/** Options of every call. An aborted signal rejects the call with its reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A list repeats the parameter. */
export type QueryValue = string | number | boolean | readonly string[] | null | undefined;

export interface Call {
  readonly method?: "GET" | "POST" | "DELETE";
  /** The path segments below /api/v1, not yet encoded. */
  readonly path: readonly string[];
  /** Query parameters; null and undefined are left out. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<RequestInit["body"]>;
  /** True if sending the call twice has the same effect as once. Default: true for reads. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_RETRY_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** The share of a delay that is random, so that many clients do not retry at the same time. */
const JITTER = 0.2;
/** Statuses of temporary refusals. */
const TRANSIENT_STATUSES = new Set([429, 502, 503, 504]);
/** The length of an unexpected answer in an error message, in characters. */
const EXCERPT_LENGTH = 200;

/** A connection to a deployment. */
export class Connection {
  readonly #url: string;
  readonly #token: string;
  readonly #fetch: Fetch;
  readonly #retryForMs: number;

  /** The address of the deployment, without a slash at its end. */
  get url(): string {
    return this.#url;
  }

  /** Throws a TypeError if the address or the token cannot be valid. */
  constructor({ url: text, token, fetch: given, retryForMs = DEFAULT_RETRY_MS }: ClientOptions) {
    const url = text.trim();
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new TypeError(
        `url: expected an address such as https://peach.example.workers.dev, given ${url || "none"}`,
      );
    const { username, password } = new URL(url);
    if (`${username}${password}` !== "" || /[?#]/.test(url))
      throw new TypeError("url: expected an address without a name, a password, ? and #");
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new TypeError("token: expected an API token: printable ASCII without spaces");
    this.#url = url.replace(/\/+$/, "");
    if (this.#url.endsWith("/api/v1"))
      throw new TypeError(
        `url: expected the address without /api/v1, which each call adds, given ${url}`,
      );
    this.#token = token;
    // Called as a function: browsers and workers refuse a `fetch` with another `this`.
    this.#fetch = given ?? ((input, init) => fetch(input, init));
    this.#retryForMs = retryForMs;
  }

  /** Sends a call and parses the answer as JSON. The content is not checked. */
  async json<Document>(call: Call): Promise<Document> {
    const answer = await this.request(call, wholeOf);
    const text = await answer.text();
    try {
      const document: Document = JSON.parse(text);
      return document;
    } catch {
      throw unexpectedAnswer(answer, text);
    }
  }

  /** Reads the list that the answer's document holds under `name`. */
  async list<Entry>(name: string, call: Call): Promise<readonly Entry[]> {
    const document = await this.json<Readonly<Record<string, readonly Entry[]>>>(call);
    return document[name] ?? [];
  }

  /** Deletes what this path names. */
  async delete(path: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const answer = await this.request({ method: "DELETE", path, signal });
    await answer.body?.cancel();
  }

  /**
   * Sends a call and returns a successful answer, after `read`. An error of `read` counts as a
   * broken connection. Rejects with `PeachError`, or with the signal's reason.
   */
  async request(
    call: Call,
    read: (answer: Response) => Response | Promise<Response> = (answer) => answer,
  ): Promise<Response> {
    const { method = "GET", signal } = call;
    const canRepeat =
      (call.repeatable ?? method === "GET") && !(call.body instanceof ReadableStream);
    const end = Date.now() + (canRepeat ? this.#retryForMs : 0);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      signal?.throwIfAborted();
      const answer = await this.#send(call)
        .then((given) => (given.ok ? read(given) : given))
        .catch((error: unknown) => {
          signal?.throwIfAborted();
          return new PeachConnectionError(this.#url, error);
        });
      if (answer instanceof Response && answer.ok) return answer;
      const isTransient = !(answer instanceof Response) || TRANSIENT_STATUSES.has(answer.status);
      // A server's Retry-After is the earliest time.
      const askedMs = answer instanceof Response ? retryAfterMs(answer) : 0;
      const waitMs = Math.max(pauseMs * (1 - Math.random() * JITTER), askedMs);
      if (!isTransient || Date.now() + waitMs > end)
        throw answer instanceof Response ? await errorOf(answer) : answer;
      if (answer instanceof Response) await answer.body?.cancel();
      await pause(waitMs, signal);
    }
  }

  #send({ method = "GET", path, query = {}, headers = {}, body, signal }: Call): Promise<Response> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      for (const each of Array.isArray(value) ? value : [value])
        if (each !== undefined && each !== null) parameters.append(name, String(each));
    const search = parameters.size === 0 ? "" : `?${parameters.toString()}`;
    return this.#fetch(`${this.#url}/api/v1/${path.map(encodeURIComponent).join("/")}${search}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, ...headers },
      // The token is for this address only, so redirects are not followed.
      redirect: "manual",
      ...(body === undefined ? {} : { body }),
      // Node and browsers require this option for a streamed body.
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** Waits. Rejects with the signal's reason if the signal is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
  });
}

/** Reads an answer to its end. */
async function wholeOf(answer: Response): Promise<Response> {
  return new Response((await answer.text()) || null, answer);
}

async function errorOf(answer: Response): Promise<PeachError> {
  const text = await answer.text().catch(() => "");
  const { code, detail, hint, errors, request_id: requestId } = parseObject(text);
  if (typeof code !== "string" || typeof detail !== "string") return unexpectedAnswer(answer, text);
  return new PeachError({
    code,
    detail,
    hint: typeof hint === "string" ? hint : "",
    status: answer.status,
    requestId: typeof requestId === "string" ? requestId : null,
    errors: Array.isArray(errors) ? errors : [],
  });
}

export function unexpectedAnswer(answer: Response, text: string): PeachError {
  return new PeachError({
    code: "unexpected_answer",
    detail: `The address answers with ${answer.status}, but not as Peach does: ${JSON.stringify(text.slice(0, EXCERPT_LENGTH))}.`,
    hint: "It must be that of the worker itself, without a login page before it.",
    status: answer.status,
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value))
      : {};
  } catch {
    return {};
  }
}

/** Parses Retry-After: a number of seconds, or a date by the server's clock. */
function retryAfterMs({ headers }: Response): number {
  const text = headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const until = Date.parse(text);
  const now = Date.parse(headers.get("Date") ?? "");
  return Number.isNaN(until) ? 0 : Math.max(0, until - (Number.isNaN(now) ? Date.now() : now));
}
