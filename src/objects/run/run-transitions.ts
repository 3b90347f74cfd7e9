/**
 * The run in memory, and its transitions: has the machine decide, records the change, sets the
 * alarm and issues the effects. Decides nothing itself.
 *
 * The order is always: decide → append to the journal → apply to memory → alarm → effects. A crash
 * before the append: nothing has happened, and the caller gets an error and calls again. A crash
 * after the append: the output gate held the answer back until the row was durable. Effects that
 * were not performed are still required by the state, and the alarm, set in the same commit,
 * performs them. A repeated effect (a second message, a second executor object) finds nothing to
 * claim.
 */
import { applyChange } from "../../domain/run/apply-change.ts";
import { advance } from "../../domain/run/machine.ts";
import { isWaitingAlone } from "../../domain/run/waiting.ts";
import { entryOf, type Run, type RunGenesis } from "../../domain/run/state.ts";
import type { TransitionResult, Effect, MachineEvent } from "../../domain/run/machine-events.ts";
import { buildLeases } from "./lease-payloads.ts";
import { JournalReader } from "./journal-reader.ts";
import { LiveAttempts } from "./live-attempts.ts";
import { JournalBytes } from "./journal-bytes.ts";
import { ParentLink } from "./parent-link.ts";
import type { AlarmClock } from "../../platform/alarm-clock.ts";
import { RunAlarm } from "./run-alarm.ts";
import { CatalogReporter } from "./catalog-reporter.ts";
import type { Grant } from "./lease-rpc.ts";
import { TOLD_AGAIN_MS, WAIT_TOLD_MS } from "./run-times.ts";
import type { RunHost } from "./run-host.ts";
import { SignsOfLife } from "./signs-of-life.ts";
import type { Journal } from "./journal.ts";

export class RunTransitions {
  /** Reports of running attempts. */
  readonly live: LiveAttempts;
  readonly reader: JournalReader;
  /** Signs of life of attempts granted in earlier lives of the object. */
  readonly signs: SignsOfLife;
  readonly parent: ParentLink;
  readonly alarm: RunAlarm;
  readonly catalog: CatalogReporter;
  readonly #journal: Journal;
  readonly #host: RunHost;
  readonly #clock: AlarmClock;
  readonly #recoverTombstone: () => Promise<void>;
  /** The run as in the journal. Undefined until read. */
  #run: Run | null | undefined;

  /** `recoverTombstone` restores the alarm of a tombstone. */
  constructor(
    journal: Journal,
    host: RunHost,
    clock: AlarmClock,
    recoverTombstone: () => Promise<void>,
  ) {
    this.#journal = journal;
    this.#host = host;
    this.#clock = clock;
    this.#recoverTombstone = recoverTombstone;
    this.reader = new JournalReader(journal, host);
    this.signs = new SignsOfLife(() => host.now());
    this.parent = new ParentLink(host, (run) => void this.advance(run, { type: "parent_knows" }));
    this.alarm = new RunAlarm(clock, host, this.signs, this.parent);
    this.catalog = new CatalogReporter(
      (summary, keep) => host.reportToCatalog({ ...summary, toldAt: host.now() }, keep),
      (error) => host.reportFailed(error),
      host.after,
    );
    this.live = new LiveAttempts((run, update) => host.attemptUpdated(run, update));
  }

  /** The run as far as known without reading the journal; undefined: not read. */
  get known(): Run | null | undefined {
    return this.#run;
  }

  /** Drops the run from memory. `isSure`: the run is gone; otherwise the journal decides. */
  drop(isSure: boolean): void {
    this.#run = isSure ? null : undefined;
  }

  /** Returns the run; null if no run was accepted, or the run was deleted. */
  load(): Run | null {
    if (this.#run === undefined) {
      this.#run = this.reader.read();
      const run = this.#run;
      if (run !== null) this.signs.begins(run);
      // The alarm's handler sets the next alarm, or gives the run up.
      if (this.#clock.isFiring) return run;
      if (run !== null) this.#host.waitUntil(this.alarm.recover(run, () => this.#run === run));
      else if (this.#journal.tombstone.value !== null)
        this.#host.waitUntil(this.#recoverTombstone());
    }
    return this.#run;
  }

  /** Records an accepted run with its first change, and performs the effects. */
  create(
    run: Run,
    genesis: RunGenesis,
    data: JournalBytes,
    decided: TransitionResult,
    now: number,
  ): void {
    const first = decided.change ?? { tasks: [] };
    this.#journal.create(genesis, data, first, now);
    applyChange(run, first);
    this.#run = run;
    this.alarm.setForAccepted(run);
    this.#perform(run, decided.effects);
    this.#report(run);
  }

  /** Has the machine decide on the event, and commits the transition. */
  advance(
    run: Run,
    event: MachineEvent,
    data = new JournalBytes(this.#journal.nextSeq),
    queue = this.#host.queueProgress(),
  ): TransitionResult {
    const decided = advance(run, event, this.#host.now(), queue);
    this.commit(run, decided, data);
    return decided;
  }

  /**
   * Records a transition, applies its change and performs its effects. Throws if recording fails.
   */
  commit(
    run: Run,
    decided: TransitionResult,
    data = new JournalBytes(this.#journal.nextSeq),
  ): void {
    const now = this.#host.now();
    const { change } = decided;
    const ordinals = change?.tasks.map(({ ordinal }) => ordinal) ?? [];
    const isAnyWaiting = (): boolean =>
      ordinals.some((ordinal) => isWaitingAlone(entryOf(run, ordinal)));
    const waited = isAnyWaiting();
    if (change !== null) {
      this.#journal.append(run, change, data, now);
      applyChange(run, change);
      this.live.prune(run, change);
      this.#host.changed(run, change, this.#journal.nextSeq - 1);
      this.alarm.setAfter(run, decided);
    }
    this.#perform(run, decided.effects);
    const mayTell = isAnyWaiting() !== waited && this.#clock.at > now + WAIT_TOLD_MS;
    if (change?.run !== undefined || (mayTell && !this.catalog.knowsWaits(run))) this.#report(run);
    if (change !== null) this.#keepShort(run, now);
  }

  /**
   * Writes a snapshot if due. A failure is no failure of the call: the change is recorded, and its
   * effects are under way.
   */
  #keepShort(run: Run, now: number): void {
    try {
      this.#journal.keepShort(run, now);
    } catch (error) {
      this.#host.notShortened(error);
    }
  }

  /** Returns the leases of a transition, with payloads. */
  grant(run: Run, decided: TransitionResult): Grant {
    return { leases: buildLeases(run, this.#journal, decided.leases) };
  }

  #report(run: Run): void {
    this.#host.waitUntil(
      this.#reportListed(run, this.#clock.at > this.#host.now() + TOLD_AGAIN_MS),
    );
  }

  /**
   * Reports the run, and sets the alarm of a final run to its due time once the run is listed and
   * the parent notified: nothing else is left to check.
   */
  async #reportListed(run: Run, keep: boolean): Promise<void> {
    const isDone = (): boolean =>
      this.#run === run && run.finishedAt !== null && this.catalog.isConfirmed(run);
    await this.catalog.note(run, keep);
    if (isDone()) await this.parent.tell(run);
    if (isDone()) this.alarm.setFor(run);
  }

  #perform(run: Run, effects: readonly Effect[]): void {
    for (const effect of effects) this.#host.perform(run, effect);
  }
}
