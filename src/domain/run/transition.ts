/**
 * A transition under construction: the recorded run, plus pending changes on top. Reads see pending
 * changes, so a settle which readies and grants a child is one change, not three. This class holds
 * the pending changes and decides nothing. The rules are functions over it:
 * - `machine.ts`: the rule of each event.
 * - `cascade.ts`: starts and ends of tasks, with the effect on their children.
 * - `leasing.ts`: leases for drivers and executor objects.
 * - `mapped-items.ts`: starts and ends of the items of mapped tasks.
 * - `dispatching.ts`: queue messages and executor objects.
 * - `conclude.ts`: the last phase, from pending changes to the result.
 */
import { isSuspect } from "./blame.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { attemptTimeoutMs, isStopping, laneOfEntry } from "./mapped-task.ts";
import { MappedTaskDraft } from "./mapped-task-draft.ts";
import type { Lane } from "../plan/run-graph.ts";
import { Lacking } from "../lacking-methods.ts";
import { sendOf, type QueueProgress, type Send } from "../queue-progress.ts";
import type { RunAction } from "./run-action.ts";
import { endedWaitMs, isWait } from "./run-times.ts";
import { entryOf, type MappedProgress, type Run, type TaskEntry } from "./state.ts";
import type { AttemptRecord } from "./attempt.ts";
import type { TaskState } from "./task-state.ts";
import type { TaskChange } from "./run-change.ts";
import type { Effect, GrantedLease, Rejection } from "./machine-events.ts";

export class Transition {
  readonly run: Run;
  readonly now: number;
  readonly queue: QueueProgress | null;
  readonly builder: ChangeBuilder;
  readonly lacking: Lacking;
  /** Pending change of each touched task or item, by ordinal. */
  readonly changes = new Map<number, TaskChange>();
  /** Tasks queued by this transition, without a message so far. */
  readonly ready: number[] = [];
  /** Mapped tasks with pending items, without a message so far. */
  readonly readyMapped = new Set<number>();
  /** Number of open upstream tasks, where changed by this transition. */
  readonly waitingOn = new Map<number, number>();
  readonly effects: Effect[] = [];
  readonly leases: GrantedLease[] = [];
  readonly rejections: Rejection[] = [];
  /** New leases; `leases` also contains those of a repeated call. */
  granted = 0;
  ended = 0;
  reopened = 0;
  isCancelled = false;
  /** True if the claiming driver leaves work behind and has no task left. */
  isDriverLeaving = false;
  /** Active drivers, which return for more work by themselves; set by resends. */
  driversAtWork = 0;
  #mapped: MappedTaskDraft | null = null;

  constructor(run: Run, now: number, queue: QueueProgress | null = null) {
    this.run = run;
    this.now = now;
    this.queue = queue;
    this.builder = new ChangeBuilder(run);
    this.lacking = new Lacking(run.lacking);
  }

  /** Draft of the mapped tasks, made on first use. */
  get mapped(): MappedTaskDraft {
    return (this.#mapped ??= new MappedTaskDraft(this.run));
  }

  /** Mapped tasks with items touched by this transition. */
  get touchedMapped(): readonly number[] {
    return this.#mapped?.touched ?? [];
  }

  /** Mapped tasks with known items. */
  get knownMapped(): readonly number[] {
    return this.#mapped?.known ?? this.run.mappedTasks;
  }

  /** Recorded entry, before this transition. */
  entry(ordinal: number): TaskEntry {
    const entry = entryOf(this.run, ordinal) ?? this.#mapped?.newItem(ordinal);
    if (entry === undefined) throw new RangeError(`run ${this.run.id} has no task ${ordinal}`);
    return entry;
  }

  /** State including pending changes; null without such a task. */
  stateOf(ordinal: number): TaskState | null {
    return entryOf(this.run, ordinal) === undefined
      ? (this.changes.get(ordinal)?.state ?? null)
      : this.state(ordinal);
  }

  /** State including pending changes, of an existing task. */
  state(ordinal: number): TaskState {
    const changed = this.changes.get(ordinal);
    if (changed !== undefined) return changed.state;
    const entry = this.entry(ordinal);
    return entry.item === undefined ? entry.state : this.mapped.stateOf(entry);
  }

  /** Record of the running attempt. A journal without the record gives one starting now. */
  openAttempt(ordinal: number, attempt: number): AttemptRecord {
    const record = this.entry(ordinal).attempts[attempt - 1];
    if (record === undefined)
      return {
        attempt,
        status: "running",
        startedAt: this.now,
        finishedAt: null,
        error: null,
        logs: null,
      };
    const state = this.stateOf(ordinal);
    const isWaiting =
      state?.status === "waiting" && state.for === "completion" && state.attempt === attempt;
    // Older code noted no return: its wait counts from the start.
    return isWaiting ? { returnedAt: record.startedAt, ...record } : record;
  }

  set(ordinal: number, state: TaskState, attempt?: AttemptRecord): void {
    if (ordinal >= this.run.tasks.length)
      this.mapped.count(this.entry(ordinal), this.state(ordinal), state);
    const before = this.changes.get(ordinal);
    const attempts = before?.attempts ?? [];
    this.changes.set(ordinal, {
      ...before,
      ...this.#waited(ordinal, state, attempt),
      ordinal,
      state,
      attempts: attempt === undefined ? attempts : [...attempts, attempt],
    });
  }

  /** Sets the time at which the run becomes late; null for a late run (see lateness.ts). */
  setLateAt(lateAt: number | null): void {
    const before = this.changes.get(0);
    const { attempts = [] } = before ?? {};
    this.changes.set(0, { ...before, ordinal: 0, state: this.state(0), attempts, lateAt });
  }

  /** Notes an action on the run at this task. */
  note(ordinal: number, action: RunAction): void {
    const before = this.changes.get(ordinal);
    this.changes.set(ordinal, {
      ...before,
      ordinal,
      state: this.state(ordinal),
      attempts: before?.attempts ?? [],
      actions: [...(before?.actions ?? []), action],
    });
  }

  reject(reason: Rejection): void {
    this.rejections.push(reason);
  }

  effect(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Tests whether the delay of a task is still running. */
  isDelayed(ordinal: number): boolean {
    const state = this.state(ordinal);
    return state.status === "queued" && (state.notBefore ?? 0) > this.now;
  }

  /** Tests for an item of a task without further starts. */
  isStopping(ordinal: number): boolean {
    const { task, item } = this.entry(ordinal);
    if (item === undefined || task.each === undefined) return false;
    const progress = this.mapped.progress(item.of);
    return progress !== null && isStopping(task.each, progress);
  }

  /** Detects a delayed mapped root without known items; the array is read after the delay. */
  hasUnknownItems(ordinal: number): boolean {
    const { task, item } = this.entry(ordinal);
    return task.each !== undefined && item === undefined && this.mapped.progress(ordinal) === null;
  }

  laneOf(ordinal: number): Lane {
    const entry = this.entry(ordinal);
    return isSuspect(entry, this.changes.get(ordinal))
      ? "executor"
      : laneOfEntry(entry, this.#collecting(ordinal));
  }

  timeoutMs(ordinal: number): number {
    return attemptTimeoutMs(this.entry(ordinal), this.#collecting(ordinal));
  }

  /** Record of the `nth` message in this lane. Executor objects do not wait in the queue. */
  sendOf(nth: number, lane: Lane | null): Send {
    return sendOf(nth, this.now, lane === "driver" ? this.queue : null);
  }

  /** Number of open tasks. */
  get open(): number {
    return this.run.open + this.reopened - this.ended;
  }

  /** Length of the waits of a task, if a wait ends with this state. */
  #waited(
    ordinal: number,
    state: TaskState,
    attempt: AttemptRecord | undefined,
  ): Pick<TaskChange, "waitedMs"> {
    const from = this.state(ordinal);
    if (!isWait(from)) return {};
    const entry = this.entry(ordinal);
    const pending = this.changes.get(ordinal);
    const attempts = [...entry.attempts];
    for (const record of pending?.attempts ?? []) attempts[record.attempt - 1] = record;
    const later = [...attempts];
    if (attempt !== undefined) later[attempt.attempt - 1] = attempt;
    const waitedMs = endedWaitMs({ state: from, attempts }, { state, attempts: later }, this.now);
    return waitedMs === 0
      ? {}
      : { waitedMs: (pending?.waitedMs ?? entry.waitedMs ?? 0) + waitedMs };
  }

  /** Progress of a mapped task itself, for collecting. */
  #collecting(ordinal: number): MappedProgress | undefined {
    const { task, item } = this.entry(ordinal);
    if (task.each === undefined || item !== undefined) return undefined;
    return this.mapped.progress(ordinal) ?? undefined;
  }
}
