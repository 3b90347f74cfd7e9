/**
 * A transition under construction: the recorded run, plus pending changes on top. Reads see pending changes, so a settle which
 * readies and grants a child is one change, not three. The transition owns the cascade (a final task readies or skips its
 * children) and the leases; the rules of each event are in `machine.ts`.
 */
import { longestWaitMs } from "./shared-triggers.ts";
import { isSuspect, startExecutor } from "./blame.ts";
import { ChangeBuilder } from "./change-builder.ts";
import {
  attemptTimeoutMs,
  isStopping,
  itemsForDrivers,
  laneOfEntry,
  MAX_ITEMS,
  slotsLeft,
  underWay,
} from "./mapped-task.ts";
import { MappedTaskDraft } from "./mapped-task-draft.ts";
import { itemsToBegin } from "./start-items.ts";
import { isBegunByDrivers, LEASE_GRACE_MS, type Lane } from "../plan/run-graph.ts";
import { firstBlock, limitGateEffects, isUnblocked } from "./limit-gate.ts";
import { arrayRead } from "./task-inputs.ts";
import { Lacking } from "../lacking-methods.ts";
import { enqueueAlert } from "./outbox.ts";
import { sendOf, type QueueProgress, type Send } from "../queue-progress.ts";
import { leasesOfCall } from "./repeated-call.ts";
import { entryOf, type MappedProgress, type Run, type TaskEntry } from "./state.ts";
import { type AttemptRecord } from "./attempt.ts";
import { type FinalState, type TaskState } from "./task-state.ts";
import { type RunChange, type TaskChange } from "./run-change.ts";
import type { TransitionResult, DriverClaim, Effect, GrantedLease, Rejection, MachineEvent } from "./machine-events.ts";
import { whySkipped } from "./skipping.ts";
import type { RunStatus } from "../statuses.ts";

/**
 * Concurrent tasks per driver. An invocation has six connections awaiting response headers; a seventh task would wait for other
 * fetches.
 */
export const DRIVER_WIDTH = 6;

/** Messages per wide fan-out: one batch of the queue. */
const MAX_DRIVERS = 100;

/** Long-lane items started per transition; the rest follow after the delay. */
const FILL_AT_ONCE = 500;
const FILL_PAUSE_MS = 100;

export class Transition {
  readonly run: Run;
  readonly now: number;
  readonly queue: QueueProgress | null;
  readonly builder: ChangeBuilder;
  readonly lacking: Lacking;
  readonly #changes = new Map<number, TaskChange>();
  /** Draft of the mapped items; null while none is touched. */
  #items: MappedTaskDraft | null = null;
  /** Tasks queued by this transition, without a message so far. */
  readonly #ready: number[] = [];
  /** Mapped tasks with pending items, without a message so far. */
  readonly #eachReady = new Set<number>();
  readonly #waitingOn = new Map<number, number>();
  readonly #effects: Effect[] = [];
  readonly #leases: GrantedLease[] = [];
  #granted = 0;
  readonly #ignored: Rejection[] = [];
  #ended = 0;
  #reopened = 0;
  #cancelled = false;
  #leavingDriver = false;
  /** Active drivers, which return for more work by themselves; set by resends. */
  #atWork = 0;

  constructor(run: Run, now: number, queue: QueueProgress | null = null) {
    this.run = run;
    this.now = now;
    this.queue = queue;
    this.builder = new ChangeBuilder(run);
    this.lacking = new Lacking(run.lacking);
  }

  /** Recorded entry, before this transition. */
  entry(ordinal: number): TaskEntry {
    const entry = entryOf(this.run, ordinal) ?? this.#items?.newItem(ordinal);
    if (entry === undefined) throw new RangeError(`run ${this.run.id} has no task ${ordinal}`);
    return entry;
  }

  /** State including pending changes; null without such a task. */
  stateOf(ordinal: number): TaskState | null {
    return entryOf(this.run, ordinal) === undefined
      ? (this.#changes.get(ordinal)?.state ?? null)
      : this.#state(ordinal);
  }

  #state(ordinal: number): TaskState {
    const changed = this.#changes.get(ordinal);
    if (changed !== undefined) return changed.state;
    const entry = this.entry(ordinal);
    return entry.item === undefined ? entry.state : this.#each.stateOf(entry);
  }

  /** Record of the running attempt. A journal without the record gives one starting now. */
  openAttempt(ordinal: number, attempt: number): AttemptRecord {
    const record = this.entry(ordinal).attempts[attempt - 1];
    return record ?? { attempt, status: "running", startedAt: this.now, finishedAt: null, error: null, logs: null };
  }

  set(ordinal: number, state: TaskState, attempt?: AttemptRecord): void {
    if (ordinal >= this.run.tasks.length) this.#each.count(this.entry(ordinal), this.#state(ordinal), state);
    const before = this.#changes.get(ordinal);
    const attempts = before?.attempts ?? [];
    this.#changes.set(ordinal, {
      ...before,
      ordinal,
      state,
      attempts: attempt === undefined ? attempts : [...attempts, attempt],
    });
  }

  /** Reopens a task of a final run. Attempt records are kept, and items are reopened with the task (see mapped-task-draft.ts). */
  reopen(ordinal: number): void {
    const { attempts, task } = this.entry(ordinal);
    this.#changes.set(ordinal, { ordinal, state: { status: "pending" }, attempts: [], retriedAfter: attempts.length });
    this.#reopened += 1;
    for (const child of task.downstream)
      this.#waitingOn.set(child, (this.#waitingOn.get(child) ?? this.entry(child).waitingOn) + 1);
  }

  reject(reason: Rejection): void {
    this.#ignored.push(reason);
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Starts a task, for the first time or after a retry. */
  start(ordinal: number): void {
    const ended = this.#begin(ordinal);
    if (ended !== null) this.end(ordinal, ended);
  }

  /** Starts a task. Returns a final state if the task ends at once. */
  #begin(ordinal: number): FinalState | null {
    const { task, each } = this.entry(ordinal);
    if (task.each === undefined) this.makeReady(ordinal);
    else if (each !== undefined) {
      if (each.succeeded === each.total) this.makeReady(ordinal);
      else this.#openEach(ordinal, this.#each.reopen(ordinal, each));
    } else {
      const read = arrayRead(this.run, task, (parent) => this.#state(parent));
      if (read?.length === undefined) return { status: "failed", finishedAt: this.now, reason: "not_an_array" };
      if (read.length > MAX_ITEMS) return { status: "failed", finishedAt: this.now, reason: "too_many_items" };
      // The input already is the empty array.
      if (read.length === 0) return { status: "succeeded", finishedAt: this.now, passed: { output: read, to: null } };
      this.#openEach(ordinal, this.#each.open(ordinal, read.length));
    }
    return null;
  }

  /** Opens the items. Messages follow in `#fillEaches`, which counts the remaining items. */
  #openEach(ordinal: number, { first, total }: MappedProgress): void {
    this.set(ordinal, { status: "each", first, total, dispatches: 0, redispatchAt: null });
  }

  get #each(): MappedTaskDraft {
    return (this.#items ??= new MappedTaskDraft(this.run));
  }

  /** Tests for an item of a task without further starts. */
  isStopping(ordinal: number): boolean {
    const { task, item } = this.entry(ordinal);
    if (item === undefined || task.each === undefined) return false;
    const progress = this.#each.progress(item.of);
    return progress !== null && isStopping(task.each, progress);
  }

  /** Queues a task unless blocked. The next claim takes the task; a message is sent unless this transition grants the task. */
  makeReady(ordinal: number, attempt?: AttemptRecord, hold = firstBlock(this.entry(ordinal), this.now)): void {
    const sending = this.#sendOf(1, hold === null ? this.laneOf(ordinal) : null);
    this.set(ordinal, { status: "queued", ...sending, ...(hold !== null && { hold }) }, attempt);
    if (hold === null) this.#ready.push(ordinal);
  }

  /** Sends a message or starts an executor object for a task waiting for a deploy. */
  tellWaiting(ordinal: number): void {
    this.#ready.push(ordinal);
  }

  /** Queues a task with a delay. */
  delay(ordinal: number, delayMs: number): void {
    const notBefore = this.now + delayMs;
    this.set(ordinal, { status: "queued", dispatches: 0, redispatchAt: notBefore, notBefore });
  }

  /** Tests whether the delay is still running. */
  isDelayed(ordinal: number): boolean {
    const state = this.#state(ordinal);
    return state.status === "queued" && (state.notBefore ?? 0) > this.now;
  }

  /**
   * Restarts the root's delay with another payload. After the longest wait, or the last allowed trigger, the root is due at once.
   */
  postpone(event: Extract<MachineEvent, { readonly type: "postponed" }>): void {
    const { delayMs, maxWaitMs } = event;
    this.delay(0, Math.min(delayMs, longestWaitMs(this.run, maxWaitMs, this.now)));
    this.builder.postponed(event);
  }

  /** Sends the `nth` message for a queued task; `atWork`: number of active drivers. */
  sendAgain(ordinal: number, nth: number, atWork: number): void {
    this.set(ordinal, { status: "queued", ...this.#sendOf(nth, this.laneOf(ordinal)) });
    this.#ready.push(ordinal);
    this.#atWork = atWork;
  }

  /** Sends the next message for pending items, like `sendAgain`. */
  sendForItems(ordinal: number, state: Extract<TaskState, { readonly status: "each" }>, atWork: number): void {
    const { status, first, total, dispatches } = state;
    this.set(ordinal, { status, first, total, ...this.#sendOf(dispatches + 1, "driver") });
    this.#atWork = atWork;
    // Marks the task as touched: long-lane items may start.
    this.#each.progress(ordinal);
    this.#eachReady.add(ordinal);
  }

  /** Executor objects do not wait in the queue. */
  #sendOf(nth: number, lane: Lane | null): Send {
    return sendOf(nth, this.now, lane === "driver" ? this.queue : null);
  }

  /** Ends a task and cascades: children become ready or can never start. Iterative, since chains may be long. */
  end(ordinal: number, state: FinalState, attempt?: AttemptRecord): void {
    this.set(ordinal, state, attempt);
    if (ordinal >= this.run.tasks.length) return;
    const ended = [{ ordinal, state }];
    for (const parent of ended) {
      this.#ended += 1;
      for (const child of this.entry(parent.ordinal).task.downstream) {
        const waitingOn = (this.#waitingOn.get(child) ?? this.entry(child).waitingOn) - 1;
        this.#waitingOn.set(child, waitingOn);
        if (this.#state(child).status !== "pending") continue;
        const reason = whySkipped(this.entry(child).task, parent.state, waitingOn, (of) => this.#state(of));
        let state: FinalState | null = null;
        if (reason !== null) {
          state = { status: "skipped", finishedAt: this.now, reason };
        } else if (waitingOn === 0) {
          state = this.#begin(child);
        }
        if (state === null) continue;
        this.set(child, state);
        ended.push({ ordinal: child, state });
      }
    }
  }

  cancelTask(ordinal: number, attempt?: AttemptRecord): void {
    this.set(ordinal, { status: "cancelled", finishedAt: this.now }, attempt);
    this.#ended += 1;
  }

  markCancelled(): void {
    this.#cancelled = true;
  }

  /** Grants queued tasks to a driver, if their timeouts fit into its remaining time. A repeated call gets its original leases. */
  grant(claim: DriverClaim): void {
    const { holding, budgetMs, items, call } = claim;
    this.#finishMapped();
    if (call !== undefined) this.#leases.push(...leasesOfCall(this.run, call));
    if (this.#leases.length > 0) return;
    let room = DRIVER_WIDTH - holding;
    let left = 0;
    for (const ordinal of this.claimable()) {
      if (this.laneOf(ordinal) !== "driver") continue;
      if (room > 0 && this.#timeoutMs(ordinal) <= budgetMs) {
        this.#lease(ordinal, { call });
        room -= 1;
      } else {
        left += 1;
        if (room === 0) break;
      }
    }
    left += this.#grantItems(items ?? room, claim);
    if (this.#leases.length === 0) {
      if (left === 0 && this.#changes.size === 0) this.reject("no_work");
      this.#leavingDriver = left > 0 && holding === 0;
    }
  }

  /** Grants pending items. Returns the number of items left. */
  #grantItems(most: number, { budgetMs, paused, deployment, call }: DriverClaim): number {
    let room = most;
    let left = 0;
    for (const of of this.#items?.known ?? this.run.eaches) {
      const { task } = this.entry(of);
      if (this.#state(of).status !== "each" || task.each === undefined || !isBegunByDrivers(task)) continue;
      if (paused?.includes(task.name) === true || this.lacking.has(of, deployment)) continue;
      const progress = this.#each.progress(of);
      if (progress === null) continue;
      const slots = slotsLeft(task.each, progress);
      let taken = 0;
      for (let index = progress.cursor; taken < Math.min(slots, room) && task.timeoutMs <= budgetMs; index += 1) {
        if (this.#state(progress.first + index).status !== "pending") continue;
        this.#lease(progress.first + index, { call });
        taken += 1;
      }
      room -= taken;
      left += slots - taken;
    }
    return left;
  }

  /** Grants one task to an executor object. A repeated call gets the same lease. */
  grantOne(ordinal: number, holder: string): void {
    const state = this.stateOf(ordinal);
    if (state === null) this.reject("no_such_task");
    else if (state.status === "running" && state.holder === holder)
      this.#leases.push({ ordinal, attempt: state.attempt, token: state.token });
    else if (!this.#isClaimable(ordinal)) this.reject("stale_lease");
    else this.#lease(ordinal, { holder });
  }

  /** Completes the transition: one change with its effects. */
  conclude(): TransitionResult {
    this.#finishMapped();
    this.#startMapped();
    this.#dispatch();
    const status = this.#status();
    // The clock may have been set back: no end precedes its start.
    const started = this.run.startedAt ?? (this.#leases.length > 0 ? Math.max(this.run.createdAt, this.now) : null);
    const final = this.#open === 0;
    const finishedAt = final ? Math.max(started ?? this.run.createdAt, this.now) : null;
    // The first lease starts the run and changes its status.
    const runChanged = status !== this.run.status || this.#reopened > 0;
    if (final && runChanged) this.#effects.push({ type: "finished" }, ...this.builder.finish(this.now));
    if (finishedAt !== null && runChanged && status === "failed")
      enqueueAlert(this.run, this.builder, this.#changes, { startedAt: started, finishedAt });
    const change: RunChange = {
      tasks: [...this.#changes.values()],
      ...(runChanged && { run: { status, startedAt: started, finishedAt } }),
      ...(this.#granted > 0 && { lastToken: this.run.lastToken + this.#granted }),
      ...this.builder.record(),
    };
    this.#effects.push(...limitGateEffects(this, change.tasks));
    const changed = this.#changes.size > 0 || this.builder.isWorthAChange;
    this.#effects.push(...this.builder.effects);
    return { change: changed ? change : null, effects: this.#effects, leases: this.#leases, rejections: this.#ignored };
  }

  /** Yields claimable ordinals in order of readiness: recorded ones first, then those of this transition. */
  *claimable(): Generator<number> {
    for (const ordinal of this.run.active) {
      if (this.entry(ordinal).state.status === "queued" && this.#isClaimable(ordinal)) yield ordinal;
    }
    for (const ordinal of this.#ready) {
      if (this.#isClaimable(ordinal)) yield ordinal;
    }
  }

  #isClaimable(ordinal: number): boolean {
    return isUnblocked(this.entry(ordinal), this.#state(ordinal), this.now) && !this.hasUnknownItems(ordinal);
  }

  /** Detects a delayed mapped root without known items; the array is read after the delay. */
  hasUnknownItems(ordinal: number): boolean {
    const { task, item } = this.entry(ordinal);
    return task.each !== undefined && item === undefined && this.#each.progress(ordinal) === null;
  }

  /** Ends mapped tasks without open items: collect the outputs, or fail. */
  #finishMapped(): void {
    for (const of of this.#items?.touched ?? []) {
      const { task } = this.entry(of);
      const progress = this.#each.progress(of);
      if (this.#state(of).status !== "each" || task.each === undefined || progress === null) continue;
      const stopping = isStopping(task.each, progress);
      if (stopping) this.#cancelWaiting(of);
      if (underWay(progress) > 0) continue;
      if (stopping) this.end(of, { status: "failed", finishedAt: this.now, reason: "item_failed" });
      else if (progress.pending === 0) this.makeReady(of);
    }
  }

  /** Cancels the waiting items of a failing task. */
  #cancelWaiting(of: number): void {
    for (const ordinal of [...this.run.active, ...this.#ready]) {
      const { status } = this.#state(ordinal);
      const isWaiting = status === "queued" || status === "retrying" || status === "waiting";
      if (isWaiting && this.entry(ordinal).item?.of === of)
        this.set(ordinal, { status: "cancelled", finishedAt: this.now });
    }
  }

  /** Starts the items which drivers may not start, and sends messages for free places. */
  #startMapped(): void {
    for (const of of this.#items?.touched ?? []) {
      const { task } = this.entry(of);
      const state = this.#state(of);
      const progress = this.#each.progress(of);
      if (state.status !== "each" || task.each === undefined || progress === null) continue;
      const isFilled = !isBegunByDrivers(task);
      const slots = isFilled ? Math.min(FILL_AT_ONCE, slotsLeft(task.each, progress)) : 0;
      const begun = itemsToBegin(this, of, progress, slots, this.#each.hasFreed(of));
      for (const ordinal of begun) this.makeReady(ordinal);
      // Fewer started items mean the rest wait behind the keys of these.
      const hasPlaces = slotsLeft(task.each, progress) > 0 && (!isFilled || begun.length === FILL_AT_ONCE);
      if (!hasPlaces) {
        // Active items have due times of their own; the rest need nothing before a place is free.
        const { sentAt: _, ...rest } = state;
        if (state.redispatchAt !== null) this.set(of, { ...rest, redispatchAt: null });
      } else if (isFilled) this.set(of, { ...state, redispatchAt: this.now + FILL_PAUSE_MS });
      else if (state.redispatchAt === null) {
        this.set(of, { ...state, ...this.#sendOf(1, "driver") });
        this.#eachReady.add(of);
      }
    }
  }

  laneOf(ordinal: number): Lane {
    const entry = this.entry(ordinal);
    return isSuspect(entry, this.#changes.get(ordinal)) ? "executor" : laneOfEntry(entry, this.#collecting(ordinal));
  }

  #timeoutMs(ordinal: number): number {
    return attemptTimeoutMs(this.entry(ordinal), this.#collecting(ordinal));
  }

  /** Progress of a mapped task itself, for collecting. */
  #collecting(ordinal: number): MappedProgress | undefined {
    const { task, item } = this.entry(ordinal);
    return task.each === undefined || item !== undefined ? undefined : (this.#each.progress(ordinal) ?? undefined);
  }

  #lease(ordinal: number, { holder, call }: { readonly holder?: string; readonly call?: string | undefined }): void {
    const { attempts } = this.entry(ordinal);
    const attempt = attempts.length + 1;
    this.#granted += 1;
    const token = this.run.lastToken + this.#granted;
    const expiresAt = this.now + this.#timeoutMs(ordinal) + LEASE_GRACE_MS;
    const record: AttemptRecord = {
      attempt,
      status: "running",
      startedAt: this.now,
      finishedAt: null,
      error: null,
      logs: null,
      ...(this.entry(ordinal).task.external === true && { token }),
    };
    const by = { ...(holder !== undefined && { holder }), ...(call !== undefined && { call }) };
    this.set(ordinal, { status: "running", attempt, token, expiresAt, ...by }, record);
    this.#leases.push({ ordinal, attempt, token });
  }

  #dispatch(): void {
    let forDrivers = 0;
    let asks = 0;
    for (const ordinal of this.#ready) {
      const state = this.#state(ordinal);
      if (state.status !== "queued" || (state.hold !== undefined && state.hold.for !== "deploy")) continue;
      const { attempts } = this.entry(ordinal);
      // One message finds out whether code exists for all waiting tasks.
      if (this.laneOf(ordinal) === "driver" && state.hold !== undefined) asks = 1;
      else if (this.laneOf(ordinal) === "driver") forDrivers += 1;
      else this.#effects.push(startExecutor(this.run, ordinal, attempts.length + 1, state.dispatches));
    }
    for (const of of this.#eachReady) forDrivers += itemsForDrivers(this.entry(of).task, this.#each.progress(of));
    const wanted = Math.min(MAX_DRIVERS, Math.ceil(forDrivers / DRIVER_WIDTH));
    const drivers = Math.max(asks, wanted - Math.min(this.#atWork, Math.max(0, wanted - 1)));
    // A driver at the end of its time sends one message for its successor; successors share the rest.
    if (drivers > 0 || this.#leavingDriver) this.#effects.push({ type: "dispatch", drivers: Math.max(1, drivers) });
  }

  /** Number of open tasks. */
  get #open(): number {
    return this.run.open + this.#reopened - this.#ended;
  }

  #status(): RunStatus {
    if (this.#open > 0) return this.run.startedAt !== null || this.#leases.length > 0 ? "running" : "queued";
    if (this.#cancelled) return "cancelled";
    if (this.#ended === 0) return this.run.status;
    const has = (status: FinalState["status"]): boolean =>
      this.run.tasks.some((_, ordinal) => this.#state(ordinal).status === status);
    return has("failed") ? "failed" : has("cancelled") ? "cancelled" : "succeeded";
  }
}
