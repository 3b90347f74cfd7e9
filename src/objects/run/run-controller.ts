/**
 * What a run object does with each call, apart from the platform: it lets the machine decide, has the decision recorded, sets
 * the alarm and gives out the effects. It decides nothing itself. Storage, clock, alarm and effects come from outside, so that
 * a test can have its own.
 *
 * Order, always: decide → append to the journal → fold into memory → alarm → effects. A crash before the append: nothing has
 * happened, the caller gets an error and calls again. A crash after it: the caller's answer was held back until the row was
 * durable (output gate), effects that were not performed are still owed by the state, and the alarm, set in the same commit,
 * performs them. A repeated effect (a second message, a second executor object) finds nothing to claim.
 */
import { slotStatusOf, type LimitGateEvent } from "../../domain/run/limit-gate.ts";
import type { RunId } from "../../domain/ids.ts";
import { applyChange } from "../../domain/run/apply-change.ts";
import type { LimitKind, SlotHolder, SlotStatus } from "../../domain/limits/limit.ts";
import { advance, isKeptForOthers, looksForMessage, nextWakeAt } from "../../domain/run/machine.ts";
import { newRun, type Run, type ChildRun } from "../../domain/run/state.ts";
import type { TransitionResult, Claimant, Effect, MachineEvent } from "../../domain/run/machine-events.ts";
import { isKnownFormat, refuseNewer } from "../../domain/version.ts";
import { completeWith } from "./completing.ts";
import { deliver } from "./lease-payloads.ts";
import { AlarmTrouble } from "./alarm-trouble.ts";
import { acceptAgain, joinAgain } from "./accept-again.ts";
import { Forgetting } from "./forgetting.ts";
import { genesisOf, placeNotices, placePayload, postponementOf, takeIn } from "./store-settlement.ts";
import { Journal } from "./read-journal.ts";
import { lastReportOf, LiveAttempts } from "./live-attempts.ts";
import { Packer } from "./journal-bytes.ts";
import { ProblemNotice } from "./problem-notice.ts";
import { ParentLink } from "./parent-link.ts";
import { acceptPast, joinPast, keptFor, rememberedOf } from "./remembered.ts";
import { ResumedTasks } from "./resumed-tasks.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import { isOverWithin } from "../../platform/patience.ts";
import { RunAlarm } from "./run-alarm.ts";
import { RunFeed } from "./catalog-reporter.ts";
import type { AcceptAnswer, AcceptRequest, JoiningTrigger, PostponingTrigger } from "./accept-rpc.ts";
import type { AttemptReport, ReportAnswer, SettleRequest } from "./settlement-rpc.ts";
import type { ClaimRequest, FinishedStep, Grant, Lease } from "./lease-rpc.ts";
import type { CompletionAnswer, CompletionReport } from "./completion-rpc.ts";
import type { FinalNotice, RetryOutcome } from "./run-rpc.ts";
import { settleWhatFits } from "./oversized.ts";
import { LISTED_MS, HELD_MS, LEFT_BEHIND_MS, TOLD_AGAIN_MS, KEPT_PAUSE_MS } from "./run-times.ts";
import type { RunSurroundings } from "./run-host.ts";
import { SignsOfLife } from "./signs-of-life.ts";
import type { RunStore } from "./journal.ts";

export class RunProtocol {
  /** What attempts that are under way have said. */
  readonly live: LiveAttempts;
  readonly #store: RunStore;
  readonly #journal: Journal;
  readonly #around: RunSurroundings;
  readonly #feed: RunFeed;
  /** The journal, folded. Undefined until it is read. */
  #run: Run | null | undefined;
  readonly #alarm: AlarmClock;
  readonly #alarmOfRun: RunAlarm;
  readonly #trouble: AlarmTrouble;
  readonly #resumed: ResumedTasks;
  readonly #signs: SignsOfLife;
  readonly #parent: ParentLink;
  readonly #problem: ProblemNotice;
  /** What is done about a run that is final, or was never recorded; null: nothing just now. */
  #ending: Promise<void> | null = null;
  readonly #forgetting: Forgetting;

  constructor(store: RunStore, around: RunSurroundings) {
    this.#store = store;
    this.#journal = new Journal(store, around);
    this.#around = around;
    this.#alarm = new AlarmClock(
      () => around.now(),
      (at) => around.setAlarm(at),
    );
    this.#signs = new SignsOfLife(() => around.now());
    this.#parent = new ParentLink(around, (run) => void this.#advance(run, { type: "parent_knows" }));
    this.#alarmOfRun = new RunAlarm(this.#alarm, around, this.#signs, this.#parent);
    this.#trouble = new AlarmTrouble(around.trouble, (run, ended) => this.#commit(run, ended));
    this.#forgetting = new Forgetting(store, around, {
      hasRun: () => this.load() !== null,
      lost: (isSure) => void (this.#run = isSure ? null : undefined),
      alarm: this.#alarm,
    });
    this.#resumed = new ResumedTasks(() => around.now());
    this.#feed = new RunFeed(around.tellCatalog, (error) => around.notTold(error), around.after);
    this.#problem = new ProblemNotice(store, around);
    this.live = new LiveAttempts((run, news) => around.heard(run, news));
  }

  /** The run, or null if none was accepted (or it was deleted). */
  load(): Run | null {
    if (this.#run === undefined) {
      this.#run = this.#journal.read();
      const run = this.#run;
      if (run !== null) this.#signs.begins(run);
      // An alarm that is handled is set again by its handler, or given up.
      if (this.#alarm.isFiring) return run;
      if (run !== null) this.#around.waitUntil(this.#alarmOfRun.recover(run, () => this.#run === run));
      else if (this.#store.remembered !== null) this.#around.waitUntil(this.#forgetting.recover());
    }
    return this.#run;
  }

  /**
   * Before anything is put into R2 under this id, so that it is found again when whoever put it dies: by the end of the retention,
   * which looks into R2 only then, or, if no run is recorded, by an alarm. All that such an id has is the alarm and the note.
   */
  expectPayload(nonce: string): void {
    this.#forgetting.announce(nonce, this.load() === null);
  }

  /** Before an accept: it must not find a run that is being deleted. Rejects if that has failed half way; the accept is to be made again. */
  untilForgotten(): Promise<void> {
    return this.#forgetting.untilOver();
  }

  /** The same for what an attempt passes; false: its run is no more, or is just being deleted. */
  expectOutput(): boolean {
    if (this.load() === null || this.#forgetting.isUnderWay) return false;
    this.#store.expectObjects();
    return true;
  }

  accept(request: AcceptRequest): AcceptAnswer {
    refuseNewer(request, `a trigger of ${request.runId}`);
    const known = this.load();
    if (known !== null) {
      if (known.nonce !== request.nonce) {
        this.#store.answered(request.nonce);
        this.#found(known, request);
      }
      return acceptAgain(known, this.#store, request);
    }
    const past = acceptPast(this.#store, request);
    if (past !== null) {
      this.#store.answered(request.nonce);
      return past;
    }
    this.#forgetting.refuseGone(request);
    const [now, data] = [this.#around.now(), new Packer(this.#store.nextSeq)];
    const genesis = genesisOf(request, data, now);
    const run = newRun(genesis);
    const decided = advance(
      run,
      { type: "accepted", claim: request.claim ?? null, delayMs: request.delayMs ?? 0 },
      now,
      this.#around.queueProgress(),
    );
    const first = decided.change ?? { tasks: [] };
    this.#store.create(genesis, data, first, now);
    applyChange(run, first);
    this.#run = run;
    this.#alarmOfRun.setForAccepted(run);
    this.#perform(run, decided.effects);
    this.#tell(run);
    return { status: run.status, outcome: "recorded", grant: this.#grant(run, decided) };
  }

  acceptOrPostpone(request: PostponingTrigger): AcceptAnswer | null {
    refuseNewer(request, `a trigger of ${request.runId}`);
    const run = this.load();
    if (run === null) {
      const mayBegin = this.#store.remembered === null && request.mustBeThere !== true;
      return mayBegin ? this.accept(request) : joinPast(this.#store, request);
    }
    if (run.nonce === request.nonce) return acceptAgain(run, this.#store, request);
    this.#store.answered(request.nonce);
    const before = this.joinedBefore(request);
    if (before !== null) return before;
    const data = new Packer(this.#store.nextSeq);
    const { change } = this.#advance(run, postponementOf(request, data), data);
    return change === null ? null : { status: run.status, outcome: "joined", grant: { leases: [] } };
  }

  joinedBefore(trigger: JoiningTrigger): AcceptAnswer | null {
    const run = this.load();
    if (run === null) return joinPast(this.#store, trigger);
    const answer = joinAgain(run, trigger);
    if (answer?.outcome === "deduplicated") this.#found(run, trigger);
    return answer;
  }

  /** A run whose task has triggered this one again may be retried, too. */
  #found(run: Run, { origin }: Pick<JoiningTrigger, "origin">): void {
    const parent = origin?.parent ?? null;
    if (parent !== null) this.#advance(run, { type: "found", by: parent.runId });
  }

  claim(claim: ClaimRequest): Grant {
    if (claim.sentAt !== undefined) this.#around.messageReceived(claim.sentAt);
    const run = this.load();
    if (run === null) return { leases: [] };
    this.#signs.driver(claim.call);
    return this.#grant(run, this.#advance(run, { type: "claimed", claim: this.#resumed.believed(claim) }));
  }

  settle({ settlements, claim, v = 1 }: SettleRequest): Grant {
    const run = this.load();
    if (run === null) return { leases: [] };
    // What an attempt had not reported yet is heard before its end is.
    if (this.#around.isListenedTo()) this.report(settlements.map(lastReportOf));
    this.#signs.driver(claim?.call);
    const asks = claim === null ? null : this.#resumed.believed(claim);
    const settled = settleWhatFits(settlements, asks, (some, claim) => {
      const data = new Packer(this.#store.nextSeq);
      const attempts = some.map((settlement) => takeIn(settlement, data, isKnownFormat(v)));
      return this.#advance(run, { type: "settled", attempts, claim }, data);
    });
    return this.#grant(run, settled);
  }

  begin(ordinal: number, holder: string, claimant: Claimant = {}): Lease | null {
    const run = this.load();
    if (run === null) return null;
    const known = this.#resumed.believed(claimant);
    const [lease] = this.#grant(run, this.#advance(run, { type: "begun", ordinal, holder, ...known })).leases;
    return lease ?? null;
  }

  /** Whether the attempt still holds its lease, so that its step is kept. */
  recordStep({ name, result: newPayload, ...lease }: FinishedStep): boolean {
    const run = this.load();
    if (run === null) return false;
    this.#signs.attempt(lease.token);
    const data = new Packer(this.#store.nextSeq);
    const result = placePayload(newPayload, data);
    const { change, rejections } = this.#advance(run, { type: "stepped", lease, name, result }, data);
    return change !== null || rejections.includes("step_recorded");
  }

  /** What attempts that are under way have to say, and what they are to be told. */
  report(reports: readonly AttemptReport[]): ReportAnswer[] {
    const run = this.load();
    if (run === null) return reports.map(() => ({ lines: 0, over: "superseded" }));
    for (const { token } of reports) this.#signs.attempt(token);
    return reports.map((report) => this.live.take(run, report));
  }

  /** Whether this run is final, or no more; else the run `by` will be told. */
  watch(by: RunId): boolean {
    const run = this.load();
    if (run === null) return true;
    return this.#advance(run, { type: "watched", by }).rejections.includes("run_final");
  }

  /** Whether this run is there, and has that one among its children from now on. */
  knowChild(child: ChildRun): boolean {
    const run = this.load();
    if (run === null || this.#forgetting.isUnderWay) return false;
    this.#advance(run, { type: "triggered", child });
    return true;
  }

  /** Runs that a task of this one may await are final, or no more. */
  awaited(finals: readonly FinalNotice[]): void {
    const run = this.load();
    if (run === null || finals.length === 0) return;
    const data = new Packer(this.#store.nextSeq);
    this.#advance(run, { type: "awaited", runs: placeNotices(finals, data) }, data);
  }

  /** These runs know of the ending that this one had at that revision. */
  told(watchers: readonly RunId[], revision: number): void {
    const run = this.load();
    if (run !== null) this.#advance(run, { type: "told", watchers, revision });
  }

  /** Takes a report of an external attempt; sent again, it has counted already. */
  complete(report: CompletionReport): CompletionAnswer | null {
    const run = this.load();
    if (run === null) return null;
    const data = new Packer(this.#store.nextSeq);
    return completeWith(run, report, data, (completion) => this.#advance(run, { type: "completed", completion }, data));
  }

  /** This debt was paid; `next`: of runs to be cancelled, those before this number. */
  paid(id: number, next: number | null): void {
    const run = this.load();
    if (run !== null) this.#advance(run, { type: "paid", id, next });
  }

  /** This debt is a dead letter now. */
  parked(id: number): void {
    const run = this.load();
    if (run !== null) this.#advance(run, { type: "parked", id });
  }

  /** Whether this call has a parked debt paid after all. */
  redrive(id: number): boolean {
    const run = this.load();
    return run !== null && this.#advance(run, { type: "redriven", id }).change !== null;
  }

  /** Whether this call cancelled the run (with `children`: or anything of what it has triggered), with the run as it is now; null if there is none. */
  cancel(children = false): { readonly cancelled: boolean; readonly run: Run } | null {
    const run = this.load();
    if (run === null) return null;
    const { change } = this.#advance(run, { type: "cancelled", children });
    return { cancelled: change !== null, run };
  }

  /** Whether this call has the run go on, with the run as it is now; null if there is none, or its retention is over. */
  retry(): { readonly outcome: RetryOutcome; readonly run: Run } | null {
    const run = this.load();
    if (run === null || this.#forgetting.isUnderWay || this.#isRetentionOver(run)) return null;
    const { change, rejections } = this.#advance(run, { type: "retried" });
    if (change !== null) return { outcome: "retried", run };
    return { outcome: rejections.includes("nothing_to_retry") ? "nothing_to_retry" : "run_not_final", run };
  }

  /** What a limit says of an attempt; the run as it is then, null if there is none. */
  hold(event: LimitGateEvent): Run | null {
    const run = this.load();
    if (event.type === "resumed") this.#resumed.note(event.task);
    if (run !== null) this.#advance(run, event);
    return run;
  }

  permitted(kind: LimitKind, holder: SlotHolder): SlotStatus {
    const run = this.hold({ type: "permitted", kind, ordinal: holder.ordinal, attempt: holder.attempt });
    return slotStatusOf(run, kind, holder, this.#around.now());
  }

  displaced(holder: SlotHolder): SlotStatus {
    const run = this.hold({ type: "displaced", ordinal: holder.ordinal, attempt: holder.attempt });
    return slotStatusOf(run, "concurrency", holder, this.#around.now());
  }

  /**
   * Never rejects: the platform gives an alarm up after six failures, and with it the run. `firing`: what the alarm was set to,
   * as far as the platform tells.
   */
  async alarm(firing: number | null): Promise<void> {
    this.#alarm.fires(firing);
    try {
      const run = this.load();
      const failure = run === null ? null : await this.#wake(run);
      const work = this.#workAfter(run);
      if (!(await isOverWithin(HELD_MS, work, this.#around.after))) this.#leaveBehind(work);
      else if (failure === null) this.#trouble.isOver();
      if (failure !== null) throw failure.error;
    } catch (error) {
      this.#alarmHasFailed(error);
    } finally {
      this.#alarm.handled();
    }
  }

  /** Time has passed. A run that is final is listed and deleted also if it fails to tell others: then this is why. */
  async #wake(run: Run): Promise<{ readonly error: unknown } | null> {
    try {
      const queue = looksForMessage(run, this.#around.now()) ? await this.#around.askQueue() : null;
      const silent = this.#signs.silent(run);
      this.#advance(run, { type: "woken", silent }, new Packer(this.#store.nextSeq), queue);
      return null;
    } catch (error) {
      if (run.finishedAt === null) throw error;
      return { error };
    }
  }

  /** What the alarm has to do elsewhere, one at a time: the catalog, R2 or the parent run may be slow to answer, or silent. */
  #workAfter(run: Run | null): Promise<void> {
    if (run !== null && run.finishedAt === null) return this.#goOn(run);
    return (this.#ending ??= (run === null ? this.#forgetting.abandon() : this.#end(run)).finally(() => {
      this.#ending = null;
    }));
  }

  /** Goes on with it beside whatever else there is to do; should this object die, or it take long, another alarm looks after it. */
  #leaveBehind(work: Promise<void>): void {
    this.#around.waitUntil(work.catch((error: unknown) => this.#alarmHasFailed(error)));
    const now = this.#around.now();
    const due = this.#run ? nextWakeAt(this.#run) : Number.POSITIVE_INFINITY;
    const again = now + LEFT_BEHIND_MS;
    this.#alarm.atLatest(due > now ? Math.min(due, again) : again);
  }

  #alarmHasFailed(error: unknown): void {
    const { isNewer } = this.#journal;
    const now = this.#around.now();
    const outcome = this.#trouble.failed(isNewer ? null : this.#run, error, now);
    this.#around.alarmFailed(this.#trouble.strikes, error);
    if (this.#run === undefined) this.#around.waitUntil(this.#problem.tell(error));
    const again = (): void => this.#alarm.set(now + (isNewer ? this.#journal.pauseMs() : this.#trouble.pauseMs(now)));
    if (outcome !== "given_up" || isNewer) return again();
    this.#around.waitUntil(this.#trouble.giveUp(this.#run, error, again));
  }

  /** Never behind the catalog: the run's next time is set before it is told. */
  async #goOn(run: Run): Promise<void> {
    this.#alarmOfRun.setFor(run);
    const telling = this.#parent.tell(run);
    try {
      await this.#feed.confirm(run);
    } catch (error) {
      this.#around.notTold(error);
      this.#alarm.atLatest(this.#around.now() + LISTED_MS.pause);
    }
    await telling;
  }

  /** Listed first, then kept, then deleted: a run that the catalog knows to be final is deleted there as well. */
  async #end(run: Run): Promise<void> {
    const telling = this.#isRetentionOver(run) ? null : this.#parent.tell(run);
    if (!this.#isRetentionOver(run) || run.graph.retentionMs < LISTED_MS.short) await this.#feed.confirm(run);
    await telling;
    // It may have been retried meanwhile.
    if (run.finishedAt === null) return;
    if (this.#isRetentionOver(run)) await this.#endRetention(run);
    else this.#alarmOfRun.setFor(run);
  }

  #advance(
    run: Run,
    event: MachineEvent,
    data = new Packer(this.#store.nextSeq),
    queue = this.#around.queueProgress(),
  ): TransitionResult {
    const decided = advance(run, event, this.#around.now(), queue);
    this.#commit(run, decided, data);
    return decided;
  }

  #commit(run: Run, decided: TransitionResult, data = new Packer(this.#store.nextSeq)): void {
    const now = this.#around.now();
    const { change } = decided;
    if (change !== null) {
      this.#store.append(run, change, data, now);
      applyChange(run, change);
      this.live.prune(run, change);
      this.#around.changed(run, change, this.#store.nextSeq - 1);
      this.#alarmOfRun.setAfter(run, decided);
    }
    this.#perform(run, decided.effects);
    if (change?.run !== undefined) this.#tell(run);
    if (change !== null) this.#keepShort(run, now);
  }

  /** What was decided stands, and its effects are under way: that the journal stays long is no failure of the call. */
  #keepShort(run: Run, now: number): void {
    try {
      this.#store.keepShort(run, now);
    } catch (error) {
      this.#around.notShortened(error);
    }
  }

  #grant(run: Run, decided: TransitionResult): Grant {
    return { leases: deliver(run, this.#store, decided.leases) };
  }

  #tell(run: Run): void {
    this.#around.waitUntil(this.#noteListed(run, this.#alarm.at > this.#around.now() + TOLD_AGAIN_MS));
  }

  /** A run that is final and listed, and whose parent knows it, has nothing due but what its state says: its alarm need not look first. */
  async #noteListed(run: Run, keep: boolean): Promise<void> {
    const isDone = (): boolean => this.#run === run && run.finishedAt !== null && this.#feed.isKept(run);
    await this.#feed.note(run, keep);
    if (isDone()) await this.#parent.tell(run);
    if (isDone()) this.#alarmOfRun.setFor(run);
  }

  #perform(run: Run, effects: readonly Effect[]): void {
    for (const effect of effects) this.#around.perform(run, effect);
  }

  /**
   * A child run outlives its retention while a parent goes on; it looks again after as long, from a minute to a day. While a parent
   * may be retried, it is remembered.
   */
  async #endRetention(run: Run): Promise<void> {
    const past = rememberedOf(run);
    const kept = await keptFor(past, this.#around.now(), (parents) => this.#around.standingsOf(parents));
    // The clock may have been set back meanwhile, and the run retried.
    if (run.finishedAt === null) return;
    if (kept !== "open") return this.#forgetting.forget(run, kept);
    const pauseMs = Math.min(KEPT_PAUSE_MS.most, Math.max(KEPT_PAUSE_MS.least, run.graph.retentionMs));
    const keptUntil = this.#around.now() + pauseMs;
    await this.#feed.extend(run, keptUntil);
    this.#alarm.set(keptUntil);
  }

  #isRetentionOver(run: Run): boolean {
    return run.finishedAt !== null && !isKeptForOthers(run) && this.#around.now() >= nextWakeAt(run);
  }
}
