/**
 * What a run does about the limits and pauses of its tasks: an attempt that must not start yet is held back, and everything that the limits
 * are told follows from how a task's state changes, so no way out of an attempt can forget its slot.
 *
 *     ready ─▶ held for concurrency ─ permitted ─▶ held for rate_limit ─ permitted ─▶ queued ─ claim ─▶ running ─▶ ended
 *                     │ ask                              │ ask                                  │ spend        │ give back
 *                     ▼                                  ▼                                      ▼              ▼
 *               the limit object                   the limit object
 *
 * A queued task that a driver knows to be paused is held back too, with the slots that it has, until it is resumed.
 *
 * All of it may be lost or repeated: what is held is due at some time (`redispatchAt`) and asks again, and a slot that was
 * forgotten is found by the limit object, which asks how its attempt stands. A task without limits has none of this. Of a task
 * with `each` the items are limited, each of its attempts by itself; what gathers them is not.
 */
import { itemsOf } from "./mapped-task.ts";
import { leaseMs, type GraphTask } from "../plan/run-graph.ts";
import {
  isKeyList,
  LIMIT_KINDS,
  type ConcurrencyPlan,
  type Hold,
  type LimitKeys,
  type LimitKind,
  type LimitName,
  type LimitRule,
  type RateLimitPlan,
  type SlotHolder,
  type SlotRequest,
  type Standing,
  type TaskLimits,
} from "../limits/limit.ts";
import {
  entryOf,
  type AttemptRecord,
  type Run,
  type TaskChange,
  type TaskEntry,
  type TaskState,
} from "./state.ts";

/** What may happen to a task that is held, or was. */
export type HoldEvent =
  /** The limit has a slot for this attempt. */
  | {
      readonly type: "permitted";
      readonly kind: LimitKind;
      readonly ordinal: number;
      readonly attempt: number;
    }
  /** There is none, and its task does not wait. */
  | { readonly type: "refused"; readonly ordinal: number; readonly attempt: number }
  /** A newer attempt, of another run, takes the place of this one. */
  | { readonly type: "displaced"; readonly ordinal: number; readonly attempt: number }
  /** The task is not paused any more. */
  | { readonly type: "resumed"; readonly task: string };

/** Calls that a limit is owed, or who knows of pauses. Lost ones are made up for. */
export type HoldEffect =
  | { readonly type: "await_resume"; readonly task: string }
  | { readonly type: "ask_slot"; readonly limit: LimitName; readonly request: SlotRequest }
  | {
      readonly type: "give_slot_back";
      readonly limit: LimitName;
      readonly holder: SlotHolder;
      readonly afterMs: number;
    }
  | {
      readonly type: "spend_slot";
      readonly limit: LimitName;
      readonly holder: SlotHolder;
      readonly perMs: number;
    };

/** The entries of one decision: as they were, and their states as decided. */
export interface HoldView {
  readonly run: Run;
  readonly now: number;
  entry(ordinal: number): TaskEntry;
  stateOf(ordinal: number): TaskState | null;
}

/** What an attempt that is ready must wait for first; null: nothing. */
export function firstHold(entry: TaskEntry, now: number): Hold | null {
  const limits = limitsOf(entry);
  const kind =
    limits === undefined ? undefined : LIMIT_KINDS.find((each) => planOf(limits, each) !== null);
  return kind === undefined ? null : { for: kind, since: now };
}

/** Whether its attempts wait for anything at all. */
export function isHeldFirst(entry: TaskEntry): boolean {
  return limitsOf(entry) !== undefined;
}

/** Whether a queued task waits for nothing but a driver. A limited one asks for its slot when the alarm of its delay fires. */
export function isReleased(entry: TaskEntry, state: TaskState, now: number): boolean {
  if (state.status !== "queued" || state.hold !== undefined) return false;
  return state.notBefore === undefined || (state.notBefore <= now && !isHeldFirst(entry));
}

/** What it must wait for next, once it has its slot of this kind; null: it may start. */
export function nextHold({ limits }: GraphTask, kind: LimitKind, now: number): Hold | null {
  return kind === "concurrency" && limits?.rateLimit ? { for: "rate_limit", since: now } : null;
}

/** Which attempt this state is about: one that is queued, the next; one that runs, or waits to be completed, itself; else none. */
export function attemptOf(state: TaskState, attempts: number): number | null {
  if (state.status === "running" || (state.status === "waiting" && state.for === "completion"))
    return state.attempt;
  return state.status === "queued" ? attempts + 1 : null;
}

/** The calls that follow from these changes, which `view.run` does not have yet. */
export function holdEffects(view: HoldView, changes: Iterable<TaskChange>): HoldEffect[] {
  const effects: HoldEffect[] = [];
  const awaited = new Set<string>();
  for (const change of changes) {
    const before = view.entry(change.ordinal);
    if (isHeldFor(change.state, "pause")) awaited.add(before.task.name);
    const { limits } = before.task;
    if (limits === undefined) continue;
    if (isHeldFirst(before)) effects.push(...effectsOf(view, limits, before, change));
    else if (before.each !== undefined && change.state.status === "cancelled") {
      // One change stands for all of its items (see each.ts).
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
  view: HoldView,
  limits: TaskLimits,
  before: TaskEntry,
  change: TaskChange,
): HoldEffect[] {
  const { run, now } = view;
  const { ordinal, state, attempts } = change;
  // Only the record of an attempt that is over has changed.
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
  const effects: HoldEffect[] = [];
  // One that was refused has nothing to give back.
  if (was !== null && was !== is && state.status !== "skipped") {
    const leaseLeftMs = before.state.status === "running" ? before.state.expiresAt - now : 0;
    const mayStillRun = state.status === "cancelled" || attempts.some(isEndedByOthers);
    const afterMs = mayStillRun ? Math.max(0, leaseLeftMs) : 0;
    if (limits.concurrency !== null)
      effects.push({
        type: "give_slot_back",
        limit: limit("concurrency"),
        holder: holder(was),
        afterMs,
      });
    if (limits.rateLimit !== null && before.state.status === "queued")
      effects.push({
        type: "give_slot_back",
        limit: limit("rate_limit"),
        holder: holder(was),
        afterMs: 0,
      });
  }
  if (
    limits.rateLimit !== null &&
    state.status === "running" &&
    before.state.status !== "running"
  ) {
    const { perMs } = limits.rateLimit;
    effects.push({
      type: "spend_slot",
      limit: limit("rate_limit"),
      holder: holder(state.attempt),
      perMs,
    });
  }
  const request = is === null ? null : requestOf(run, before.task, limits, state, holder(is), keys);
  if (request !== null) effects.push({ type: "ask_slot", ...request });
  return effects;
}

/** The call that an attempt owes whose worker says that it has ended after others did: its slot was kept until its lease is over. */
export function endedLate(run: Run, ordinal: number, attempt: number): HoldEffect | null {
  const entry = entryOf(run, ordinal);
  if (entry === undefined || !limitsOf(entry)?.concurrency) return null;
  if (!isEndedByOthers(entry.attempts[attempt - 1])) return null;
  const holder = { runId: run.id, ordinal, attempt };
  return { type: "give_slot_back", limit: limitOf(run, entry, "concurrency"), holder, afterMs: 0 };
}

/** What this limit of a task (or of an item) is called, now that its upstream tasks are final. */
export function limitOf(run: Run, entry: TaskEntry, kind: LimitKind): LimitName {
  const keys = keysOfAttempt(run, entry, (ordinal) => entryOf(run, ordinal)?.state ?? null);
  return { kind, task: entry.task.name, key: keys[kind] ?? null };
}

/** How an attempt stands to the slot that this limit keeps for it. `run`: null if it is not there (any more). */
export function standingOf(
  run: Run | null,
  kind: LimitKind,
  { ordinal, attempt }: SlotHolder,
  now: number,
): Standing {
  const entry = run === null ? undefined : entryOf(run, ordinal);
  if (entry === undefined) return { type: "over", afterMs: 0 };
  const { task, state, attempts } = entry;
  const isCurrent = attemptOf(state, attempts.length) === attempt;
  const record = attempts[attempt - 1];
  if (kind === "rate_limit") {
    const perMs = task.limits?.rateLimit?.perMs;
    if (record !== undefined && perMs !== undefined) return { type: "spent", perMs };
    return isCurrent && !isHeldFor(state, "concurrency")
      ? { type: "holding" }
      : { type: "over", afterMs: 0 };
  }
  if (isCurrent) return { type: "holding" };
  return {
    type: "over",
    afterMs: isEndedByOthers(record) ? Math.max(0, record.startedAt + leaseMs(task) - now) : 0,
  };
}

/** Whether not its worker has said that the attempt has ended: it was cancelled, or somebody has completed it. It may still run. */
function isEndedByOthers(record: AttemptRecord | undefined): record is AttemptRecord {
  return record?.status === "cancelled" || record?.completedBy !== undefined;
}

/** Whether the task waits for this, and may not be claimed before. */
export function isHeldFor(state: TaskState, reason: Hold["for"]): boolean {
  return state.status === "queued" && state.hold?.for === reason;
}

/** The limits of this entry's attempts: a task with `each` itself only gathers what its items passed. */
function limitsOf({ task, item }: TaskEntry): TaskLimits | undefined {
  return task.each !== undefined && item === undefined ? undefined : task.limits;
}

function planOf({ concurrency, rateLimit }: TaskLimits, kind: LimitKind) {
  return kind === "concurrency" ? concurrency : rateLimit;
}

/** What a held task asks for; null: nothing. */
function requestOf(
  run: Run,
  { name }: GraphTask,
  limits: TaskLimits,
  state: TaskState,
  holder: SlotHolder,
  keys: LimitKeys,
): { readonly limit: LimitName; readonly request: SlotRequest } | null {
  if (state.status !== "queued" || state.hold === undefined) return null;
  if (state.hold.for === "pause" || state.hold.for === "deploy") return null;
  const kind = state.hold.for;
  const plan = planOf(limits, kind);
  if (plan === null) return null;
  const strategy = "strategy" in plan && holder.attempt === 1 ? plan.strategy : "queue";
  const priority = typeof limits.priority === "number" ? limits.priority : (keys.priority ?? 0);
  return {
    limit: { kind, task: name, key: keys[kind] ?? null },
    request: { holder, rule: ruleOf(run, plan), strategy, since: state.hold.since, priority },
  };
}

/** What the run's plan says of a limit. Plans are ordered by their deployments, and by the runs that were accepted with them. */
function ruleOf(
  { createdAt, graph: { madeAt } }: Run,
  plan: ConcurrencyPlan | RateLimitPlan,
): LimitRule {
  const perMs = "perMs" in plan ? plan.perMs : null;
  return { limit: plan.limit, perMs, planAt: createdAt, ...(madeAt !== undefined && { madeAt }) };
}

/** What the payload of this task says about its limits: with the trigger for the root, else with what its parents passed. */
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
      // One item follows on another.
      const state = stateOf(
        each !== undefined && item !== undefined ? each.first + item.index : parent,
      );
      return state?.status === "succeeded" ? ofThis(state.passed.limitKeys?.[task.name]) : {};
    }),
  );
}
