/**
 * Watches the invariants of the architecture, section 3. It sees each run after every commit, each settle before and after, what
 * every task reads, and what is left in the end.
 */
import type { PayloadRef } from "../../src/core/payload-ref.ts";
import type { RunId } from "../../src/core/ids.ts";
import { nextWakeAt } from "../../src/core/machine.ts";
import { entryOf, isActive, isFinal, type Run, type TaskEntry, type TaskState } from "../../src/core/run.ts";
import type { Lease, Settlement } from "../../src/run/run-rpc.ts";
import { RunStore } from "../../src/run/store.ts";
import { BlameChecker } from "./blame-checker.ts";
import type { Bucket } from "./bucket.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import type { Invocation } from "./invocation.ts";
import { ItemChecker } from "./item-checker.ts";
import { isSame } from "./plain-data.ts";
import { TOLD, type Behaviour } from "./pipelines.ts";
import type { RunHost } from "./run-host.ts";
import { passedBy, stepText } from "./passed-text.ts";
import { SlotChecker } from "./slot-checker.ts";
import { isCurrent, outcomesOf } from "./standing.ts";
import { LEFT_BEHIND_MS } from "../../src/run/run-times.ts";
import { mayStart, maySkip } from "../support/start-rule.ts";

/** A suspended task goes on at the latest so long after a run that it awaits is final: whatever was lost is repeated till then. */
const RESUMED_WITHIN_MS = 45 * 60_000;

/** After a handler has failed, its alarm is set again within this time. */
const ALARM_PAUSE_MAX_MS = 300_000;

const PENDING: TaskState = { status: "pending" };

const DECODER = new TextDecoder();

interface Seen {
  readonly host: RunHost;
  readonly graph: Run["graph"];
  /** Where what the trigger carried is, and what it was. */
  ref: PayloadRef;
  payload: string;
  /** As it was loaded last. */
  run: Run;
  readonly states: TaskState[];
  status: Run["status"];
  lastToken: number;
  revision: number;
  finishedAt: number | null;
  retentionOver: number;
  /** Whether somebody has retried it. */
  retried: boolean;
  /** How often it has failed, where somebody is to be told. */
  failures: number;
  /** The runs that have told of it. */
  readonly alerts: Set<RunId>;
  /** Whether it was deleted at the end of its retention; the same trigger makes another run after that. */
  gone: boolean;
}

export class Checker {
  readonly runs = new Map<RunId, Seen>();
  readonly slots: SlotChecker;
  readonly #ground: Ground;
  readonly #bucket: Bucket;
  /** What each step came to that was kept, by `run/ordinal/name`. */
  readonly #steps = new Map<string, string>();
  readonly #items: ItemChecker;
  /** When each run became final, by the scheduler. */
  readonly #endedAt = new Map<RunId, number>();
  readonly #blame: BlameChecker;
  /** By whom each attempt of an external task was completed. */
  readonly #completions = new Map<string, string>();

  constructor(
    ground: Ground,
    bucket: Bucket,
    behaviours: ReadonlyMap<string, Behaviour>,
    isRemoved: (method: string) => boolean,
  ) {
    this.#ground = ground;
    this.slots = new SlotChecker(ground);
    this.#bucket = bucket;
    this.#blame = new BlameChecker(ground, behaviours, isRemoved);
    this.#items = new ItemChecker(ground);
  }

  /** The run as it is after a commit of this call; null: there is none (any more). */
  observe(host: RunHost, run: Run | null, call: string): void {
    const seen = this.runs.get(host.runId);
    if (run === null) {
      if (seen !== undefined) this.#forgotten(host, seen);
      return;
    }
    const now = seen === undefined || seen.gone ? this.#recorded(host, run) : seen;
    this.#triggered(host, run, now);
    if (call === "retry" && now.finishedAt !== null && run.revision !== now.revision) this.#retried(run, now);
    this.#inOrder(run, now);
    this.slots.observe(run);
    this.#derived(run);
    this.#neverStuck(host, run);
    if (run.lastToken < now.lastToken)
      this.#ground.violate("3 one winner", `${run.id}: tokens went back from ${now.lastToken} to ${run.lastToken}`);
    if (now.finishedAt !== null && (run.status !== now.status || run.finishedAt !== now.finishedAt))
      this.#ground.violate("4 final", `${run.id} was ${now.status} and is ${run.status}`);
    if ((run.finishedAt === null) !== run.open > 0)
      this.#ground.violate("4 final", `${run.id} is ${run.status} with ${run.open} tasks open`);
    if (now.finishedAt === null && run.status === "failed" && run.graph.onFailure !== undefined) now.failures += 1;
    this.#childrenCancelled(run);
    now.lastToken = run.lastToken;
    now.revision = run.revision;
    now.status = run.status;
    now.finishedAt = run.finishedAt;
    if (run.finishedAt === null) this.#endedAt.delete(run.id);
    else if (!this.#endedAt.has(run.id)) this.#endedAt.set(run.id, this.#ground.scheduler.now);
    now.retentionOver = run.finishedAt === null ? Number.POSITIVE_INFINITY : run.finishedAt + run.graph.retentionMs;
  }

  /** Before a settle; call what it returns after it. */
  settling(run: Run | null, settlements: readonly Pick<Settlement, "ordinal" | "attempt" | "token">[]): () => void {
    if (run === null) return () => {};
    const stale = settlements.flatMap((settlement) => {
      const entry = entryOf(run, settlement.ordinal);
      if (entry === undefined || isCurrent(entry.state, settlement)) return [];
      return [{ entry, settlement, before: outcomesOf(entry) }];
    });
    return () => {
      for (const { entry, settlement, before } of stale) {
        const after = outcomesOf(entry);
        if (after !== before)
          this.#ground.violate(
            "3 one winner",
            `${run.id}: a stale settle (attempt ${settlement.attempt}, token ${settlement.token}) changed ${entry.task.name} from ${before} to ${after}`,
          );
      }
    };
  }

  /** An attempt is under way; call what it returns when it ends. */
  begins(lease: Lease, from: Invocation): () => void {
    const ended = this.#blame.begins(lease, from);
    const freed = this.slots.begins(this.runs.get(lease.runId)?.host.peek() ?? null, lease, from);
    return () => {
      ended();
      freed();
    };
  }

  /** Every worker is taken by a deploy. */
  deployed(): void {
    this.#blame.deployed();
  }

  /** A task's code begins. */
  started(lease: Lease): void {
    const [run, entry] = this.#leased(lease);
    if (run === null || entry === undefined || !isCurrent(entry.state, lease)) return;
    if (!mayStart(run, entry)) this.#ground.violate("2 order", `${lease.runId}: ${lease.task} starts too early`);
  }

  /** What the task has read, by parent. */
  read(lease: Lease, texts: ReadonlyMap<string, string>): void {
    const seen = this.runs.get(lease.runId);
    const [run, entry] = this.#leased(lease);
    if (seen === undefined || run === null || entry === undefined) return;
    // An attempt of before a retry reads what was passed then.
    if (seen.retried && !isCurrent(entry.state, lease)) return;
    const expected = new Map(
      entry.task.shape === "trigger"
        ? [["", seen.payload]]
        : entry.task.upstream.flatMap((parent) => passedBy(run, parent, entry)),
    );
    for (const name of new Set([...expected.keys(), ...texts.keys()])) {
      const [want, got] = [expected.get(name), texts.get(name)];
      const matches =
        want !== undefined &&
        got !== undefined &&
        (entry.task.shape === "trigger" ? got === want : got.startsWith(want));
      if (!matches)
        this.#ground.violate(
          "5 nothing of a failed attempt",
          `${lease.runId}: ${lease.task} reads "${got}" from "${name}" where "${want}" was passed`,
        );
    }
  }

  /** A payload that a lease names is not there. */
  missing(lease: Lease, key: string): void {
    const [, entry] = this.#leased(lease);
    if (entry !== undefined && isCurrent(entry.state, lease))
      this.#ground.violate("6 payload before row", `${lease.runId}: ${lease.task} cannot read ${key}`);
  }

  /** How often the task has thrown so far, and its worker has died. */
  history(lease: Lease): { readonly throws: number; readonly deaths: number } {
    const attempts = this.#leased(lease)[1]?.attempts ?? [];
    return {
      throws: this.#blame.throws(lease.runId, lease.ordinal, attempts).own,
      deaths: attempts.filter(({ lostTo }) => lostTo === "worker").length,
    };
  }

  /** This report has completed the attempt. */
  completed({ runId, ordinal, attempt, token }: Lease, nonce: string): void {
    const key = `${runId}/${ordinal}/${attempt}/${token}`;
    const first = this.#completions.get(key) ?? nonce;
    this.#completions.set(key, first);
    if (first !== nonce) this.#ground.violate("3 one winner", `${key} was completed by ${first} and by ${nonce}`);
  }

  #leased({ runId, ordinal }: Lease): readonly [Run | null, TaskEntry | undefined] {
    const run = this.runs.get(runId)?.host.peek() ?? null;
    return [run, run === null ? undefined : entryOf(run, ordinal)];
  }

  /** It ran out of time while the surroundings failed. */
  hampered(lease: Lease): void {
    this.#blame.hampered(lease);
  }

  /** A running attempt has asked whether it is over. */
  told(lease: Lease, isOver: boolean): void {
    const [, entry] = this.#leased(lease);
    const holds = entry !== undefined && isCurrent(entry.state, lease);
    const said = `${lease.runId}: attempt ${lease.attempt} of ${lease.task} is told ${isOver ? "" : "not "}to end`;
    if (holds === isOver) this.#ground.violate("14 attempts are told", said);
  }

  /** A step's code begins. */
  stepBegins(lease: Lease, name: string): void {
    const [, entry] = this.#leased(lease);
    if (entry === undefined || !isCurrent(entry.state, lease)) return;
    if (entry.steps?.some((step) => step.name === name) === true)
      this.#ground.violate("11 steps once", `${lease.runId}: ${lease.task} does its ${name} again`);
  }

  stepKept(lease: Lease, name: string): void {
    const seen = this.runs.get(lease.runId);
    const [, entry] = this.#leased(lease);
    const step = entry?.steps?.find((candidate) => candidate.name === name);
    if (seen === undefined || entry === undefined || step === undefined)
      this.#ground.violate("11 steps once", `${lease.runId}: ${lease.task}'s ${name} was kept and is not there`);
    else {
      if (!isCurrent(entry.state, lease))
        this.#ground.violate(
          "11 steps once",
          `${lease.runId}: ${lease.task}'s ${name} was kept of attempt ${lease.attempt}`,
        );
      this.#mustExist(seen.host, step.result, `${lease.task}'s ${name}`);
      this.#steps.set(`${lease.runId}/${lease.ordinal}/${name}`, stepText(lease, name));
      this.#blame.stepped(lease, name);
    }
  }

  /** What an attempt is given of a step of an earlier one. */
  stepRead(lease: Lease, name: string, text: string): void {
    const kept = this.#steps.get(`${lease.runId}/${lease.ordinal}/${name}`);
    if (kept === undefined || !text.startsWith(kept))
      this.#ground.violate(
        "11 steps once",
        `${lease.runId}: ${lease.task} reads "${text}" as ${name}, kept was "${kept}"`,
      );
  }

  /** Nothing happens any more: every run must have ended, and nothing may be left. */
  atRest(): void {
    for (const [runId, seen] of this.runs) {
      if (seen.finishedAt === null)
        this.#ground.violate(
          "1 accepted is durable",
          `${runId} never ended: it is ${seen.status}, ${seen.states.map(({ status }) => status).join(", ")}`,
        );
      if (seen.alerts.size !== seen.failures)
        this.#ground.violate(
          "12 told once",
          `${runId} has failed ${seen.failures} times, and somebody was told ${seen.alerts.size} times`,
        );
      if (!seen.host.storage.isEmpty)
        this.#ground.violate("10 nothing is left", `the journal of ${runId} is still there`);
      if (seen.host.alarmAt !== null) this.#ground.violate("10 nothing is left", `${runId} still has an alarm`);
    }
    const left = [...this.#bucket.objects.keys()];
    if (left.length > 0) this.#ground.violate("10 nothing is left", `in R2: ${left.join(", ")}`);
  }

  #recorded(host: RunHost, run: Run): Seen {
    const seen: Seen = {
      host,
      graph: run.graph,
      ref: run.payload,
      payload: this.#textOf(host, run.payload) ?? "",
      run,
      states: run.tasks.map(() => ({ status: "pending" })),
      status: "queued",
      lastToken: 0,
      revision: -1,
      finishedAt: null,
      retentionOver: Number.POSITIVE_INFINITY,
      retried: false,
      failures: 0,
      alerts: new Set(),
      gone: false,
    };
    this.runs.set(run.id, seen);
    this.#items.forget(run);
    this.#forgetEarlier(run.id);
    if (run.tasks[0]?.task.name === TOLD && run.origin.parent !== null)
      this.runs.get(run.origin.parent.runId)?.alerts.add(run.id);
    this.#mustExist(host, run.payload, "the trigger");
    return seen;
  }

  /** Another run of this id begins: what was seen of attempts is not of its own. */
  #forgetEarlier(runId: RunId): void {
    this.#blame.forget(runId);
    for (const known of [this.#completions, this.#steps])
      for (const key of known.keys()) if (key.startsWith(`${runId}/`)) known.delete(key);
  }

  /** Only a run whose root has not been started may be triggered with another payload. */
  #triggered(host: RunHost, run: Run, seen: Seen): void {
    if (isSame(run.payload, seen.ref)) return;
    const text = this.#textOf(host, run.payload);
    if (text !== null && text !== seen.payload && run.startedAt !== null)
      this.#ground.violate("5 nothing of a failed attempt", `${run.id}: its payload has changed since it was started`);
    this.#mustExist(host, run.payload, "the trigger");
    seen.ref = run.payload;
    seen.payload = text ?? "";
  }

  /** Who cancels a run with those that it has triggered need not look after them. */
  #childrenCancelled(run: Run): void {
    if (!run.cancelsChildren || run.owed.some(({ debt }) => debt.type === "cancel_children")) return;
    for (const { runId } of run.children) {
      const child = this.runs.get(runId);
      if (child !== undefined && child.finishedAt === null)
        this.#ground.violate("13 children cancelled", `${run.id} was cancelled with its children; ${runId} goes on`);
    }
  }

  #forgotten(host: RunHost, seen: Seen): void {
    if (this.#ground.wall() < seen.retentionOver)
      this.#ground.violate("1 accepted is durable", `${host.runId} is gone before its retention is over`);
    seen.gone = true;
  }

  /** The one thing that changes final states: what failed or was cancelled is open again, what succeeded is as it was. */
  #retried(run: Run, seen: Seen): void {
    for (const [ordinal, entry] of run.tasks.entries()) {
      const was = seen.states[ordinal] ?? { status: "pending" };
      const { state, task } = entry;
      const right: Readonly<Record<string, boolean>> = {
        succeeded: isSame(state, was),
        skipped: isFinal(state) ? maySkip(run, entry) : !maySkip(run, entry),
        // What it reads is recorded, and will be no array another time either.
        failed: !isFinal(state) || (state.status === "failed" && state.reason === "not_an_array"),
        // What runs over no items, or over no array, ends at once.
        cancelled: !isFinal(state) || task.each !== undefined || (state.status === "skipped" && maySkip(run, entry)),
      };
      if (!(right[was.status] ?? !isFinal(state)) || (state.status === "pending" && mayStart(run, entry)))
        this.#ground.violate("4 final", `${run.id}: ${task.name} was ${was.status} and is ${state.status} by a retry`);
      if (!isSame(state, was)) seen.states[ordinal] = { status: "pending" };
    }
    seen.retried = true;
    seen.finishedAt = null;
    seen.status = run.status;
  }

  #inOrder(run: Run, seen: Seen): void {
    if (run !== seen.run && !isSame(run.graph, seen.graph))
      this.#ground.violate("4 final", `${run.id}: its graph has changed`);
    seen.run = run;
    for (const [ordinal, entry] of run.tasks.entries()) {
      const was = seen.states[ordinal] ?? PENDING;
      if (entry.state === was) continue;
      if (isFinal(was) && !isSame(entry.state, was))
        this.#ground.violate("4 final", `${run.id}: ${entry.task.name} was ${was.status} and is ${entry.state.status}`);
      if (was.status !== "pending" && entry.state.status === "pending")
        this.#ground.violate("2 order", `${run.id}: ${entry.task.name} is pending again`);
      if (was.status === "queued" && entry.state.status === "running" && this.#ground.wall() < (was.notBefore ?? 0))
        this.#ground.violate("2 order", `${run.id}: ${entry.task.name} starts before its delay is over`);
      if (was.status === "waiting" && was.for === "run" && entry.state.status === "queued") this.#resumed(run, entry);
      if (!isFinal(was)) this.#entered(run, entry, ordinal, seen.host);
      seen.states[ordinal] = entry.state;
    }
    for (const index of this.#items.look(run)) {
      const item = run.items[index];
      if (item !== undefined) this.#entered(run, item, run.tasks.length + index, seen.host);
    }
  }

  /** A suspended task goes on because a run that it awaits is final, or the wait is over, and it does so soon. */
  #resumed(run: Run, { task, awaits = [] }: TaskEntry): void {
    const { scheduler } = this.#ground;
    const ended = awaits.flatMap(({ runId }) => this.#endedAt.get(runId) ?? []);
    if (ended.length === 0 && awaits.every(({ until }) => until > this.#ground.wall()))
      this.#ground.violate("2 order", `${run.id}: ${task.name} goes on before what it awaits has ended`);
    const lateMs = scheduler.now - Math.min(...ended, scheduler.now);
    if (lateMs > RESUMED_WITHIN_MS)
      this.#ground.violate(
        "2 never stuck",
        `${run.id}: ${task.name} goes on ${lateMs / 60_000} min after what it awaits`,
      );
  }

  #entered(run: Run, entry: TaskEntry, ordinal: number, host: RunHost): void {
    const { task, state } = entry;
    const started = state.status !== "pending" && state.status !== "skipped" && state.status !== "cancelled";
    if (started ? !mayStart(run, entry) : state.status === "skipped" && !maySkip(run, entry)) {
      const upstream = task.upstream.map((parent) => run.tasks[parent]?.state.status);
      this.#ground.violate(
        "2 order",
        `${run.id}: ${task.name} (run_if ${task.runIf}) is ${state.status} while its upstream tasks are ${upstream.join(", ")}`,
      );
    }
    if (state.status === "succeeded") {
      this.#mustExist(host, state.passed.output, task.name);
      for (const ref of Object.values(state.passed.to ?? {})) this.#mustExist(host, ref, task.name);
    }
    if (task.each !== undefined && entry.item === undefined)
      this.#items.ended(run, entry, (ref) => this.#textOf(host, ref));
    else if (state.status === "succeeded" || state.status === "failed") this.#blame.ended(run, ordinal, entry);
  }

  #derived(run: Run): void {
    let open = 0;
    let active = 0;
    for (const { state } of run.tasks) {
      if (!isFinal(state)) open += 1;
      if (isActive(state)) active += 1;
    }
    for (const { state } of run.items) if (isActive(state)) active += 1;
    if (run.open !== open || run.active.size !== active)
      this.#ground.violate(
        "journal",
        `${run.id}: ${run.open} open and ${run.active.size} active tasks, counted ${open} and ${active}`,
      );
    for (const { task, waitingOn } of run.tasks) {
      let unfinished = 0;
      for (const parent of task.upstream) if (!isFinal(run.tasks[parent]?.state ?? PENDING)) unfinished += 1;
      if (waitingOn !== unfinished)
        this.#ground.violate("journal", `${run.id}: ${task.name} waits for ${waitingOn} tasks, counted ${unfinished}`);
    }
  }

  #neverStuck(host: RunHost, run: Run): void {
    const due = nextWakeAt(run);
    if (!Number.isFinite(due)) this.#ground.violate("2 never stuck", `${run.id} is ${run.status} and due at no time`);
    if (host.isGivenUp || host.isHandlingAlarm) return;
    const { alarmAt } = host;
    // A child run that is kept because its parent goes on asks again after as long as it is kept.
    const keptMs = run.finishedAt !== null && run.origin.parent !== null ? run.graph.retentionMs : 0;
    // What a final run has to do elsewhere may take longer than its alarm waits for: then, and only then, the alarm looks again later.
    const leftMs = run.finishedAt !== null && host.isLeftBehind ? LEFT_BEHIND_MS : 0;
    const pauseMs = Math.max(keptMs, leftMs, host.isFailing ? ALARM_PAUSE_MAX_MS : 0);
    if (alarmAt === null) this.#ground.violate("2 never stuck", `${run.id} is due, and no alarm is set`);
    else if (alarmAt > Math.max(due, Math.max(this.#ground.wall(), host.armedAt) + pauseMs) + 1)
      this.#ground.violate("2 never stuck", `${run.id} is due at ${due}, its alarm is set to ${alarmAt}`);
  }

  #mustExist(host: RunHost, ref: PayloadRef, from: string): void {
    if (this.#textOf(host, ref) === null)
      this.#ground.violate(
        "6 payload before row",
        `${host.runId}: what ${from} passed is not at ${JSON.stringify(ref)}`,
      );
  }

  #textOf(host: RunHost, ref: PayloadRef): string | null {
    const bytes =
      ref.at === "r2"
        ? this.#bucket.objects.get(ref.key)
        : new RunStore(host.storage).read(ref.seq, ref.offset, ref.size);
    return bytes ? DECODER.decode(bytes) : null;
  }
}
