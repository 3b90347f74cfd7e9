/**
 * One run. The object loads the run, lets the machine decide, commits the decision, performs its effects and sets the alarm. It
 * decides nothing itself, never awaits a task, and is asleep whenever no call is under way.
 *
 * Order, always: decide → append to the journal → fold into memory → alarm → effects. A crash before the append: nothing has
 * happened, the caller gets an error and calls again. A crash after it: the caller's answer was held back until the row was
 * durable (output gate), effects that were not performed are still owed by the state, and the alarm, set in the same commit,
 * performs them. A repeated effect (a second message, a second executor object) finds nothing to claim.
 */
import { DurableObject } from "cloudflare:workers";
import type { RunId } from "../core/ids.ts";
import { advance, nextWakeAt } from "../core/machine.ts";
import type { PayloadRef } from "../core/payload-ref.ts";
import type { Run, RunGenesis } from "../core/run.ts";
import { dueAt, fold, newRun } from "../core/run.ts";
import type { Advance, Effect, RunEvent } from "../core/run-event.ts";
import { deleteRunPayloads } from "../payload/payload-store.ts";
import { deliver, inlineParcel } from "./delivery.ts";
import { dispatchRun, startExecutor } from "./outbox.ts";
import { placeParcel, readLogs, takeIn } from "./intake.ts";
import { Packer } from "./packer.ts";
import { describeRun } from "./run-document.ts";
import type { AcceptAnswer, AcceptRequest, ClaimRequest, Grant, Lease, RunDocument, RunRpc, SettleRequest, StoredPayload, TaskLogs } from "./run-rpc.ts";
import { RunStore } from "./store.ts";

/** Pauses before a failed alarm is tried again: 1 s, doubling to 5 min. The platform's own retries end after six. */
const ALARM_PAUSE_MAX_MS = 300_000;

export class RunObject extends DurableObject<Env> implements RunRpc {
  readonly #store: RunStore;
  /** The journal, folded. Undefined until it is read. */
  #run: Run | null | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #alarmStrikes = 0;
  readonly #listeners = new Set<() => void>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new RunStore(ctx.storage);
  }

  async accept(request: AcceptRequest): Promise<AcceptAnswer> {
    const known = this.#load();
    if (known !== null) return { status: known.status, deduplicated: true, grant: { leases: [] } };
    const now = Date.now();
    const data = new Packer(this.#store.nextSeq);
    const payload = placeParcel(request.payload, data);
    const genesis: RunGenesis = { id: request.runId, graph: request.graph, origin: request.origin, payload, createdAt: now };
    const run = newRun(genesis);
    const decided = advance(run, { type: "accepted", claim: request.claim ?? null }, now);
    const first = decided.change ?? { tasks: [] };
    this.#store.create(genesis, data, first, now);
    fold(run, first);
    this.#run = run;
    this.#setAlarm(nextWakeAt(run));
    this.#perform(run, decided.effects);
    return { status: run.status, deduplicated: false, grant: this.#grant(run, decided) };
  }

  async claim(claim: ClaimRequest): Promise<Grant> {
    const run = this.#load();
    if (run === null) return { leases: [] };
    return this.#grant(run, this.#advance(run, { type: "claimed", claim }));
  }

  async settle({ settlements, claim }: SettleRequest): Promise<Grant> {
    const run = this.#load();
    if (run === null) return { leases: [] };
    const data = new Packer(this.#store.nextSeq);
    const attempts = settlements.map((settlement) => takeIn(settlement, data));
    return this.#grant(run, this.#advance(run, { type: "settled", attempts, claim }, data));
  }

  async begin(ordinal: number, holder: string): Promise<Lease | null> {
    const run = this.#load();
    if (run === null) return null;
    const [lease] = this.#grant(run, this.#advance(run, { type: "begun", ordinal, holder })).leases;
    return lease ?? null;
  }

  async held(seq: number, offset: number, size: number): Promise<Uint8Array> {
    this.#load();
    const bytes = this.#store.read(seq, offset, size);
    if (bytes === null) throw new Error(`the run holds no ${size} bytes at entry ${seq}`);
    return bytes;
  }

  async describe(): Promise<RunDocument | null> {
    const run = this.#load();
    return run === null ? null : describeRun(run);
  }

  async payload(task: string | null): Promise<StoredPayload | undefined | null> {
    const run = this.#load();
    if (run === null) return null;
    const ref = task === null ? run.payload : outputOf(run, task);
    if (ref === undefined || ref.at === "r2") return ref;
    return inlineParcel(this.#store, ref);
  }

  async logs(task: string): Promise<TaskLogs | undefined | null> {
    const run = this.#load();
    if (run === null) return null;
    const entry = run.tasks.find((candidate) => candidate.task.name === task);
    if (entry === undefined) return undefined;
    const kept = entry.attempts.flatMap(({ attempt, logs }) => (logs === null ? [] : [{ attempt, logs }]));
    return {
      logs: kept.flatMap(({ attempt, logs }) => {
        const bytes = this.#store.read(logs.seq, logs.offset, logs.size) ?? new Uint8Array(0);
        return readLogs(bytes).map((line) => ({ ...line, at: new Date(line.at).toISOString(), attempt }));
      }),
      dropped: kept.reduce((dropped, { logs }) => dropped + logs.dropped, 0),
    };
  }

  async cancel(): Promise<{ cancelled: boolean; document: RunDocument } | null> {
    const run = this.#load();
    if (run === null) return null;
    const { change } = this.#advance(run, { type: "cancelled" });
    return { cancelled: change !== null, document: describeRun(run) };
  }

  async untilFinal(timeoutMs: number): Promise<RunDocument | null> {
    const run = this.#load();
    if (run === null) return null;
    if (run.finishedAt !== null) return describeRun(run);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#listeners.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#listeners.delete(resolve);
    return run.finishedAt === null ? null : describeRun(run);
  }

  /** Never throws: the platform gives an alarm up after six failures, and with it the run. */
  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    try {
      const run = this.#load();
      if (run === null) return;
      if (run.finishedAt !== null && Date.now() >= nextWakeAt(run)) {
        await this.#forget(run.id);
        return;
      }
      this.#advance(run, { type: "woken" });
      this.#setAlarm(nextWakeAt(run));
      this.#alarmStrikes = 0;
    } catch (error) {
      this.#alarmStrikes += 1;
      const pauseMs = Math.min(ALARM_PAUSE_MAX_MS, 500 * 2 ** this.#alarmStrikes);
      console.error(JSON.stringify({ message: "the alarm of a run failed", run: this.ctx.id.name, strikes: this.#alarmStrikes, error: String(error) }));
      this.#setAlarm(Date.now() + pauseMs);
    }
  }

  #load(): Run | null {
    if (this.#run === undefined) {
      this.#run = this.#store.load();
      if (this.#run !== null) this.ctx.waitUntil(this.#recoverAlarm(this.#run));
    }
    return this.#run;
  }

  #advance(run: Run, event: RunEvent, data = new Packer(this.#store.nextSeq)): Advance {
    const now = Date.now();
    const decided = advance(run, event, now);
    if (decided.change !== null) {
      this.#store.append(decided.change, data, now);
      fold(run, decided.change);
      this.#setAlarmFor(run, decided);
    }
    this.#perform(run, decided.effects);
    return decided;
  }

  #grant(run: Run, decided: Advance): Grant {
    return { leases: deliver(run, this.#store, decided.leases) };
  }

  /** An alarm costs a row: it is moved only when something is due sooner than it, or when nothing is due any more. */
  #setAlarmFor(run: Run, { change, effects }: Advance): void {
    if (effects.some(({ type }) => type === "finished")) {
      this.#setAlarm(nextWakeAt(run));
      return;
    }
    const due = (change?.tasks ?? []).map(({ state }) => dueAt(state) ?? Number.POSITIVE_INFINITY);
    const soonest = due.reduce((earlier, at) => Math.min(earlier, at), Number.POSITIVE_INFINITY);
    if (soonest < this.#alarmAt) this.#setAlarm(soonest);
  }

  /** Not awaited: it belongs to the commit, and answers are held back until that is durable. Never at or before now: such alarms may not fire. */
  #setAlarm(at: number): void {
    if (at === Number.POSITIVE_INFINITY) return;
    this.#alarmAt = Math.max(at, Date.now() + 1);
    this.ctx.waitUntil(this.ctx.storage.setAlarm(this.#alarmAt));
  }

  /** After a reset the alarm is known to the platform only; should it be gone or late, the run must not depend on it. */
  async #recoverAlarm(run: Run): Promise<void> {
    const at = await this.ctx.storage.getAlarm();
    const due = nextWakeAt(run);
    if (at === null || at > due) this.#setAlarm(Math.min(due, this.#alarmAt));
    else this.#alarmAt = Math.min(this.#alarmAt, at);
  }

  #perform(run: Run, effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "dispatch":
          this.ctx.waitUntil(dispatchRun(this.env, run.id, effect.drivers));
          break;
        case "start_executor":
          this.ctx.waitUntil(startExecutor(this.env, run.id, effect.ordinal, effect.name));
          break;
        case "finished":
          for (const tell of this.#listeners) tell();
          break;
      }
    }
  }

  /** Payloads first: while the journal is there, a failure here is tried again. */
  async #forget(runId: RunId): Promise<void> {
    await deleteRunPayloads(this.env.PAYLOADS, runId);
    await this.#store.deleteAll();
    this.#run = null;
  }
}

function outputOf(run: Run, task: string): PayloadRef | undefined {
  const state = run.tasks.find((candidate) => candidate.task.name === task)?.state;
  return state?.status === "succeeded" ? state.passed.output : undefined;
}
