/**
 * Endpoint deliveries as recorded for the inspector: request, result, and enough data for a replay;
 * no secrets. Pure: the HTTP edge makes the records, `src/objects/deliveries` stores them.
 */
import type { DeliveryId, RunId } from "./ids.ts";
import type { Plan } from "./plan/plan.ts";
import type { ProblemCode } from "./problem.ts";

/** Recorded bytes per body, at most. */
export const KEPT_BODY_BYTES = 64 * 1024;
/** Recorded deliveries per endpoint: the newest. */
export const KEPT_DELIVERIES = 100;
/** Recorded bytes of a refused request's body, at most. */
export const KEPT_REFUSED_BODY_BYTES = 1024;
/** Recorded kinds of refused requests per endpoint. A kind is a reason and an address. */
export const KEPT_REFUSED = 100;
const KEPT_AT_MOST_MS = 7 * 86_400_000;

/** Retention of deliveries in milliseconds, at most the retention of the runs. */
export function keepDeliveriesMs({ retentionMs }: Pick<Plan, "retentionMs">): number {
  return Math.min(KEPT_AT_MOST_MS, retentionMs);
}

/** Placeholder for the value of a possibly secret header or query parameter. */
export const REDACTED = "[redacted]";

export interface KeptBody {
  /** First bytes of the body. */
  readonly bytes: Uint8Array;
  /**
   * Size of the whole body; null if the body was not read to its end and had no declared length.
   */
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
  /** Arrival, epoch milliseconds. */
  readonly at: number;
  /** Time until the head of the answer. */
  readonly durationMs: number;
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  /** `:params` of the endpoint's url. */
  readonly params: Readonly<Record<string, string>>;
  /** Header values by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: KeptBody;
  /** HTTP status of the answer. */
  readonly status: number;
  /** Code of Peach's refusal or of the endpoint's failure; null if the endpoint answered. */
  readonly reason: ProblemCode | null;
  /** Sender's own delivery id, if the signature scheme has one. */
  readonly senderId: string | null;
  /** Runs triggered before the answer. */
  readonly runs: readonly DeliveryRun[];
  /** Original delivery, for a replay through the API. */
  readonly replayOf: DeliveryId | null;
}

/** Refused requests of equal reason and address. */
export interface RefusedRequests {
  /** Network for IPv6 (`2001:db8:1:2::/64`), address for IPv4, or `unknown`. */
  readonly address: string;
  /** Approximate count: an isolate loses its unreported part when it dies. */
  readonly count: number;
  /** Arrival of the first request, epoch milliseconds. */
  readonly firstAt: number;
}

/**
 * Entry of the delivery list. `refused` counts all requests of the same reason and address;
 * `delivery` is the last of them.
 */
export interface ListedDelivery {
  readonly delivery: Delivery;
  readonly refused: RefusedRequests | null;
}

/** Selection of deliveries: admitted, refused, or both. */
export type DeliveryFilter = "admitted" | "refused" | "all";

/** Next deletion: `until` in epoch milliseconds, `keptMs` the whole retention. */
export interface NextDue {
  readonly until: number;
  readonly keptMs: number;
}

const SECRET_NAME =
  /auth|cookie|credential|hmac|jwt|passw|secret|signature|token|\bsig\b|(api|access|private)[-_]?key|^(code|key)$/i;

/** Longest text treated as a web address. */
const LONGEST_ADDRESS = 8192;

/** Redacts possible secrets in headers or `:params`. `also` adds names to the built-in list. */
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

/**
 * Redacts user, password and possibly secret parameters of a web address. Any other text is
 * returned unchanged.
 */
export function redactAddress(text: string): string {
  if (text.length > LONGEST_ADDRESS || !/^https?:\/\/[^\s]+[?@]/i.test(text) || !URL.canParse(text))
    return text;
  const redacted = redactUrl(text, "");
  return redacted === new URL(text).href ? text : redacted;
}

/**
 * Redacts user, password, secret query parameters and secret `:params` of a request url. `pattern`
 * is the url of the endpoint.
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
 * Decides whether to record a request. A successful GET without triggers is a plain read and leaves
 * no record, so an endpoint for reading data costs nothing more.
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
