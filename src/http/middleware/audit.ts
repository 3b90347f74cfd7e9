/**
 * Writes the audit: calls that change something (refused ones included), log-ins, completions by
 * URL, triggers, and failed authentication. Each entry is a line in the worker's log, and a row in
 * the audit object for `GET /audit`.
 *
 * There are two ways in:
 * - `auditEach` stores one entry per call, right after its answer. Changes use it.
 * - `auditCounted` merges like entries within `COUNT_WINDOW_MS` into one with a count. Triggers,
 *   log-ins and refusals use it: they come by the thousand, and neither a busy deployment nor a
 *   flood may cost a row each.
 *
 * No caller has more than `MAX_KINDS_PER_CALLER` different counted entries at a time. So neither an
 * unauthenticated client nor a narrow token can push out the entries of others. The audit object
 * has a bound over all isolates (`objects/audit/daily-shares.ts`).
 *
 * An isolate that dies within the window loses its counts. The run itself records who started it.
 */
import type { Context } from "hono";
import { MANY_ADDRESSES, NOBODY, type AuditEntry } from "../../domain/audit-entry.ts";
import { callAudit } from "../../objects/audit/audit-client.ts";
import { addressOf, networkOf } from "../client-address.ts";
import type { HttpEnv } from "../http-env.ts";
import { log } from "../../platform/log.ts";

/** An audited action and its result. */
export type AuditedAction = Pick<AuditEntry, "who" | "what" | "on" | "status">;

/** An audit entry as JSON. */
interface AuditDocument extends Pick<
  AuditEntry,
  "who" | "what" | "on" | "status" | "from" | "count"
> {
  /** Times in ISO 8601. */
  readonly at: string;
  readonly last_at: string;
  readonly request_id: string;
  readonly client_request_id: string | null;
}

/** Window in which like entries are counted before storage. */
const COUNT_WINDOW_MS = 5_000;
/**
 * Maximum of different counted entries, in the isolate and per caller. Further ones are merged into
 * a single entry without a subject, from `MANY_ADDRESSES`.
 */
const MAX_COUNTED = 1_000;
const MAX_KINDS_PER_CALLER = 50;
/** Length of a subject and an address, in characters. */
const MAX_LENGTH = 500;

/** Counted entries that are not stored yet, of this isolate, by key. */
const counted = new Map<string, AuditEntry>();
/** Number of different counted entries, by caller. */
const kindsPerCaller = new Map<string, number>();
/**
 * Time of the next flush, in epoch milliseconds. A flush that is overdue by a window will never
 * come: the platform has cancelled its request.
 */
let dueAt = 0;

/** Stores one entry, in the background. */
export function auditEach(c: Context<HttpEnv>, action: AuditedAction): void {
  c.executionCtx.waitUntil(keep(c.env, [entryOf(c, action)]));
}

/** Counts an entry together with like ones, and stores the count up to `COUNT_WINDOW_MS` later. */
export function auditCounted(c: Context<HttpEnv>, action: AuditedAction): void {
  const noted = entryOf(c, action);
  // An unauthenticated client that owns one address of a network owns all of them.
  const entry = action.who === NOBODY ? { ...noted, from: networkOf(noted.from) } : noted;
  const keyOf = ({ who, what, on, status, from }: AuditEntry): string =>
    JSON.stringify([who, what, on, status, from]);
  const kinds = kindsPerCaller.get(entry.who) ?? 0;
  const hasRoom =
    (counted.size < MAX_COUNTED && kinds < MAX_KINDS_PER_CALLER) || counted.has(keyOf(entry));
  const kept = hasRoom ? entry : { ...entry, on: "", from: MANY_ADDRESSES };
  const key = keyOf(kept);
  if (!counted.has(key)) kindsPerCaller.set(entry.who, kinds + 1);
  const known = counted.get(key);
  counted.set(
    key,
    known === undefined ? kept : { ...known, count: known.count + 1, lastAt: kept.at },
  );
  if (entry.at < dueAt + COUNT_WINDOW_MS) return;
  dueAt = entry.at + COUNT_WINDOW_MS;
  c.executionCtx.waitUntil(scheduler.wait(COUNT_WINDOW_MS).then(() => flushCounted(c.env)));
}

/**
 * Keeps a request running for up to 30 s after its client has disconnected. Returns the same
 * promise.
 *
 * The platform cancels a request without a client. Without this function, a client could change
 * something and leave before the audit is written.
 *
 * ```ts
 * return finishAfterDisconnect(c, changeAndAudit(c));
 * ```
 */
export function finishAfterDisconnect<T>(c: Context<HttpEnv>, answer: Promise<T>): Promise<T> {
  const isOver = (): void => undefined;
  c.executionCtx.waitUntil(answer.then(isOver, isOver));
  return answer;
}

/**
 * Stores all counted entries now. `GET /audit` calls it first, so that a caller sees its own calls.
 */
export async function flushCounted(env: Env): Promise<void> {
  dueAt = 0;
  const entries = [...counted.values()];
  counted.clear();
  kindsPerCaller.clear();
  if (entries.length > 0) await keep(env, entries);
}

/**
 * Logs and stores entries. Never rejects: the answer is already sent, and the log has the entries.
 * `batch` makes a repeated append idempotent.
 */
async function keep(env: Env, entries: readonly AuditEntry[]): Promise<void> {
  for (const entry of entries) log("info", "audit", { ...documentOf(entry) });
  const batch = crypto.randomUUID();
  await callAudit(env, (audit) => audit.append(batch, entries)).catch((error: unknown) => {
    log("error", "audit not kept", { entries: entries.length, error });
  });
}

/** Builds the entry of an action, with the request's address and ids. */
function entryOf(c: Context<HttpEnv>, { who, what, on, status }: AuditedAction): AuditEntry {
  return {
    at: Date.now(),
    who,
    what,
    on: on.slice(0, MAX_LENGTH),
    status,
    from: addressOf(c).slice(0, MAX_LENGTH),
    requestId: c.get("requestId"),
    clientRequestId: c.get("clientRequestId"),
    count: 1,
  };
}

/** Formats an entry for the API and the log. */
export function documentOf(entry: AuditEntry): AuditDocument {
  const { at, lastAt = at, who, what, on, status, from, requestId, clientRequestId, count } = entry;
  return {
    at: new Date(at).toISOString(),
    last_at: new Date(lastAt).toISOString(),
    who,
    what,
    on,
    status,
    from,
    request_id: requestId,
    client_request_id: clientRequestId,
    count,
  };
}
