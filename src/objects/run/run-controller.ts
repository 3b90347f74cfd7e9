/**
 * Handles the calls of a run object, apart from the platform: turns each call into an event of the
 * machine, and the transition into an answer. Storage, clock, alarm and effects come from outside,
 * so that a test can bring its own. Transitions are in `run-transitions.ts`, the alarm in
 * `alarm-handler.ts`, and the end of a run in `run-retention.ts`.
 *
 * The class has about 320 lines: one short method for each call of `run-rpc.ts`, all of which share
 * the run in memory.
 */
import { slotStatusOf, type LimitGateEvent } from "../../domain/run/limit-gate.ts";
import type { RunId } from "../../domain/ids.ts";
import type { LimitKind, SlotHolder, SlotStatus } from "../../domain/limits/limit.ts";
import { advance } from "../../domain/run/machine.ts";
import { newRun, type Run, type ChildRun } from "../../domain/run/state.ts";
import type { Claimant } from "../../domain/run/machine-events.ts";
import { isKnownFormat, refuseNewer } from "../../domain/version.ts";
import { applyCompletion } from "./apply-completion.ts";
import { acceptAgain, joinAgain } from "./accept-again.ts";
import { RunDeletion } from "./run-deletion.ts";
import {
  genesisOf,
  placeNotices,
  placePayload,
  postponementOf,
  storeSettlement,
} from "./store-settlement.ts";
import { lastReportOf, type LiveAttempts } from "./live-attempts.ts";
import { JournalBytes } from "./journal-bytes.ts";
import { acceptAfterDeletion, joinAfterDeletion } from "./tombstone.ts";
import { ResumedTasks } from "./resumed-tasks.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import type {
  AcceptAnswer,
  AcceptRequest,
  JoiningTrigger,
  PostponingTrigger,
} from "./accept-rpc.ts";
import type { AttemptReport, ReportAnswer, SettleRequest } from "./settlement-rpc.ts";
import type { ClaimRequest, FinishedStep, Grant, Lease } from "./lease-rpc.ts";
import type { CompletionAnswer, CompletionReport } from "./completion-rpc.ts";
import type { FinalNotice, RetryOutcome } from "./run-rpc.ts";
import { settleWhatFits } from "./oversized.ts";
import type { RunHost } from "./run-host.ts";
import type { Journal } from "./journal.ts";
import { AlarmHandler } from "./alarm-handler.ts";
import { RunRetention } from "./run-retention.ts";
import { RunTransitions } from "./run-transitions.ts";

export class RunController {
  readonly #journal: Journal;
  readonly #host: RunHost;
  readonly #transitions: RunTransitions;
  readonly #alarm: AlarmHandler;
  readonly #resumed: ResumedTasks;
  readonly #deletion: RunDeletion;
  readonly #retention: RunRetention;

  constructor(journal: Journal, host: RunHost) {
    this.#journal = journal;
    this.#host = host;
    const clock = new AlarmClock(host);
    this.#transitions = new RunTransitions(journal, host, clock, () => this.#deletion.recover());
    this.#deletion = new RunDeletion(journal, host, {
      hasRun: () => this.load() !== null,
      dropRun: (isSure) => this.#transitions.drop(isSure),
      alarm: clock,
    });
    this.#retention = new RunRetention(host, clock, this.#transitions.catalog, this.#deletion);
    this.#alarm = new AlarmHandler(
      journal,
      host,
      clock,
      this.#transitions,
      this.#deletion,
      this.#retention,
    );
    this.#resumed = new ResumedTasks(() => host.now());
  }

  /** Reports of running attempts. */
  get live(): LiveAttempts {
    return this.#transitions.live;
  }

  /** Returns the run; null if no run was accepted, or the run was deleted. */
  load(): Run | null {
    return this.#transitions.load();
  }

  /**
   * Announces that an accept will put payloads into R2, so that objects of a dead caller are found:
   * at the end of retention, which otherwise does not list R2, or, without a run, by an alarm. An
   * id without a run stores only the alarm and the announcement.
   */
  expectPayload(nonce: string): void {
    this.#deletion.announce(nonce, this.load() === null);
  }

  /**
   * Waits for a deletion under way, before an accept. Rejects if the deletion failed half way: the
   * caller repeats the accept.
   */
  untilDeleted(): Promise<void> {
    return this.#deletion.untilOver();
  }

  /**
   * Announces that an attempt will put its output into R2; false: the run is gone, or is being
   * deleted.
   */
  expectOutput(): boolean {
    if (this.load() === null || this.#deletion.isUnderWay) return false;
    this.#journal.announcements.expectObjects();
    return true;
  }

  accept(request: AcceptRequest): AcceptAnswer {
    refuseNewer(request, `a trigger of ${request.runId}`);
    const known = this.load();
    if (known !== null) {
      if (known.nonce !== request.nonce) {
        this.#journal.announcements.remove(request.nonce);
        this.#found(known, request);
      }
      return acceptAgain(known, this.#journal, request);
    }
    const past = acceptAfterDeletion(this.#journal, request);
    if (past !== null) {
      this.#journal.announcements.remove(request.nonce);
      return past;
    }
    this.#deletion.refuseGone(request);
    const [now, data] = [this.#host.now(), new JournalBytes(this.#journal.nextSeq)];
    const genesis = genesisOf(request, data, now);
    const run = newRun(genesis);
    const decided = advance(
      run,
      { type: "accepted", claim: request.claim ?? null, delayMs: request.delayMs ?? 0 },
      now,
      this.#host.queueProgress(),
    );
    this.#transitions.create(run, genesis, data, decided, now);
    return {
      status: run.status,
      outcome: "recorded",
      grant: this.#transitions.grant(run, decided),
    };
  }

  acceptOrPostpone(request: PostponingTrigger): AcceptAnswer | null {
    refuseNewer(request, `a trigger of ${request.runId}`);
    const run = this.load();
    if (run === null) {
      const mayBegin = this.#journal.tombstone.value === null && request.mustBeThere !== true;
      return mayBegin ? this.accept(request) : joinAfterDeletion(this.#journal, request);
    }
    if (run.nonce === request.nonce) return acceptAgain(run, this.#journal, request);
    this.#journal.announcements.remove(request.nonce);
    const before = this.joinedBefore(request);
    if (before !== null) return before;
    const data = new JournalBytes(this.#journal.nextSeq);
    const { change } = this.#transitions.advance(run, postponementOf(request, data), data);
    return change === null
      ? null
      : { status: run.status, outcome: "joined", grant: { leases: [] } };
  }

  joinedBefore(trigger: JoiningTrigger): AcceptAnswer | null {
    const run = this.load();
    if (run === null) return joinAfterDeletion(this.#journal, trigger);
    const answer = joinAgain(run, trigger);
    if (answer?.outcome === "deduplicated") this.#found(run, trigger);
    return answer;
  }

  /**
   * Records the parent of a repeated trigger: the parent may be retried, too, and must find this
   * run.
   */
  #found(run: Run, { origin }: Pick<JoiningTrigger, "origin">): void {
    const parent = origin?.parent ?? null;
    if (parent !== null) this.#transitions.advance(run, { type: "found", by: parent.runId });
  }

  claim(claim: ClaimRequest): Grant {
    if (claim.sentAt !== undefined) this.#host.messageReceived(claim.sentAt);
    const run = this.load();
    if (run === null) return { leases: [] };
    this.#transitions.signs.driver(claim.call);
    return this.#transitions.grant(
      run,
      this.#transitions.advance(run, { type: "claimed", claim: this.#resumed.believed(claim) }),
    );
  }

  settle({ settlements, claim, v = 1 }: SettleRequest): Grant {
    const run = this.load();
    if (run === null) return { leases: [] };
    // Publishes the unreported rest of an attempt before its end.
    if (this.#host.hasSubscribers()) this.report(settlements.map(lastReportOf));
    this.#transitions.signs.driver(claim?.call);
    const asks = claim === null ? null : this.#resumed.believed(claim);
    const settled = settleWhatFits(settlements, asks, (some, claim) => {
      const data = new JournalBytes(this.#journal.nextSeq);
      const attempts = some.map((settlement) =>
        storeSettlement(settlement, data, isKnownFormat(v)),
      );
      return this.#transitions.advance(run, { type: "settled", attempts, claim }, data);
    });
    return this.#transitions.grant(run, settled);
  }

  begin(ordinal: number, holder: string, claimant: Claimant = {}): Lease | null {
    const run = this.load();
    if (run === null) return null;
    const known = this.#resumed.believed(claimant);
    const [lease] = this.#transitions.grant(
      run,
      this.#transitions.advance(run, { type: "begun", ordinal, holder, ...known }),
    ).leases;
    return lease ?? null;
  }

  /** Records a step. Returns whether the attempt still holds its lease. */
  recordStep({ name, result: newPayload, ...lease }: FinishedStep): boolean {
    const run = this.load();
    if (run === null) return false;
    this.#transitions.signs.attempt(lease.token);
    const data = new JournalBytes(this.#journal.nextSeq);
    const result = placePayload(newPayload, data);
    const { change, rejections } = this.#transitions.advance(
      run,
      { type: "stepped", lease, name, result },
      data,
    );
    return change !== null || rejections.includes("step_recorded");
  }

  /** Records reports of running attempts and returns an answer for each. */
  report(reports: readonly AttemptReport[]): ReportAnswer[] {
    const run = this.load();
    if (run === null) return reports.map(() => ({ lines: 0, over: "superseded" }));
    for (const { token } of reports) this.#transitions.signs.attempt(token);
    return reports.map((report) => this.live.take(run, report));
  }

  /** Subscribes the run `by` to the end of this run. Returns true if this run is final or gone. */
  watch(by: RunId): boolean {
    const run = this.load();
    if (run === null) return true;
    return this.#transitions
      .advance(run, { type: "subscribed", by })
      .rejections.includes("run_final");
  }

  /** Adds a child. Returns false if this run is gone or is being deleted. */
  knowChild(child: ChildRun): boolean {
    const run = this.load();
    if (run === null || this.#deletion.isUnderWay) return false;
    this.#transitions.advance(run, { type: "triggered", child });
    return true;
  }

  /** Records notices of runs that a task of this run may await. */
  awaited(finals: readonly FinalNotice[]): void {
    const run = this.load();
    if (run === null || finals.length === 0) return;
    const data = new JournalBytes(this.#journal.nextSeq);
    this.#transitions.advance(run, { type: "awaited", runs: placeNotices(finals, data) }, data);
  }

  /** Records that the runs know this run's end at that revision. */
  told(watchers: readonly RunId[], revision: number): void {
    const run = this.load();
    if (run !== null)
      this.#transitions.advance(run, { type: "waiters_acknowledged", waiters: watchers, revision });
  }

  /** Records a completion report of an external attempt. A repeated report counts once. */
  complete(report: CompletionReport): CompletionAnswer | null {
    const run = this.load();
    if (run === null) return null;
    const data = new JournalBytes(this.#journal.nextSeq);
    return applyCompletion(run, report, data, (completion) =>
      this.#transitions.advance(run, { type: "completed", completion }, data),
    );
  }

  /**
   * Acknowledges an outbox entry; `next`: when cancelling children, the number of the first child
   * not yet cancelled.
   */
  paid(id: number, next: number | null): void {
    const run = this.load();
    if (run !== null) this.#transitions.advance(run, { type: "entry_acknowledged", id, next });
  }

  /** Records that the outbox entry is a dead letter now. */
  parked(id: number): void {
    const run = this.load();
    if (run !== null) this.#transitions.advance(run, { type: "entry_parked", id });
  }

  /** Redrives a parked outbox entry. Returns whether this call changed anything. */
  redrive(id: number): boolean {
    const run = this.load();
    return (
      run !== null && this.#transitions.advance(run, { type: "entry_redriven", id }).change !== null
    );
  }

  /**
   * Cancels the run, with `children` also all runs triggered by the run. Returns whether this call
   * changed anything, and the current run; null if no run exists. `actor`: who, for the history.
   */
  cancel(
    children = false,
    actor?: string,
  ): { readonly cancelled: boolean; readonly run: Run } | null {
    const run = this.load();
    if (run === null) return null;
    const event = { type: "cancelled", children, ...(actor !== undefined && { actor }) } as const;
    const { change } = this.#transitions.advance(run, event);
    return { cancelled: change !== null, run };
  }

  /**
   * Retries the final run in place. Returns the outcome and the current run; null if no run exists,
   * or the retention is over.
   */
  retry(actor?: string): { readonly outcome: RetryOutcome; readonly run: Run } | null {
    const run = this.load();
    if (run === null || this.#deletion.isUnderWay || this.#retention.isOver(run)) return null;
    const { change, rejections } = this.#transitions.advance(run, {
      type: "retried",
      ...(actor !== undefined && { actor }),
    });
    if (change !== null) return { outcome: "retried", run };
    return {
      outcome: rejections.includes("nothing_to_retry") ? "nothing_to_retry" : "run_not_final",
      run,
    };
  }

  /** Records an event of a limit and returns the current run, null if no run exists. */
  hold(event: LimitGateEvent): Run | null {
    const run = this.load();
    if (event.type === "task_resumed") this.#resumed.note(event.task);
    if (run !== null) this.#transitions.advance(run, event);
    return run;
  }

  permitted(kind: LimitKind, holder: SlotHolder): SlotStatus {
    const run = this.hold({
      type: "slot_granted",
      kind,
      ordinal: holder.ordinal,
      attempt: holder.attempt,
    });
    return slotStatusOf(run, kind, holder, this.#host.now());
  }

  displaced(holder: SlotHolder): SlotStatus {
    const run = this.hold({ type: "preempted", ordinal: holder.ordinal, attempt: holder.attempt });
    return slotStatusOf(run, "concurrency", holder, this.#host.now());
  }

  /**
   * Handles the alarm. Never rejects. `firing`: the time that the alarm was set to, if the platform
   * tells.
   */
  alarm(firing: number | null): Promise<void> {
    return this.#alarm.handle(firing);
  }
}
