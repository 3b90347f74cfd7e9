/**
 * What is kept of a request to an endpoint, for the inspector: enough to see what came and what became of it, and to send it
 * again; no secrets. Pure: the HTTP edge makes it, `src/objects/deliveries` stores it.
 */
import type { DeliveryId, RunId } from "./ids.ts";
import type { Plan } from "./plan/plan.ts";
import type { ProblemCode } from "./problem.ts";

/** Of a body, as much is kept. */
export const KEPT_BODY_BYTES = 64 * 1024;
/** Of an endpoint, as many deliveries are kept, the last ones. */
export const KEPT_DELIVERIES = 100;
/** Of the body of a request that was refused, as much is kept. */
export const KEPT_REFUSED_BODY_BYTES = 1024;
/** Of an endpoint, so many kinds of refused requests are kept: each is one reason from one address. */
export const KEPT_REFUSED = 100;
const KEPT_AT_MOST_MS = 7 * 86_400_000;

/** How long a delivery is kept: no longer than the runs that it has started. Milliseconds. */
export function keepDeliveriesMs({ retentionMs }: Pick<Plan, "retentionMs">): number {
  return Math.min(KEPT_AT_MOST_MS, retentionMs);
}

/** Stands for the value of a header or a query parameter that may be a secret. */
export const REDACTED = "[redacted]";

export interface KeptBody {
  /** The first ones. */
  readonly bytes: Uint8Array;
  /** Of the whole body; null if it was not read to its end and nobody had declared it. */
  readonly size: number | null;
  readonly isWhole: boolean;
}

export interface DeliveryRun {
  readonly runId: RunId;
  readonly task: string;
  readonly deduplicated: boolean;
}

export interface Delivery {
  readonly id: DeliveryId;
  /** When it came. Epoch milliseconds. */
  readonly at: number;
  /** Until the answer's head. */
  readonly durationMs: number;
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  /** The `:params` of the endpoint's url. */
  readonly params: Readonly<Record<string, string>>;
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: KeptBody;
  /** Of the answer. */
  readonly status: number;
  /** Why Peach refused it, or that the endpoint failed; null if the endpoint has answered. */
  readonly reason: ProblemCode | null;
  /** What the sender calls the delivery, where its signature scheme says so. */
  readonly senderId: string | null;
  /** What the endpoint triggered before it answered. */
  readonly runs: readonly DeliveryRun[];
  /** Set if it was sent again by the API. */
  readonly replayOf: DeliveryId | null;
}

/** Requests that were refused for one reason and came from one address. */
export interface RefusedRequests {
  /** A network of IPv6 (`2001:db8:1:2::/64`), else an address; `unknown` where nobody tells. */
  readonly address: string;
  /** About: what an isolate had counted when it died is not in it. */
  readonly count: number;
  /** When the first of them came. Epoch milliseconds. */
  readonly firstAt: number;
}

/** A delivery in the list; `refused` stands for all requests of its reason and address, of which it is the last. */
export interface ListedDelivery {
  readonly delivery: Delivery;
  readonly refused: RefusedRequests | null;
}

/** Which deliveries are listed: those that were let in, those that were refused, or both. */
export type DeliveryFilter = "admitted" | "refused" | "all";

/** What is to be deleted next: until when it is kept (epoch ms), and for how long in all. */
export interface NextDue {
  readonly until: number;
  readonly keptMs: number;
}

const SECRET_NAME =
  /auth|cookie|credential|hmac|jwt|passw|secret|signature|token|\bsig\b|(api|access|private)[-_]?key|^(code|key)$/i;

/** A longer text is no address that anybody was given. */
const LONGEST_ADDRESS = 8192;

/** The headers or `:params`, with the values of those replaced that may be a secret; `also` names further ones. */
export function redact(
  values: Iterable<readonly [name: string, value: string]>,
  also: readonly string[] = [],
): Record<string, string> {
  return Object.fromEntries(
    Array.from(values, ([name, value]) => [
      name,
      SECRET_NAME.test(name) || also.includes(name) ? REDACTED : redactAddress(value),
    ]),
  );
}

/** The text; if it is an address of the web, without user, password and the parameters that may be a secret. */
export function redactAddress(text: string): string {
  if (text.length > LONGEST_ADDRESS || !/^https?:\/\/[^\s]+[?@]/i.test(text) || !URL.canParse(text))
    return text;
  const redacted = redactUrl(text, "");
  return redacted === new URL(text).href ? text : redacted;
}

/**
 * The url of a request to the endpoint at `pattern`, without user and password; query parameters and `:params` are replaced that
 * may be a secret.
 */
export function redactUrl(url: string, pattern: string): string {
  const redacted = new URL(url);
  redacted.username = "";
  redacted.password = "";
  const wanted = pattern.split("/");
  redacted.pathname = redacted.pathname
    .split("/")
    .map((part, index) => {
      const param = /^:(\w+)$/.exec(wanted[index] ?? "")?.[1] ?? "";
      return SECRET_NAME.test(param) ? REDACTED : part;
    })
    .join("/");
  for (const name of new Set(redacted.searchParams.keys()))
    if (SECRET_NAME.test(name)) redacted.searchParams.set(name, REDACTED);
  return redacted.href;
}

/**
 * Whether a request is kept. Reading delivers nothing: a GET that was let in, triggered nothing and did not fail leaves no record,
 * so that an endpoint which serves data costs nothing more.
 */
export function isWorthKeeping({
  method,
  status,
  reason,
  runs,
}: Pick<Delivery, "method" | "status" | "reason" | "runs">): boolean {
  const reads = method === "GET" || method === "HEAD" || method === "OPTIONS";
  return !reads || reason !== null || status >= 500 || runs.length > 0;
}
