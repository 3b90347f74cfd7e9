/**
 * Gate of limits and pauses: an attempt may be blocked before its start. All calls to the limits
 * are derived from state changes, so every way out of an attempt releases its slot.
 *
 *     ready ─▶ blocked by concurrency ─ granted ─▶ blocked by rate_limit ─ granted ─▶ queued
 *                  │ acquire                            │ acquire                      │ claim
 *                  ▼                                    ▼                              ▼
 *            the limit object                     the limit object ◀─ consume ──── running
 *                  ▲                                                                   │
 *                  └──────────────────────────── release ──────────────────── ended ◀──┘
 *
 * A queued task of a paused name is blocked until its resumption and keeps its slots.
 *
 * Any call may be lost or repeated. A blocked task has a due time (`redispatchAt`) and repeats its
 * request. The limit object finds a forgotten slot by asking for the status of its attempt. A task
 * without limits skips the gate. An `each` task limits every attempt of its items; collecting their
 * outputs is not limited.
 */
import { itemsOf } from "./mapped-task.ts";
import { leaseMs, type GraphTask } from "../plan/run-graph.ts";
import {
  isKeyList,
  LIMIT_KINDS,
  type ConcurrencyPlan,
  type BlockedBy,
  type LimitKeys,
  type LimitKind,
  type LimitName,
  type LimitRule,
  type RateLimitPlan,
  type SlotHolder,
  type SlotRequest,
  type SlotStatus,
  type TaskLimits,
} from "../limits/limit.ts";
import { entryOf, type Run, type TaskEntry } from "./state.ts";
import { type AttemptRecord } from "./attempt.ts";
import { type TaskChange } from "./run-change.ts";
import { type TaskState } from "./task-state.ts";

/** Events of blocked tasks, or of formerly blocked tasks. */
export type LimitGateEvent =
  /** The limit granted a slot to this attempt. */
  | {
      readonly type: "slot_granted";
      readonly kind: LimitKind;
      readonly ordinal: number;
      readonly attempt: number;
    }
  /** The limit has no free slot, and the task does not wait. */
  | { readonly type: "slot_denied"; readonly ordinal: number; readonly attempt: number }
  /** A newer attempt of another run replaces this attempt. */
  | { readonly type: "preempted"; readonly ordinal: number; readonly attempt: number }
  /** The task is no longer paused. */
  | { readonly type: "task_resumed"; readonly task: string };

/** Calls to limits and pauses. A lost call is repeated later. */
export type LimitGateEffect =
  | { readonly type: "await_resume"; readonly task: string }
  | { readonly type: "acquire_slot"; readonly limit: LimitName; readonly request: SlotRequest }
  | {
      readonly type: "release_slot";
      readonly limit: LimitName;
      readonly holder: SlotHolder;
      readonly afterMs: number;
    }
  | {
      readonly type: "consume_permit";
      readonly limit: LimitName;
      readonly holder: SlotHolder;
      readonly perMs: number;
    };

/** View of one transition: recorded entries and pending states. */
export interface LimitGateView {
  readonly run: Run;
  readonly now: number;
  entry(ordinal: number): TaskEntry;
  stateOf(ordinal: number): TaskState | null;
}

/** First block of a ready attempt; null without one. */
export function firstBlock(entry: TaskEntry, now: number): BlockedBy | null {
  const limits = limitsOf(entry);
  const kind =
    limits === undefined ? undefined : LIMIT_KINDS.find((each) => planOf(limits, each) !== null);
  return kind === undefined ? null : { for: kind, since: now };
}

/** Tests whether a limit applies to the attempts of this entry. */
export function isLimited(entry: TaskEntry): boolean {
  return limitsOf(entry) !== undefined;
}

/**
 * Tests whether a queued task waits only for a driver. A limited task requests its slot after its
 * delay.
 */
export function isUnblocked(entry: TaskEntry, state: TaskState, now: number): boolean {
  if (state.status !== "queued" || state.blockedBy !== undefined) return false;
  return state.notBefore === undefined || (state.notBefore <= now && !isLimited(entry));
}

/** Next block after a granted slot of this kind; null if the attempt may start. */
export function nextBlock({ limits }: GraphTask, kind: LimitKind, now: number): BlockedBy | null {
  return kind === "concurrency" && limits?.rateLimit ? { for: "rate_limit", since: now } : null;
}

/**
 * Attempt belonging to a state: the next attempt if queued, the current attempt if running or
 * awaiting completion, or else null.
 */
export function attemptOf(state: TaskState, attempts: number): number | null {
  if (state.status === "running" || (state.status === "waiting" && state.for === "completion"))
    return state.attempt;
  return state.status === "queued" ? attempts + 1 : null;
}

/** Derives the limit calls of these changes, which `view.run` does not include yet. */
export function limitGateEffects(
  view: LimitGateView,
  changes: Iterable<TaskChange>,
): LimitGateEffect[] {
  const effects: LimitGateEffect[] = [];
  const awaited = new Set<string>();
  for (const change of changes) {
    const before = view.entry(change.ordinal);
    if (isBlockedBy(change.state, "pause")) awaited.add(before.task.name);
    const { limits } = before.task;
    if (limits === undefined) continue;
    if (isLimited(before)) effects.push(...effectsOf(view, limits, before, change));
    else if (
      before.each !== undefined &&
      change.state.status === "cancelled" &&
      change.state !== before.state
    ) {
      // A single change stands for all items (see mapped-task.ts).
      for (const [index, item] of itemsOf(view.run, before.each).entries())
        effects.push(
          ...effectsOf(view, limits, item, {
            ...change,
            ordinal: before.each.first + index,
            attempts: [],
          }),
        );
    }
  }
  for (const task of awaited) effects.push({ type: "await_resume", task });
  return effects;
}

function effectsOf(
  view: LimitGateView,
  limits: TaskLimits,
  before: TaskEntry,
  change: TaskChange,
): LimitGateEffect[] {
  const { run, now } = view;
  const { ordinal, state, attempts } = change;
  // The change touches only the record of an ended attempt.
  if (state === before.state) return [];
  const begun = attempts.reduce(
    (most, { attempt }) => Math.max(most, attempt),
    before.attempts.length,
  );
  const was = attemptOf(before.state, before.attempts.length);
  const is = attemptOf(state, begun);
  if (was === null && is === null) return [];
  const keys = keysOfAttempt(run, before, (parent) => view.stateOf(parent));
  const limit = (kind: LimitKind): LimitName => ({
    kind,
    task: before.task.name,
    key: keys[kind] ?? null,
  });
  const holder = (attempt: number): SlotHolder => ({ runId: run.id, ordinal, attempt });
  const release = (kind: LimitKind, attempt: number, afterMs: number): LimitGateEffect => ({
    type: "release_slot",
    limit: limit(kind),
    holder: holder(attempt),
    afterMs,
  });
  const effects: LimitGateEffect[] = [];
  // A denied attempt has nothing to release.
  if (was !== null && was !== is && state.status !== "skipped") {
    const leaseLeftMs = before.state.status === "running" ? before.state.expiresAt - now : 0;
    const mayStillRun = state.status === "cancelled" || attempts.some(isEndedFromOutside);
    const afterMs = mayStillRun ? Math.max(0, leaseLeftMs) : 0;
    if (limits.concurrency !== null) effects.push(release("concurrency", was, afterMs));
    if (limits.rateLimit !== null && before.state.status === "queued")
      effects.push(release("rate_limit", was, 0));
  }
  if (
    limits.rateLimit !== null &&
    state.status === "running" &&
    before.state.status !== "running"
  ) {
    const { perMs } = limits.rateLimit;
    effects.push({
      type: "consume_permit",
      limit: limit("rate_limit"),
      holder: holder(state.attempt),
      perMs,
    });
  }
  const request = is === null ? null : requestOf(run, before.task, limits, state, holder(is), keys);
  if (request !== null) effects.push({ type: "acquire_slot", ...request });
  return effects;
}

/** Release of a slot kept for an attempt ended from outside, after a late report of its worker. */
export function lateRelease(run: Run, ordinal: number, attempt: number): LimitGateEffect | null {
  const entry = entryOf(run, ordinal);
  if (entry === undefined || !limitsOf(entry)?.concurrency) return null;
  if (!isEndedFromOutside(entry.attempts[attempt - 1])) return null;
  const holder = { runId: run.id, ordinal, attempt };
  return { type: "release_slot", limit: limitOf(run, entry, "concurrency"), holder, afterMs: 0 };
}

/** Name of a task's (or item's) limit after the end of its parents. */
export function limitOf(run: Run, entry: TaskEntry, kind: LimitKind): LimitName {
  const keys = keysOfAttempt(run, entry, (ordinal) => entryOf(run, ordinal)?.state ?? null);
  return { kind, task: entry.task.name, key: keys[kind] ?? null };
}

/** Status of the slot kept for an attempt. `run` is null if the run does not exist (any more). */
export function slotStatusOf(
  run: Run | null,
  kind: LimitKind,
  { ordinal, attempt }: SlotHolder,
  now: number,
): SlotStatus {
  const entry = run === null ? undefined : entryOf(run, ordinal);
  if (entry === undefined) return { type: "over", afterMs: 0 };
  const { task, state, attempts } = entry;
  const isCurrent = attemptOf(state, attempts.length) === attempt;
  const record = attempts[attempt - 1];
  if (kind === "rate_limit") {
    const perMs = task.limits?.rateLimit?.perMs;
    if (record !== undefined && perMs !== undefined) return { type: "spent", perMs };
    return isCurrent && !isBlockedBy(state, "concurrency")
      ? { type: "holding" }
      : { type: "over", afterMs: 0 };
  }
  if (isCurrent) return { type: "holding" };
  return {
    type: "over",
    afterMs: isEndedFromOutside(record) ? Math.max(0, record.startedAt + leaseMs(task) - now) : 0,
  };
}

/**
 * Detects an attempt ended from outside, by a cancellation or a completion. Its code may still run.
 */
function isEndedFromOutside(record: AttemptRecord | undefined): record is AttemptRecord {
  return record?.status === "cancelled" || record?.completedBy !== undefined;
}

/** Tests whether a block of this kind holds the task back. */
export function isBlockedBy(state: TaskState, reason: BlockedBy["for"]): boolean {
  return state.status === "queued" && state.blockedBy?.for === reason;
}

/** Limits of this entry's attempts. Collecting items is not limited. */
function limitsOf({ task, item }: TaskEntry): TaskLimits | undefined {
  return task.each !== undefined && item === undefined ? undefined : task.limits;
}

function planOf({ concurrency, rateLimit }: TaskLimits, kind: LimitKind) {
  return kind === "concurrency" ? concurrency : rateLimit;
}

/** Request of a blocked task; null without one. */
function requestOf(
  run: Run,
  { name }: GraphTask,
  limits: TaskLimits,
  state: TaskState,
  holder: SlotHolder,
  keys: LimitKeys,
): { readonly limit: LimitName; readonly request: SlotRequest } | null {
  if (state.status !== "queued" || state.blockedBy === undefined) return null;
  if (state.blockedBy.for === "pause" || state.blockedBy.for === "deploy") return null;
  const kind = state.blockedBy.for;
  const plan = planOf(limits, kind);
  if (plan === null) return null;
  const strategy = "strategy" in plan && holder.attempt === 1 ? plan.strategy : "queue";
  const priority = typeof limits.priority === "number" ? limits.priority : (keys.priority ?? 0);
  return {
    limit: { kind, task: name, key: keys[kind] ?? null },
    request: { holder, rule: ruleOf(run, plan), strategy, since: state.blockedBy.since, priority },
  };
}

/** Rule of the run's plan. Deployment time orders the plans, then the acceptance of their runs. */
function ruleOf(
  { createdAt, graph: { madeAt } }: Run,
  plan: ConcurrencyPlan | RateLimitPlan,
): LimitRule {
  const perMs = "perMs" in plan ? plan.perMs : null;
  return { limit: plan.limit, perMs, planAt: createdAt, ...(madeAt !== undefined && { madeAt }) };
}

/**
 * Limit keys in a task's payload: from the trigger for the root, from the parents' outputs for any
 * other task.
 */
export function keysOfAttempt(
  run: Run,
  { task, item }: TaskEntry,
  stateOf: (ordinal: number) => TaskState | null,
): LimitKeys {
  const ofThis = (given: Run["limitKeys"]): LimitKeys =>
    isKeyList(given) ? (given[item?.index ?? -1] ?? {}) : (given ?? {});
  if (task.shape === "trigger") return ofThis(run.limitKeys);
  const recorded = (run.recorded ?? []).filter(({ task: name }) => name === task.name);
  return Object.assign(
    {},
    ...recorded.map(({ limitKeys }) => ofThis(limitKeys)),
    ...task.upstream.map((parent) => {
      const each = run.tasks[parent]?.each;
      // An item-wise child reads the item of equal index.
      const state = stateOf(
        each !== undefined && item !== undefined ? each.first + item.index : parent,
      );
      return state?.status === "succeeded" ? ofThis(state.passed.limitKeys?.[task.name]) : {};
    }),
  );
}
