/**
 * One decision of the machine in the making: the run as it was, with what has been decided on top of it. Reading goes through
 * the top layer, so that a settle that readies a child that is granted at once is one change, not three.
 * It owns the cascade (a final task readies or skips its children) and the hand-out of leases; the rules of each event are in
 * `machine.ts`.
 */
import { longestWaitMs } from "./shared-triggers.ts";
import { isSuspect, startExecutor } from "./blame.ts";
import { ChangeNotes } from "./change-builder.ts";
import {
  attemptTimeoutMs,
  isStopping,
  itemsForDrivers,
  laneOfEntry,
  MAX_ITEMS,
  slotsLeft,
  underWay,
} from "./mapped-task.ts";
import { EachItems } from "./mapped-task-draft.ts";
import { itemsToBegin } from "./start-items.ts";
import { isBegunByDrivers, LEASE_GRACE_MS, type Lane } from "../plan/run-graph.ts";
import { firstHold, holdEffects, isReleased } from "./limit-gate.ts";
import { arrayRead } from "./task-inputs.ts";
import { Lacking } from "../lacking-methods.ts";
import { oweAlert } from "./outbox.ts";
import { sendOf, type QueueProgress, type Send } from "../queue-progress.ts";
import { leasesOfCall } from "./repeated-call.ts";
import {
  entryOf,
  type AttemptRecord,
  type EachProgress,
  type FinalState,
  type Run,
  type RunChange,
  type TaskChange,
  type TaskEntry,
  type TaskState,
} from "./state.ts";
import type { Advance, DriverClaim, Effect, GrantedLease, Ignored, RunEvent } from "./machine-events.ts";
import { whySkipped } from "./skipping.ts";
import type { RunStatus } from "../statuses.ts";

/**
 * How many tasks one driver runs side by side. An invocation has six connections that await response headers; a seventh task
 * would wait for the others' fetches.
 */
export const DRIVER_WIDTH = 6;

/** Messages sent at once for a wide fan-out: one batch of the queue. */
const MAX_DRIVERS = 100;

/** Items of the long lane that begin in one decision; the next ones follow after the pause. */
const FILL_AT_ONCE = 500;
const FILL_PAUSE_MS = 100;

export class Decision {
  readonly run: Run;
  readonly now: number;
  readonly queue: QueueProgress | null;
  readonly notes: ChangeNotes;
  readonly lacking: Lacking;
  readonly #changes = new Map<number, TaskChange>();
  /** What is decided about the items of `each` tasks; null while none is touched. */
  #items: EachItems | null = null;
  /** Tasks that became queued in this decision: nobody has been told about them yet. */
  readonly #ready: number[] = [];
  /** `each` tasks whose items nobody has been told about yet. */
  readonly #eachReady = new Set<number>();
  readonly #waitingOn = new Map<number, number>();
  readonly #effects: Effect[] = [];
  readonly #leases: GrantedLease[] = [];
  #granted = 0;
  readonly #ignored: Ignored[] = [];
  #ended = 0;
  #reopened = 0;
  #cancelled = false;
  #leavingDriver = false;
  /** Drivers that come back for more work by themselves, where messages are sent again. */
  #atWork = 0;

  constructor(run: Run, now: number, queue: QueueProgress | null = null) {
    this.run = run;
    this.now = now;
    this.queue = queue;
    this.notes = new ChangeNotes(run);
    this.lacking = new Lacking(run.lacking);
  }

  /** The entry as it was before this decision. */
  entry(ordinal: number): TaskEntry {
    const entry = entryOf(this.run, ordinal) ?? this.#items?.newItem(ordinal);
    if (entry === undefined) throw new RangeError(`run ${this.run.id} has no task ${ordinal}`);
    return entry;
  }

  /** The state as decided so far; null if there is no such task. */
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

  /** The record of the running attempt; a run whose journal lacks it gets one that starts now. */
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

  /**
   * The task of a final run is open again: as it was before its first attempt, but that it keeps the record of them. Its items
   * are begun again with it (see each-items.ts).
   */
  reopen(ordinal: number): void {
    const { attempts, task } = this.entry(ordinal);
    this.#changes.set(ordinal, { ordinal, state: { status: "pending" }, attempts: [], retriedAfter: attempts.length });
    this.#reopened += 1;
    for (const child of task.downstream)
      this.#waitingOn.set(child, (this.#waitingOn.get(child) ?? this.entry(child).waitingOn) + 1);
  }

  ignore(reason: Ignored): void {
    this.#ignored.push(reason);
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** The task may start, for the first time or again after it was final. */
  start(ordinal: number): void {
    const ended = this.#begin(ordinal);
    if (ended !== null) this.end(ordinal, ended);
  }

  /** The task may start; not null if it has ended with that. */
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
      // What was passed is the empty array already.
      if (read.length === 0) return { status: "succeeded", finishedAt: this.now, passed: { output: read, to: null } };
      this.#openEach(ordinal, this.#each.open(ordinal, read.length));
    }
    return null;
  }

  /** Nobody is told of its items before it is seen how many are left (`#fillEaches`). */
  #openEach(ordinal: number, { first, total }: EachProgress): void {
    this.set(ordinal, { status: "each", first, total, dispatches: 0, redispatchAt: null });
  }

  get #each(): EachItems {
    return (this.#items ??= new EachItems(this.run));
  }

  /** Whether this is an item, and no item of its task is begun any more. */
  isStopping(ordinal: number): boolean {
    const { task, item } = this.entry(ordinal);
    if (item === undefined || task.each === undefined) return false;
    const progress = this.#each.progress(item.of);
    return progress !== null && isStopping(task.each, progress);
  }

  /** The task may start, unless it is held: the next claim takes it, and the queue is told unless this decision grants it. */
  makeReady(ordinal: number, attempt?: AttemptRecord, hold = firstHold(this.entry(ordinal), this.now)): void {
    const sending = this.#sendOf(1, hold === null ? this.laneOf(ordinal) : null);
    this.set(ordinal, { status: "queued", ...sending, ...(hold !== null && { hold }) }, attempt);
    if (hold === null) this.#ready.push(ordinal);
  }

  /** Drivers, or an executor object, are told of a task that waits for a deploy. */
  tellWaiting(ordinal: number): void {
    this.#ready.push(ordinal);
  }

  /** The task may start, but not before so much time has passed. */
  delay(ordinal: number, delayMs: number): void {
    const notBefore = this.now + delayMs;
    this.set(ordinal, { status: "queued", dispatches: 0, redispatchAt: notBefore, notBefore });
  }

  /** Whether the task waits for a delay to pass. */
  isDelayed(ordinal: number): boolean {
    const state = this.#state(ordinal);
    return state.status === "queued" && (state.notBefore ?? 0) > this.now;
  }

  /** The root's delay begins anew, with another payload; beyond its longest wait, or its last trigger, it is due at once. */
  postpone(event: Extract<RunEvent, { readonly type: "postponed" }>): void {
    const { delayMs, maxWaitMs } = event;
    this.delay(0, Math.min(delayMs, longestWaitMs(this.run, maxWaitMs, this.now)));
    this.notes.postponed(event);
  }

  /** The `nth` message for a task that may start; `atWork`: how many drivers the run has. */
  sendAgain(ordinal: number, nth: number, atWork: number): void {
    this.set(ordinal, { status: "queued", ...this.#sendOf(nth, this.laneOf(ordinal)) });
    this.#ready.push(ordinal);
    this.#atWork = atWork;
  }

  /** The next message for the items that are not begun, as `sendAgain`. */
  sendForItems(ordinal: number, state: Extract<TaskState, { readonly status: "each" }>, atWork: number): void {
    const { status, first, total, dispatches } = state;
    this.set(ordinal, { status, first, total, ...this.#sendOf(dispatches + 1, "driver") });
    this.#atWork = atWork;
    // Counts as touched: items of the long lane may be begun.
    this.#each.progress(ordinal);
    this.#eachReady.add(ordinal);
  }

  /** What an executor object is started for does not wait in the queue. */
  #sendOf(nth: number, lane: Lane | null): Send {
    return sendOf(nth, this.now, lane === "driver" ? this.queue : null);
  }

  /** The task is final; its children become ready, or can never start. Iterative: a chain may be long. */
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

  /**
   * Hands the driver as many queued tasks as it may run, if their timeouts fit into what is left of its time. A call that was answered
   * before, and is made again since the answer was lost, gets what it got then.
   */
  grant(claim: DriverClaim): void {
    const { holding, budgetMs, items, call } = claim;
    this.#advanceEaches();
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
      if (left === 0 && this.#changes.size === 0) this.ignore("no_work");
      this.#leavingDriver = left > 0 && holding === 0;
    }
  }

  /** Hands out so many items that nobody has begun; says how many more there are to hand out. */
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

  /** Grants one task to an executor object; the object that holds it already gets the same lease again. */
  grantOne(ordinal: number, holder: string): void {
    const state = this.stateOf(ordinal);
    if (state === null) this.ignore("no_such_task");
    else if (state.status === "running" && state.holder === holder)
      this.#leases.push({ ordinal, attempt: state.attempt, token: state.token });
    else if (!this.#isClaimable(ordinal)) this.ignore("stale_lease");
    else this.#lease(ordinal, { holder });
  }

  /** Everything decided, as one change, with the effects that follow from it. */
  conclude(): Advance {
    this.#advanceEaches();
    this.#fillEaches();
    this.#tellDrivers();
    const status = this.#status();
    // The clock may have been set back: nothing ends before it has begun.
    const started = this.run.startedAt ?? (this.#leases.length > 0 ? Math.max(this.run.createdAt, this.now) : null);
    const final = this.#open === 0;
    const finishedAt = final ? Math.max(started ?? this.run.createdAt, this.now) : null;
    // A run starts with its first lease, and with that its status changes too.
    const runChanged = status !== this.run.status || this.#reopened > 0;
    if (final && runChanged) this.#effects.push({ type: "finished" }, ...this.notes.finish(this.now));
    if (finishedAt !== null && runChanged && status === "failed")
      oweAlert(this.run, this.notes, this.#changes, { startedAt: started, finishedAt });
    const change: RunChange = {
      tasks: [...this.#changes.values()],
      ...(runChanged && { run: { status, startedAt: started, finishedAt } }),
      ...(this.#granted > 0 && { lastToken: this.run.lastToken + this.#granted }),
      ...this.notes.record(),
    };
    this.#effects.push(...holdEffects(this, change.tasks));
    const changed = this.#changes.size > 0 || this.notes.isWorthAChange;
    this.#effects.push(...this.notes.effects);
    return { change: changed ? change : null, effects: this.#effects, leases: this.#leases, ignored: this.#ignored };
  }

  /** What may be claimed in the order in which it became so: the earlier ones first, then those of this decision. */
  *claimable(): Generator<number> {
    for (const ordinal of this.run.active) {
      if (this.entry(ordinal).state.status === "queued" && this.#isClaimable(ordinal)) yield ordinal;
    }
    for (const ordinal of this.#ready) {
      if (this.#isClaimable(ordinal)) yield ordinal;
    }
  }

  #isClaimable(ordinal: number): boolean {
    return isReleased(this.entry(ordinal), this.#state(ordinal), this.now) && !this.hasUnknownItems(ordinal);
  }

  /** A root with `each` that waits for a delay: what its items are is looked at after that. */
  hasUnknownItems(ordinal: number): boolean {
    const { task, item } = this.entry(ordinal);
    return task.each !== undefined && item === undefined && this.#each.progress(ordinal) === null;
  }

  /** Ends the `each` tasks whose items have ended: what they passed is to be gathered, or the task has failed. */
  #advanceEaches(): void {
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

  /** Items that wait for a driver, for their next attempt or for another run, while the task is about to fail. */
  #cancelWaiting(of: number): void {
    for (const ordinal of [...this.run.active, ...this.#ready]) {
      const { status } = this.#state(ordinal);
      const isWaiting = status === "queued" || status === "retrying" || status === "waiting";
      if (isWaiting && this.entry(ordinal).item?.of === of)
        this.set(ordinal, { status: "cancelled", finishedAt: this.now });
    }
  }

  /** Items that no driver may begin by itself are begun here; and the queue is told of places that have become free. */
  #fillEaches(): void {
    for (const of of this.#items?.touched ?? []) {
      const { task } = this.entry(of);
      const state = this.#state(of);
      const progress = this.#each.progress(of);
      if (state.status !== "each" || task.each === undefined || progress === null) continue;
      const isFilled = !isBegunByDrivers(task);
      const slots = isFilled ? Math.min(FILL_AT_ONCE, slotsLeft(task.each, progress)) : 0;
      const begun = itemsToBegin(this, of, progress, slots, this.#each.hasFreed(of));
      for (const ordinal of begun) this.makeReady(ordinal);
      // Where fewer were begun, all others wait for one of these.
      const hasPlaces = slotsLeft(task.each, progress) > 0 && (!isFilled || begun.length === FILL_AT_ONCE);
      if (!hasPlaces) {
        // What is under way is due by itself; nobody is needed for the rest before a place is free.
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
    return isSuspect(entry, this.#changes.get(ordinal)) ? "executor" : laneOfEntry(entry, this.#gathered(ordinal));
  }

  #timeoutMs(ordinal: number): number {
    return attemptTimeoutMs(this.entry(ordinal), this.#gathered(ordinal));
  }

  /** Of an `each` task itself: what there is to gather. */
  #gathered(ordinal: number): EachProgress | undefined {
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

  #tellDrivers(): void {
    let forDrivers = 0;
    let asks = 0;
    for (const ordinal of this.#ready) {
      const state = this.#state(ordinal);
      if (state.status !== "queued" || (state.hold !== undefined && state.hold.for !== "deploy")) continue;
      const { attempts } = this.entry(ordinal);
      // One message finds out whether there is code for all that wait for it.
      if (this.laneOf(ordinal) === "driver" && state.hold !== undefined) asks = 1;
      else if (this.laneOf(ordinal) === "driver") forDrivers += 1;
      else this.#effects.push(startExecutor(this.run, ordinal, attempts.length + 1, state.dispatches));
    }
    for (const of of this.#eachReady) forDrivers += itemsForDrivers(this.entry(of).task, this.#each.progress(of));
    const wanted = Math.min(MAX_DRIVERS, Math.ceil(forDrivers / DRIVER_WIDTH));
    const drivers = Math.max(asks, wanted - Math.min(this.#atWork, Math.max(0, wanted - 1)));
    // A driver whose time is up sends one message in its place, whatever is left: its successors share the rest.
    if (drivers > 0 || this.#leavingDriver) this.#effects.push({ type: "dispatch", drivers: Math.max(1, drivers) });
  }

  /** How many tasks are not final. */
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
