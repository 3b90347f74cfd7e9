/**
 * The audit: each call that changes something, refused ones included, each log-in, each completion by URL, each trigger, and who could
 * not say who they are. Every entry is a line in the worker's log, and kept in an object for `GET /audit`.
 *
 * What changes something is kept at once, after its answer. Triggers, log-ins and refusals come by the thousand: like ones within
 * `COUNT_WINDOW_MS` are one entry with a count, so that neither a busy deployment nor a flood costs a row each. Nobody has more than
 * `MAX_KINDS_PER_CALLER` of them at a time, whatever they name: neither a stranger nor a narrow token fills the audit, so that what others
 * did would have to go; the object has a bound for all isolates (`objects/audit/daily-shares.ts`). An isolate that dies within that time takes those counts with it; which run was started by whom stands in the
 * run itself.
 */
import type { Context } from "hono";
import { MANY_ADDRESSES, type AuditEntry } from "../../domain/audit-entry.ts";
import { callAudit } from "../../objects/audit/audit-client.ts";
import { addressOf, networkOf } from "../client-address.ts";
import type { HttpEnv } from "../http-env.ts";

/** Who could not say who they are. */
export const NOBODY = "nobody";

/** Who does what, and with which result. */
export interface AuditedAction {
  /** `NOBODY` for who is not known. */
  readonly who: string;
  /** The id of an operation, or what is done beside the API. */
  readonly what: string;
  readonly on: string;
  readonly status: number;
}

/** In JSON. */
interface AuditDocument extends Pick<
  AuditEntry,
  "who" | "what" | "on" | "status" | "from" | "count"
> {
  /** ISO 8601. */
  readonly at: string;
  readonly last_at: string;
  readonly request_id: string;
  readonly client_request_id: string | null;
}

const COUNT_WINDOW_MS = 5_000;
/** Kinds of entries that are counted at a time, of all and of one `who`; more are kept as of `MANY_ADDRESSES`. */
const MAX_COUNTED = 1_000;
const MAX_KINDS_PER_CALLER = 50;
const MAX_LENGTH = 500;

/** Counts that are not kept yet, of this isolate, by what they are counts of. */
const counted = new Map<string, AuditEntry>();
/** How many of them are whose. */
const kindsPerCaller = new Map<string, number>();
/** When somebody is to keep the counts, epoch ms. One who is long overdue never comes: its request was cut off. */
let dueAt = 0;

/** Keeps an entry of its own. */
export function auditEach(c: Context<HttpEnv>, action: AuditedAction): void {
  c.executionCtx.waitUntil(keep(c.env, [entryOf(c, action)]));
}

/** Counts it with those like it, and keeps the count a little later. */
export function auditCounted(c: Context<HttpEnv>, action: AuditedAction): void {
  const noted = entryOf(c, action);
  // A stranger with one address of a network has all of them.
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
 * The same answer. The platform stops what nobody waits for: whoever goes away in the middle of a call would be missing in the audit, and
 * what they asked for done all the same. It goes on for 30 s without them.
 */
export function finishAfterDisconnect<T>(c: Context<HttpEnv>, answer: Promise<T>): Promise<T> {
  const isOver = (): void => undefined;
  c.executionCtx.waitUntil(answer.then(isOver, isOver));
  return answer;
}

/** Keeps what has been counted so far. */
export async function flushCounted(env: Env): Promise<void> {
  dueAt = 0;
  const entries = [...counted.values()];
  counted.clear();
  kindsPerCaller.clear();
  if (entries.length > 0) await keep(env, entries);
}

/** Never rejects: the answer has been given, and the log has the entries. */
async function keep(env: Env, entries: readonly AuditEntry[]): Promise<void> {
  for (const entry of entries)
    console.log(JSON.stringify({ message: "audit", ...documentOf(entry) }));
  const batch = crypto.randomUUID();
  await callAudit(env, (audit) => audit.append(batch, entries)).catch((error: unknown) => {
    console.error(
      JSON.stringify({ message: "audit not kept", entries: entries.length, error: String(error) }),
    );
  });
}

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

/** The entry as the API shows it, and the log. */
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
