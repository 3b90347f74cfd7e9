/**
 * One run, as an object of the platform: storage, clock, alarm, queue and payload bucket for the protocol in `run-protocol.ts`,
 * and the calls that only read. It never awaits a task, and is asleep whenever no call is under way.
 */
import { DurableObject } from "cloudflare:workers";
import { recordRun } from "../catalog/catalog-client.ts";
import type { LimitGateEffect, LimitGateEvent } from "../../domain/run/limit-gate.ts";
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { replayInputs, type OutsideInput } from "../../domain/run/task-inputs.ts";
import type { LimitKind, LimitName, SlotHolder, SlotStatus } from "../../domain/limits/limit.ts";
import type { NewPayload, PayloadRef } from "../../domain/payload.ts";
import type { ChildRun, Run, TaskEntry } from "../../domain/run/state.ts";
import type { OutboxEntry } from "../../domain/run/outbox-entry.ts";
import type { Effect } from "../../domain/run/machine-events.ts";
import type { Claimant } from "../../domain/run/machine-events.ts";
import { callPauses } from "../pauses/pauses-client.ts";
import { noteDrivers } from "../deaths/deaths-client.ts";
import { callLimit } from "../limits/limit-client.ts";
import type { LimitRpc } from "../limits/limit-rpc.ts";
import { within } from "../../platform/calls.ts";
import { afterDelay } from "../../platform/patience.ts";
import { deleteRunPayloads } from "../../payloads/payload-store.ts";
import { inlinePayload, packer } from "./lease-payloads.ts";
import { describeAlert } from "./failure-alert.ts";
import { Audience, Batch } from "./subscribers.ts";
import { eventStream, type Beginning } from "./sse-subscribers.ts";
import { cancelRuns, dispatchRun, payDebt, startExecutor, tellRuns, watchRuns } from "./effects.ts";
import { writeAcceptAnswer, writeGrant } from "./grant-text-rpc.ts";
import { ALL_LINES, logPage } from "./log-page.ts";
import { describeCompletable } from "./completion-status.ts";
import { noticeOf } from "./final-notice.ts";
import { recordParked } from "./parking.ts";
import type { ParentStanding } from "./remembered.ts";
import { Replay, type Present } from "./event-backfill.ts";
import { queueWatch } from "./queue-client.ts";
import { callRun } from "./run-client.ts";
import { describeRun, type LiveProgress } from "./run-document.ts";
import { endEvent, runEvent, type RunEvent } from "./public-events.ts";
import { describeItems, gatherPage, itemOf } from "./item-documents.ts";
import { SocketAudience } from "./websocket-subscribers.ts";
import { RunSession } from "./driver-session.ts";
import { RunProtocol } from "./run-controller.ts";
import { troubleOf } from "./trouble-note.ts";
import type { AcceptRequest, AcceptText, JoiningTrigger, PostponingTrigger } from "./accept-rpc.ts";
import type { CancelOptions, FinalNotice, GatherPage, RecordedInputs, RetryOutcome, RunRpc } from "./run-rpc.ts";
import type { AttemptReport, ReportAnswer, SettleRequest } from "./settlement-rpc.ts";
import type { ClaimRequest, FinishedStep, GrantText, Lease } from "./lease-rpc.ts";
import type { CompletableTask, CompletionAnswer, CompletionReport, CompletionTarget } from "./completion-rpc.ts";
import type { ItemPage, ItemQuery, LogQuery, RunDocument, TaskLogs } from "./run-documents-rpc.ts";
import { performHoldEffect } from "./limit-effects.ts";
import { Steering } from "./run-actions.ts";
import { RunStore } from "./journal.ts";
import { log } from "../../platform/log.ts";

/** A timer cannot be set further ahead: 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Of telling somebody of a failure: a trigger with all of its own tries. Milliseconds. */
const ALERT_LIMIT_MS = 60_000;

/** Runs that are cancelled with one acknowledgement. */
const CHILDREN_AT_ONCE = 50;

export class RunObject extends DurableObject<Env> implements RunRpc {
  readonly #store: RunStore;
  readonly #protocol: RunProtocol;
  readonly #steering: Steering;
  readonly #audience: Audience;
  readonly #sockets: SocketAudience;
  readonly #listeners = new Set<() => void>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new RunStore(ctx.storage);
    this.#audience = new Audience(
      () => this.#protocol.live,
      () => ctx.storage.sync(),
    );
    this.#sockets = new SocketAudience(ctx, env, this.#audience);
    this.#protocol = new RunProtocol(this.#store, {
      now: () => Date.now(),
      // Not awaited: answers are held back until it is durable.
      setAlarm: (at) => ctx.waitUntil(ctx.storage.setAlarm(at)),
      getAlarm: () => ctx.storage.getAlarm(),
      queueProgress: () => queueWatch.progress(Date.now()),
      askQueue: () =>
        queueWatch.ask(
          () => env.RUN_QUEUE.metrics(),
          () => Date.now(),
        ),
      messageReceived: (sentAt) => queueWatch.received(sentAt, Date.now()),
      isListenedTo: () => this.#audience.isHeard,
      heard: (run, news) => this.#audience.heard(run, news),
      changed: (run, change, position) => this.#audience.changed(run, change, position),
      perform: (run, effect) => this.#perform(run, effect),
      deletePayloads: async (runId, kept) => void (await deleteRunPayloads(env.PAYLOADS, runId, undefined, kept)),
      deleteAbandoned: async (triggers, attempts) => {
        const runId = parseRunId(ctx.id.name ?? "");
        return runId !== null && (await deleteRunPayloads(env.PAYLOADS, runId, { triggers, attempts }));
      },
      standingsOf: (parents) => Promise.all(parents.map((parent) => parentStanding(env, parent))),
      tellParent: async (parent, child) => void (await callRun(env, parent, (run) => run.knowChild(child))),
      parentNotTold: (error, isLast) => {
        const message = `the parent run was not told of its child, ${isLast ? "and will not be" : "the alarm will"}`;
        log("warn", message, { run_id: ctx.id.name, error });
      },
      tellCatalog: (summary, keep) => recordRun(env, summary, keep),
      after: afterDelay,
      notTold: (error) => {
        log("warn", "catalog not told, the alarm will", { run_id: ctx.id.name, error });
      },
      notShortened: (error) => {
        log("error", "the journal of a run stays long", { run_id: ctx.id.name, error });
      },
      waitUntil: (work) => ctx.waitUntil(work),
      trouble: troubleOf(ctx, env),
      alarmFailed: (strikes, error) => {
        log("error", "the alarm of a run failed", { run_id: ctx.id.name, strikes, error });
      },
    });
    this.#steering = new Steering(ctx.storage, this.#protocol);
  }

  async expectPayload(nonce: string): Promise<void> {
    this.#protocol.expectPayload(nonce);
  }

  async expectOutput(): Promise<boolean> {
    return this.#protocol.expectOutput();
  }

  async accept(request: AcceptRequest): Promise<AcceptText> {
    await this.#protocol.untilForgotten();
    return writeAcceptAnswer(this.#protocol.accept(request));
  }

  async acceptOrPostpone(request: PostponingTrigger): Promise<AcceptText | null> {
    await this.#protocol.untilForgotten();
    const answer = this.#protocol.acceptOrPostpone(request);
    return answer === null ? null : writeAcceptAnswer(answer);
  }

  async joinedBefore(trigger: JoiningTrigger): Promise<AcceptText | null> {
    await this.#protocol.untilForgotten();
    const answer = this.#protocol.joinedBefore(trigger);
    return answer === null ? null : writeAcceptAnswer(answer);
  }

  async claim(request: ClaimRequest): Promise<GrantText> {
    return writeGrant(this.#protocol.claim(request));
  }

  async settle(request: SettleRequest): Promise<GrantText> {
    return writeGrant(this.#protocol.settle(request));
  }

  async session(): Promise<RunSession> {
    return new RunSession(this);
  }

  async begin(ordinal: number, holder: string, claimant?: Claimant): Promise<Lease | null> {
    return this.#protocol.begin(ordinal, holder, claimant);
  }

  async recordStep(step: FinishedStep): Promise<boolean> {
    return this.#protocol.recordStep(step);
  }

  async report(reports: readonly AttemptReport[]): Promise<ReportAnswer[]> {
    return this.#protocol.report(reports);
  }

  async events(after: number | null): Promise<ReadableStream<Uint8Array> | "over" | "full" | null> {
    const run = this.#protocol.load();
    if (run === null) return null;
    if (after !== null && after >= this.#store.endSeq) return "over";
    return this.#audience.isFull ? "full" : eventStream(this.#audience, this.#beginTelling(run, after));
  }

  /** Upgrades to a WebSocket on which the same is told; `?after=` is the position. 404: there is no such run; 429: too many listen. */
  override async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const after = query.get("after");
    const run = this.#protocol.load();
    if (run === null || this.#audience.isFull) return new Response(null, { status: run === null ? 404 : 429 });
    return this.#sockets.open(this.#beginTelling(run, after === null ? null : Number(after)), query.get("credential"));
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (message === "ping") this.#sockets.pinged(socket);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#sockets.closed(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#sockets.closed(socket);
  }

  /** That of the last entry of the journal. */
  get #position(): number {
    return this.#store.nextSeq - 1;
  }

  /** What a listener hears before what is new: everything after this position, or the run as it is if it has heard nothing yet. */
  #beginTelling(run: Run, after: number | null): Beginning {
    const position = this.#position;
    if (after === null || after > position) return { first: new Batch(this.#asItIs(run)), replay: null };
    if (after >= this.#store.endSeq) return { first: new Batch([endEvent(run, position)]), replay: null };
    if (after < position) return { first: new Batch([]), replay: new Replay(this.#store, after, this.#presentOf(run)) };
    return { first: new Batch([]), replay: null };
  }

  #presentOf(run: Run): Present {
    return {
      asItIs: () => this.#asItIs(run),
      progressOf: (ordinal, token) => {
        const attempt = this.#protocol.live.of(ordinal);
        return attempt?.token === token ? attempt.progress : null;
      },
    };
  }

  #asItIs(run: Run): RunEvent[] {
    const position = this.#position;
    const isOver = run.finishedAt !== null;
    return [runEvent(run, position, this.#liveProgress), ...(isOver ? [endEvent(run, position)] : [])];
  }

  async watch(by: RunId): Promise<FinalNotice | null> {
    return this.#protocol.watch(by) ? this.#notice() : null;
  }

  async knowChild(child: ChildRun): Promise<boolean> {
    return this.#protocol.knowChild(child);
  }

  async awaited(final: FinalNotice): Promise<void> {
    this.#protocol.awaited([final]);
  }

  /** What a final run comes to, for those who await it. */
  #notice(): FinalNotice | null {
    const run = this.#protocol.load();
    const runId = run?.id ?? parseRunId(this.ctx.id.name ?? "");
    if (runId === null) return null;
    return run === null ? { runId, status: "gone", document: null } : noticeOf(run);
  }

  async held(seq: number, offset: number, size: number): Promise<Uint8Array> {
    this.#protocol.load();
    const bytes = this.#store.read(seq, offset, size);
    if (bytes === null) throw new Error(`the run holds no ${size} bytes at entry ${seq}`);
    return bytes;
  }

  async describe(): Promise<RunDocument | null> {
    const run = this.#protocol.load();
    return run === null ? null : this.#describe(run);
  }

  async gather(ordinal: number, from: number): Promise<GatherPage | null> {
    const run = this.#protocol.load();
    return run === null ? null : gatherPage(run, this.#store, ordinal, from);
  }

  async items(task: string, query: ItemQuery): Promise<ItemPage | undefined | null> {
    const run = this.#protocol.load();
    return run === null ? null : describeItems(run, task, query);
  }

  async payload(task: string | null, item?: number): Promise<NewPayload | undefined | null> {
    const run = this.#protocol.load();
    if (run === null) return null;
    const ref = task === null ? run.payload : outputOf(entryFor(run, task, item));
    if (ref === undefined || ref.at === "r2") return ref;
    return inlinePayload(this.#store, ref);
  }

  async logs(task: string, query: LogQuery = ALL_LINES): Promise<TaskLogs | undefined | null> {
    const run = this.#protocol.load();
    if (run === null) return null;
    const entry = entryFor(run, task, query.item);
    if (entry === undefined) return undefined;
    return logPage(entry.attempts, this.#store, query, this.#protocol.live.of(ordinalOf(run, entry)));
  }

  async cancel(
    options: CancelOptions = { children: false },
  ): Promise<{ cancelled: boolean; document: RunDocument } | null> {
    const answer = this.#steering.cancel(options);
    return answer === null ? null : { cancelled: answer.cancelled, document: this.#describe(answer.run) };
  }

  async retry(call?: string): Promise<{ outcome: RetryOutcome; document: RunDocument } | null> {
    const answer = this.#steering.retry(call);
    return answer === null ? null : { outcome: answer.outcome, document: this.#describe(answer.run) };
  }

  async redrive(debt: number): Promise<boolean | null> {
    return this.#protocol.load() === null ? null : this.#protocol.redrive(debt);
  }

  async completable(target: CompletionTarget): Promise<CompletableTask | undefined | null> {
    const run = this.#protocol.load();
    return run === null ? null : describeCompletable(run, target);
  }

  async complete(report: CompletionReport): Promise<CompletionAnswer | null> {
    return this.#protocol.complete(report);
  }

  async replayInputs(from: string, outside: readonly OutsideInput[]): Promise<RecordedInputs | null> {
    const run = this.#protocol.load();
    if (run === null) return null;
    const pack = packer(this.#store);
    const { own, outside: others } = replayInputs(run, from, outside);
    return {
      own:
        own === null ? null : { ...own, inputs: own.inputs.map(({ ref, ...of }) => ({ ...of, payload: pack(ref) })) },
      outside: others.map(({ ref, ...of }) => ({ ...of, payload: pack(ref) })),
    };
  }

  async permitted(kind: LimitKind, holder: SlotHolder): Promise<SlotStatus> {
    return this.#protocol.permitted(kind, holder);
  }

  async displaced(holder: SlotHolder): Promise<SlotStatus> {
    return this.#protocol.displaced(holder);
  }

  async resumed(task: string): Promise<void> {
    this.#protocol.hold({ type: "resumed", task });
  }

  async untilFinal(timeoutMs: number): Promise<RunDocument | null> {
    const run = this.#protocol.load();
    if (run === null) return null;
    if (run.finishedAt !== null) return this.#describe(run);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(timeoutMs, LONGEST_TIMER_MS));
    this.#listeners.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#listeners.delete(resolve);
    return run.finishedAt === null ? null : this.#describe(run);
  }

  readonly #liveProgress: LiveProgress = (ordinal) => this.#protocol.live.progressOf(ordinal);

  #describe(run: Run): RunDocument {
    return describeRun(run, this.#liveProgress);
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#protocol.alarm(info?.scheduledTime ?? null);
  }

  #perform(run: Run, effect: Effect): void {
    switch (effect.type) {
      case "dispatch":
        this.ctx.waitUntil(dispatchRun(this.env, run.id, effect.drivers));
        break;
      case "start_executor":
        this.ctx.waitUntil(startExecutor(this.env, run.id, effect));
        break;
      case "note_death":
        this.ctx.waitUntil(noteDrivers(this.env, run.id, effect));
        break;
      case "finished":
        for (const tell of this.#listeners) tell();
        break;
      case "watch":
        this.ctx.waitUntil(this.#watch(run.id, effect.runIds));
        break;
      case "tell":
        this.ctx.waitUntil(this.#tell(run, effect));
        break;
      case "pay":
        this.ctx.waitUntil(this.#pay(run, effect.owed));
        break;
      case "park":
        this.ctx.waitUntil(this.#park(run, effect.owed));
        break;
      case "untold":
        log("error", "runs were not told that another one is final", { run_id: run.id, ...effect });
        break;
      case "ask_slot":
      case "give_slot_back":
      case "spend_slot":
      case "await_resume":
        this.ctx.waitUntil(this.#performHold(run, effect));
        break;
    }
  }

  async #watch(runId: RunId, awaited: readonly RunId[]): Promise<void> {
    for await (const finals of watchRuns(this.env, runId, awaited)) this.#protocol.awaited(finals);
  }

  async #pay(run: Run, { id, debt }: OutboxEntry): Promise<void> {
    await payDebt(run.id, debt.type, async () => {
      if (debt.type === "alert") {
        const raised = this.ctx.exports.AlertEntrypoint.raise(describeAlert(run, id, debt));
        await within(ALERT_LIMIT_MS, "the entrypoint of alerts", raised);
        this.#protocol.paid(id, null);
      } else {
        const children = run.children.slice(debt.next, Math.min(debt.until, debt.next + CHILDREN_AT_ONCE));
        await cancelRuns(this.env, children, `${run.id}/${id}`);
        this.#protocol.paid(id, debt.next + children.length);
      }
    });
  }

  async #park(run: Run, owed: OutboxEntry): Promise<void> {
    await payDebt(run.id, "to record a dead letter", async () => {
      await recordParked(this.env, run, owed, Date.now());
      this.#protocol.parked(owed.id);
    });
  }

  /** A run that was retried meanwhile tells of its next end. */
  async #tell(run: Run, { runIds, revision }: Extract<Effect, { readonly type: "tell" }>): Promise<void> {
    if (run.finishedAt === null) return;
    for await (const told of tellRuns(this.env, noticeOf(run), runIds))
      if (told.length > 0) this.#protocol.told(told, revision);
  }

  async #performHold(run: Run, effect: LimitGateEffect): Promise<void> {
    const around = {
      now: () => Date.now(),
      awaitResume: (task: string) => callPauses(this.env, (pauses) => pauses.awaitResume(task, run.id)),
      call: <T>(limit: LimitName, call: (object: LimitRpc) => Promise<T>) => callLimit(this.env, limit, call),
      hold: (event: LimitGateEvent) => this.#protocol.hold(event),
    };
    await performHoldEffect(around, effect).catch((error: unknown) => {
      log("warn", `${effect.type} failed`, { run_id: run.id, error });
    });
  }
}

async function parentStanding(env: Env, parent: RunId): Promise<ParentStanding> {
  const document = await callRun(env, parent, (run) => run.describe());
  if (document === null) return { type: "gone" };
  const { finished_at } = document;
  return finished_at === null ? { type: "open" } : { type: "final", finishedAt: Date.parse(finished_at) };
}

/** The task, or its item of this index. */
function entryFor(run: Run, task: string, item: number | undefined): TaskEntry | undefined {
  if (item !== undefined) return itemOf(run, task, item);
  return run.tasks.find((candidate) => candidate.task.name === task);
}

function outputOf(entry: TaskEntry | undefined): PayloadRef | undefined {
  const state = entry?.state;
  return state?.status === "succeeded" ? state.passed.output : undefined;
}

/** Of a task, or of an item of one. */
function ordinalOf(run: Run, entry: TaskEntry): number {
  const { item } = entry;
  return item === undefined ? run.tasks.indexOf(entry) : (run.tasks[item.of]?.each?.first ?? 0) + item.index;
}
