/**
 * The Durable Object of one run: provides storage, clock, alarm, queue and payload bucket to
 * `run-controller.ts`, and answers the calls that only read. Never awaits a task, and sleeps
 * whenever no call is under way.
 *
 * The class has about 300 lines, since the platform takes all methods of an object from one class;
 * most of them are a few lines each.
 */
import { DurableObject } from "cloudflare:workers";
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { replayInputs, type OutsideInput } from "../../domain/run/task-inputs.ts";
import type { LimitKind, SlotHolder, SlotStatus } from "../../domain/limits/limit.ts";
import type { NewPayload, PayloadRef } from "../../domain/payload.ts";
import type { ChildRun, Run, TaskEntry } from "../../domain/run/state.ts";
import type { Claimant } from "../../domain/run/machine-events.ts";
import { inlinePayload, payloadAttacher } from "./lease-payloads.ts";
import { SubscriberHub, Batch } from "./subscribers.ts";
import { eventStream, type InitialEvents } from "./sse-subscribers.ts";
import { writeAcceptAnswer, writeGrant } from "./grant-text-rpc.ts";
import { ALL_LINES, logPage } from "./log-page.ts";
import { describeCompletable } from "./completion-status.ts";
import { noticeOf } from "./final-notice.ts";
import { EventBackfill, type CurrentRun } from "./event-backfill.ts";
import { describeRun, type LiveProgress } from "./run-document.ts";
import { endEvent, runEvent, type RunEvent } from "./public-events.ts";
import { describeItems, itemOutputsPage, itemOf } from "./item-documents.ts";
import { WebSocketSubscribers } from "./websocket-subscribers.ts";
import { RunSession } from "./driver-session.ts";
import { RunController } from "./run-controller.ts";
import type { AcceptRequest, AcceptText, JoiningTrigger, PostponingTrigger } from "./accept-rpc.ts";
import type {
  CancelOptions,
  FinalNotice,
  ItemOutputsPage,
  RecordedInputs,
  RetryOutcome,
  RunRpc,
} from "./run-rpc.ts";
import type { AttemptReport, ReportAnswer, SettleRequest } from "./settlement-rpc.ts";
import type { ClaimRequest, FinishedStep, GrantText, Lease } from "./lease-rpc.ts";
import type {
  CompletableTask,
  CompletionAnswer,
  CompletionReport,
  CompletionTarget,
} from "./completion-rpc.ts";
import type { ItemPage, ItemQuery, LogQuery, RunDocument, TaskLogs } from "./run-documents-rpc.ts";
import { RunActions } from "./run-actions.ts";
import { Journal } from "./journal.ts";
import { EffectPerformer } from "./effect-performer.ts";
import { platformHost } from "./platform-host.ts";

/** Longest delay of a timer: 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class RunObject extends DurableObject<Env> implements RunRpc {
  readonly #journal: Journal;
  readonly #controller: RunController;
  readonly #actions: RunActions;
  readonly #hub: SubscriberHub;
  readonly #sockets: WebSocketSubscribers;
  readonly #waiters = new Set<() => void>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#journal = new Journal(ctx.storage);
    this.#hub = new SubscriberHub(
      () => this.#controller.live,
      () => ctx.storage.sync(),
    );
    this.#sockets = new WebSocketSubscribers(ctx, env, this.#hub);
    const effects = new EffectPerformer(ctx, env, () => this.#controller, this.#waiters);
    const host = platformHost(ctx, env, this.#hub, (run, effect) => effects.perform(run, effect));
    this.#controller = new RunController(this.#journal, host);
    this.#actions = new RunActions(ctx.storage, this.#controller);
  }

  async expectPayload(nonce: string): Promise<void> {
    this.#controller.expectPayload(nonce);
  }

  async expectOutput(): Promise<boolean> {
    return this.#controller.expectOutput();
  }

  async accept(request: AcceptRequest): Promise<AcceptText> {
    await this.#controller.untilDeleted();
    return writeAcceptAnswer(this.#controller.accept(request));
  }

  async acceptOrPostpone(request: PostponingTrigger): Promise<AcceptText | null> {
    await this.#controller.untilDeleted();
    const answer = this.#controller.acceptOrPostpone(request);
    return answer === null ? null : writeAcceptAnswer(answer);
  }

  async joinedBefore(trigger: JoiningTrigger): Promise<AcceptText | null> {
    await this.#controller.untilDeleted();
    const answer = this.#controller.joinedBefore(trigger);
    return answer === null ? null : writeAcceptAnswer(answer);
  }

  async claim(request: ClaimRequest): Promise<GrantText> {
    return writeGrant(this.#controller.claim(request));
  }

  async settle(request: SettleRequest): Promise<GrantText> {
    return writeGrant(this.#controller.settle(request));
  }

  async session(): Promise<RunSession> {
    return new RunSession(this);
  }

  async begin(ordinal: number, holder: string, claimant?: Claimant): Promise<Lease | null> {
    return this.#controller.begin(ordinal, holder, claimant);
  }

  async recordStep(step: FinishedStep): Promise<boolean> {
    return this.#controller.recordStep(step);
  }

  async report(reports: readonly AttemptReport[]): Promise<ReportAnswer[]> {
    return this.#controller.report(reports);
  }

  async events(after: number | null): Promise<ReadableStream<Uint8Array> | "over" | "full" | null> {
    const run = this.#controller.load();
    if (run === null) return null;
    if (after !== null && after >= this.#journal.endSeq) return "over";
    return this.#hub.isFull ? "full" : eventStream(this.#hub, this.#initialEvents(run, after));
  }

  /**
   * Upgrades to a WebSocket with the run's events; `?after=` is the position. Status 404: no such
   * run; 429: too many subscribers.
   */
  override async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const after = query.get("after");
    const run = this.#controller.load();
    if (run === null || this.#hub.isFull)
      return new Response(null, { status: run === null ? 404 : 429 });
    return this.#sockets.open(
      this.#initialEvents(run, after === null ? null : Number(after)),
      query.get("credential"),
    );
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

  /** Position of the last entry in the journal. */
  get #position(): number {
    return this.#journal.nextSeq - 1;
  }

  /**
   * Returns the events before the live events: everything after the position, or the whole run for
   * a new subscriber.
   */
  #initialEvents(run: Run, after: number | null): InitialEvents {
    const position = this.#position;
    if (after === null || after > position)
      return { first: new Batch(this.#eventsNow(run)), backfill: null };
    if (after >= this.#journal.endSeq)
      return { first: new Batch([endEvent(run, position)]), backfill: null };
    if (after < position)
      return {
        first: new Batch([]),
        backfill: new EventBackfill(this.#journal, after, this.#currentRun(run)),
      };
    return { first: new Batch([]), backfill: null };
  }

  #currentRun(run: Run): CurrentRun {
    return {
      events: () => this.#eventsNow(run),
      progressOf: (ordinal, token) => {
        const attempt = this.#controller.live.of(ordinal);
        return attempt?.token === token ? attempt.progress : null;
      },
    };
  }

  #eventsNow(run: Run): RunEvent[] {
    const position = this.#position;
    const isOver = run.finishedAt !== null;
    return [
      runEvent(run, position, this.#liveProgress, Date.now()),
      ...(isOver ? [endEvent(run, position)] : []),
    ];
  }

  async watch(by: RunId): Promise<FinalNotice | null> {
    return this.#controller.watch(by) ? this.#notice() : null;
  }

  async knowChild(child: ChildRun): Promise<boolean> {
    return this.#controller.knowChild(child);
  }

  async awaited(final: FinalNotice): Promise<void> {
    this.#controller.awaited([final]);
  }

  /** Returns the notice of the final run for waiting runs. */
  #notice(): FinalNotice | null {
    const run = this.#controller.load();
    const runId = run?.id ?? parseRunId(this.ctx.id.name ?? "");
    if (runId === null) return null;
    return run === null ? { runId, status: "gone", document: null } : noticeOf(run);
  }

  async held(seq: number, offset: number, size: number): Promise<Uint8Array> {
    this.#controller.load();
    const bytes = this.#journal.read(seq, offset, size);
    if (bytes === null) throw new Error(`the run holds no ${size} bytes at entry ${seq}`);
    return bytes;
  }

  async describe(): Promise<RunDocument | null> {
    const run = this.#controller.load();
    return run === null ? null : this.#describe(run);
  }

  async itemOutputs(ordinal: number, from: number): Promise<ItemOutputsPage | null> {
    const run = this.#controller.load();
    return run === null ? null : itemOutputsPage(run, this.#journal, ordinal, from);
  }

  async items(task: string, query: ItemQuery): Promise<ItemPage | undefined | null> {
    const run = this.#controller.load();
    return run === null ? null : describeItems(run, task, query);
  }

  async payload(
    task: string | null,
    item?: number,
    to?: string,
  ): Promise<NewPayload | undefined | null> {
    const run = this.#controller.load();
    if (run === null) return null;
    const ref = task === null ? run.payload : outputOf(entryFor(run, task, item), to);
    if (ref === undefined || ref.at === "r2") return ref;
    return inlinePayload(this.#journal, ref);
  }

  async logs(task: string, query: LogQuery = ALL_LINES): Promise<TaskLogs | undefined | null> {
    const run = this.#controller.load();
    if (run === null) return null;
    const entry = entryFor(run, task, query.item);
    if (entry === undefined) return undefined;
    return logPage(
      entry.attempts,
      this.#journal,
      query,
      this.#controller.live.of(ordinalOf(run, entry)),
    );
  }

  async cancel(
    options: CancelOptions = { children: false },
  ): Promise<{ cancelled: boolean; document: RunDocument } | null> {
    const answer = this.#actions.cancel(options);
    return answer === null
      ? null
      : { cancelled: answer.cancelled, document: this.#describe(answer.run) };
  }

  async retry(
    call?: string,
    by?: string,
  ): Promise<{ outcome: RetryOutcome; document: RunDocument } | null> {
    const answer = this.#actions.retry(call, by);
    return answer === null
      ? null
      : { outcome: answer.outcome, document: this.#describe(answer.run) };
  }

  async redrive(debt: number): Promise<boolean | null> {
    return this.#controller.load() === null ? null : this.#controller.redrive(debt);
  }

  async completable(target: CompletionTarget): Promise<CompletableTask | undefined | null> {
    const run = this.#controller.load();
    return run === null ? null : describeCompletable(run, target);
  }

  async complete(report: CompletionReport): Promise<CompletionAnswer | null> {
    return this.#controller.complete(report);
  }

  async replayInputs(
    from: string,
    outside: readonly OutsideInput[],
  ): Promise<RecordedInputs | null> {
    const run = this.#controller.load();
    if (run === null) return null;
    const attach = payloadAttacher(this.#journal);
    const { own, outside: others } = replayInputs(run, from, outside);
    return {
      own:
        own === null
          ? null
          : {
              ...own,
              inputs: own.inputs.map(({ ref, ...of }) => ({ ...of, payload: attach(ref) })),
            },
      outside: others.map(({ ref, ...of }) => ({ ...of, payload: attach(ref) })),
    };
  }

  async permitted(kind: LimitKind, holder: SlotHolder): Promise<SlotStatus> {
    return this.#controller.permitted(kind, holder);
  }

  async displaced(holder: SlotHolder): Promise<SlotStatus> {
    return this.#controller.displaced(holder);
  }

  async resumed(task: string): Promise<void> {
    this.#controller.hold({ type: "task_resumed", task });
  }

  async untilFinal(timeoutMs: number): Promise<RunDocument | null> {
    const run = this.#controller.load();
    if (run === null) return null;
    if (run.finishedAt !== null) return this.#describe(run);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(timeoutMs, LONGEST_TIMER_MS));
    this.#waiters.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiters.delete(resolve);
    return run.finishedAt === null ? null : this.#describe(run);
  }

  readonly #liveProgress: LiveProgress = (ordinal) => this.#controller.live.progressOf(ordinal);

  #describe(run: Run): RunDocument {
    return describeRun(run, this.#liveProgress, Date.now());
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#controller.alarm(info?.scheduledTime ?? null);
  }
}

/** Returns the task, or the task's item with this index. */
function entryFor(run: Run, task: string, item: number | undefined): TaskEntry | undefined {
  if (item !== undefined) return itemOf(run, task, item);
  return run.tasks.find((candidate) => candidate.task.name === task);
}

/** The payload that a task passed to all, or to one downstream task. */
function outputOf(entry: TaskEntry | undefined, to?: string): PayloadRef | undefined {
  const state = entry?.state;
  if (state?.status !== "succeeded") return undefined;
  return to === undefined ? state.passed.output : state.passed.to?.[to];
}

/** Returns the ordinal of a task or an item. */
function ordinalOf(run: Run, entry: TaskEntry): number {
  const { item } = entry;
  return item === undefined
    ? run.tasks.indexOf(entry)
    : (run.tasks[item.of]?.each?.first ?? 0) + item.index;
}
