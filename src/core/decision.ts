/**
 * One decision of the machine in the making: the run as it was, with what has been decided on top of it. Reading goes through
 * the top layer, so that a settle that readies a child that is granted at once is one change, not three.
 * It owns the cascade (a final task readies or skips its children) and the hand-out of leases; the rules of each event are in
 * `machine.ts`.
 */
import { laneOf } from "./graph.ts";
import type { PayloadRef } from "./payload-ref.ts";
import {
  isFinal,
  type AttemptRecord,
  type ChildRun,
  type FinalState,
  type Run,
  type RunChange,
  type TaskChange,
  type TaskEntry,
  type TaskState,
} from "./run.ts";
import type { Advance, DriverClaim, Effect, GrantedLease, Ignored } from "./run-event.ts";
import { forbiddenBy, unmetBy, type SkipReason } from "./run-if.ts";
import type { RunStatus } from "./status.ts";

/**
 * How many tasks one driver runs side by side. An invocation has six connections that await response headers; a seventh task
 * would wait for the others' fetches.
 */
export const DRIVER_WIDTH = 6;

/** How long after an attempt's timeout its lease runs out: time to store its output and to settle. */
export const LEASE_GRACE_MS = 10_000;

/** Messages sent at once for a wide fan-out: one batch of the queue. */
const MAX_DRIVERS = 100;

/** If nobody has claimed a queued task by then, its message is sent again; the pause doubles each time. */
const FIRST_REDISPATCH_MS = 10_000;
const MAX_REDISPATCH_MS = 300_000;

export class Decision {
  readonly run: Run;
  readonly now: number;
  readonly #changes = new Map<number, TaskChange>();
  /** Tasks that became queued in this decision: nobody has been told about them yet. */
  readonly #ready: number[] = [];
  readonly #waitingOn = new Map<number, number>();
  readonly #effects: Effect[] = [];
  readonly #leases: GrantedLease[] = [];
  readonly #ignored: Ignored[] = [];
  readonly #children: ChildRun[] = [];
  #payload: PayloadRef | null = null;
  #ended = 0;
  #cancelled = false;
  #leavingDriver = false;

  constructor(run: Run, now: number) {
    this.run = run;
    this.now = now;
  }

  /** The entry as it was before this decision. */
  entry(ordinal: number): TaskEntry {
    const entry = this.run.tasks[ordinal];
    if (entry === undefined) throw new RangeError(`run ${this.run.id} has no task ${ordinal}`);
    return entry;
  }

  /** The state as decided so far; null if there is no such task. */
  stateOf(ordinal: number): TaskState | null {
    return this.run.tasks[ordinal] === undefined ? null : this.#state(ordinal);
  }

  #state(ordinal: number): TaskState {
    return this.#changes.get(ordinal)?.state ?? this.entry(ordinal).state;
  }

  /** The record of the running attempt; a run whose journal lacks it gets one that starts now. */
  openAttempt(ordinal: number, attempt: number): AttemptRecord {
    const record = this.entry(ordinal).attempts[attempt - 1];
    return record ?? { attempt, status: "running", startedAt: this.now, finishedAt: null, error: null, logs: null };
  }

  set(ordinal: number, state: TaskState, attempt?: AttemptRecord): void {
    const attempts = this.#changes.get(ordinal)?.attempts ?? [];
    this.#changes.set(ordinal, { ordinal, state, attempts: attempt === undefined ? attempts : [...attempts, attempt] });
  }

  ignore(reason: Ignored): void {
    this.#ignored.push(reason);
  }

  addChildren(children: readonly ChildRun[]): void {
    const known = new Set([...this.run.children, ...this.#children].map(({ runId }) => runId));
    this.#children.push(...children.filter(({ runId }) => !known.has(runId)));
  }

  /** The task may start: the next claim takes it, and the queue is told unless this decision grants it. */
  makeReady(ordinal: number, attempt?: AttemptRecord): void {
    this.set(ordinal, { status: "queued", dispatches: 1, redispatchAt: this.now + FIRST_REDISPATCH_MS }, attempt);
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

  /** The root's delay begins anew, with another payload. */
  postpone(payload: PayloadRef, delayMs: number): void {
    this.delay(0, delayMs);
    this.#payload = payload;
  }

  /** Nobody came for the task: the message was lost, or the queue is slow. */
  dispatchAgain(ordinal: number, dispatches: number): void {
    const pauseMs = Math.min(MAX_REDISPATCH_MS, FIRST_REDISPATCH_MS * 2 ** dispatches);
    this.set(ordinal, { status: "queued", dispatches: dispatches + 1, redispatchAt: this.now + pauseMs });
    this.#ready.push(ordinal);
  }

  /** The task is final; its children become ready, or can never start. Iterative: a chain may be long. */
  end(ordinal: number, state: FinalState, attempt?: AttemptRecord): void {
    this.set(ordinal, state, attempt);
    const ended = [{ ordinal, state }];
    for (const parent of ended) {
      this.#ended += 1;
      for (const child of this.entry(parent.ordinal).task.downstream) {
        const waitingOn = (this.#waitingOn.get(child) ?? this.entry(child).waitingOn) - 1;
        this.#waitingOn.set(child, waitingOn);
        if (this.#state(child).status !== "pending") continue;
        const reason = this.#skipped(child, parent.state, waitingOn);
        if (reason !== null) {
          const skipped: FinalState = { status: "skipped", finishedAt: this.now, reason };
          this.set(child, skipped);
          ended.push({ ordinal: child, state: skipped });
        } else if (waitingOn === 0) {
          this.makeReady(child);
        }
      }
    }
  }

  /** Why this pending task can never start, now that one of its upstream tasks has ended so; null if it may. */
  #skipped(ordinal: number, upstream: FinalState, waitingOn: number): SkipReason | null {
    const { task } = this.entry(ordinal);
    if (upstream.status === "succeeded" && upstream.passed.chosen?.includes(task.name) === false) return "not_chosen";
    if (waitingOn > 0) return forbiddenBy(task.runIf, upstream.status);
    const endings = task.upstream.flatMap((parent) => {
      const state = this.#state(parent);
      return isFinal(state) ? [state.status] : [];
    });
    return unmetBy(task.runIf, endings);
  }

  cancelTask(ordinal: number, attempt?: AttemptRecord): void {
    this.set(ordinal, { status: "cancelled", finishedAt: this.now }, attempt);
    this.#ended += 1;
  }

  markCancelled(): void {
    this.#cancelled = true;
  }

  /** Hands the driver as many queued tasks as it may run, if their timeouts fit into what is left of its time. */
  grant({ holding, budgetMs }: DriverClaim): void {
    let room = DRIVER_WIDTH - holding;
    let left = 0;
    for (const ordinal of this.#queued()) {
      const { task } = this.entry(ordinal);
      if (laneOf(task) !== "driver") continue;
      if (room > 0 && task.timeoutMs <= budgetMs) {
        this.#lease(ordinal);
        room -= 1;
      } else {
        left += 1;
        if (room === 0) break;
      }
    }
    if (this.#leases.length === 0) {
      if (left === 0 && this.#changes.size === 0) this.ignore("no_work");
      this.#leavingDriver = left > 0 && holding === 0;
    }
  }

  /** Grants one task to an executor object; the object that holds it already gets the same lease again. */
  grantOne(ordinal: number, holder: string): void {
    const state = this.stateOf(ordinal);
    if (state === null) this.ignore("no_such_task");
    else if (state.status === "running" && state.holder === holder)
      this.#leases.push({ ordinal, attempt: state.attempt, token: state.token });
    else if (!this.#isClaimable(ordinal)) this.ignore("stale_lease");
    else this.#lease(ordinal, holder);
  }

  /** Everything decided, as one change, with the effects that follow from it. */
  conclude(): Advance {
    this.#tellDrivers();
    const status = this.#status();
    // The clock may have been set back: nothing ends before it has begun.
    const started = this.run.startedAt ?? (this.#leases.length > 0 ? Math.max(this.run.createdAt, this.now) : null);
    const final = this.#open === 0;
    // A run starts with its first lease, and with that its status changes too.
    const runChanged = status !== this.run.status;
    if (final && runChanged) this.#effects.push({ type: "finished" });
    const change: RunChange = {
      tasks: [...this.#changes.values()],
      ...(runChanged && {
        run: {
          status,
          startedAt: started,
          finishedAt: final ? Math.max(started ?? this.run.createdAt, this.now) : null,
        },
      }),
      ...(this.#leases.length > 0 && { lastToken: this.run.lastToken + this.#leases.length }),
      ...(this.#children.length > 0 && { children: this.#children }),
      ...(this.#payload !== null && { payload: this.#payload }),
    };
    const changed = this.#changes.size > 0;
    return { change: changed ? change : null, effects: this.#effects, leases: this.#leases, ignored: this.#ignored };
  }

  /** Queued tasks in the order in which they became so: the earlier ones first, then those of this decision. */
  *#queued(): Generator<number> {
    for (const ordinal of this.run.active) {
      if (this.entry(ordinal).state.status === "queued" && this.#isClaimable(ordinal)) yield ordinal;
    }
    for (const ordinal of this.#ready) {
      if (this.#isClaimable(ordinal)) yield ordinal;
    }
  }

  #isClaimable(ordinal: number): boolean {
    return this.#state(ordinal).status === "queued" && !this.isDelayed(ordinal);
  }

  #lease(ordinal: number, holder?: string): void {
    const { task, attempts } = this.entry(ordinal);
    const attempt = attempts.length + 1;
    const token = this.run.lastToken + this.#leases.length + 1;
    const expiresAt = this.now + task.timeoutMs + LEASE_GRACE_MS;
    const record: AttemptRecord = {
      attempt,
      status: "running",
      startedAt: this.now,
      finishedAt: null,
      error: null,
      logs: null,
    };
    this.set(
      ordinal,
      { status: "running", attempt, token, expiresAt, ...(holder !== undefined && { holder }) },
      record,
    );
    this.#leases.push({ ordinal, attempt, token });
  }

  #tellDrivers(): void {
    let forDrivers = 0;
    for (const ordinal of this.#ready) {
      const state = this.#state(ordinal);
      if (state.status !== "queued") continue;
      const { task, attempts } = this.entry(ordinal);
      if (laneOf(task) === "driver") forDrivers += 1;
      else
        this.#effects.push({
          type: "start_executor",
          ordinal,
          name: `${this.run.id}/${ordinal}/${attempts.length + 1}/${state.dispatches}`,
        });
    }
    const drivers = Math.min(MAX_DRIVERS, Math.ceil(forDrivers / DRIVER_WIDTH));
    // A driver whose time is up sends one message in its place, whatever is left: its successors share the rest.
    if (drivers > 0 || this.#leavingDriver) this.#effects.push({ type: "dispatch", drivers: Math.max(1, drivers) });
  }

  /** How many tasks are not final. */
  get #open(): number {
    return this.run.open - this.#ended;
  }

  #status(): RunStatus {
    if (this.#open > 0) return this.run.startedAt !== null || this.#leases.length > 0 ? "running" : "queued";
    if (this.#cancelled) return "cancelled";
    if (this.#ended === 0) return this.run.status;
    const failed = this.run.tasks.some((_, ordinal) => this.#state(ordinal).status === "failed");
    return failed ? "failed" : "succeeded";
  }
}
