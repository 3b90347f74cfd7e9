/**
 * Deletes the run at the end of its retention, together with its objects in R2 and objects stored
 * under the id without a run.
 *
 * An accept stores its payload in R2 before the run is recorded, under the accept's own nonce, and
 * announces the payload first. The run with this id may be deleted in between, and the payload of
 * the coming run must stay. Announced payloads without an answer are therefore never deleted with a
 * run, but only once no accept can follow any more. An accept during a deletion waits for the
 * deletion. An accept that was answered and is repeated, because the answer was lost, may find the
 * run deleted together with the accept's own payload: such an accept is refused.
 */
import type { Run } from "../../domain/run/state.ts";
import { lateOutputUntil, RECENT_MS } from "./late-output.ts";
import { keptFor, tombstoneOf } from "./tombstone.ts";
import type { RunHost } from "./run-host.ts";
import type { AcceptRequest } from "./accept-rpc.ts";
import { ABANDONED_MS, KEPT_RECHECK_MS } from "./run-times.ts";
import type { Journal } from "./journal.ts";

/** Access to the state of the run object beside storage. */
export interface DeletionHost {
  /** Tells whether storage has a run now. */
  hasRun(): boolean;
  /** Drops the run from memory. `isSure`: the run is gone; otherwise storage decides. */
  dropRun(isSure: boolean): void;
  readonly alarm: { readonly at: number; set(at: number): void; deleted(): void };
}

type Host = Pick<
  RunHost,
  "now" | "getAlarm" | "deletePayloads" | "deleteAbandoned" | "parentStates"
>;

export class RunDeletion {
  readonly #journal: Journal;
  readonly #host: Host;
  readonly #object: DeletionHost;
  #isUnderWay = false;
  #ending: Promise<void> | null = null;

  constructor(journal: Journal, host: Host, object: DeletionHost) {
    this.#journal = journal;
    this.#host = host;
    this.#object = object;
  }

  /**
   * True while the run's outside data is being deleted, also after a partial failure. The run must
   * not continue.
   */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /**
   * Resolves once no deletion is under way. Rejects if a deletion failed half way: the caller has
   * to retry.
   */
  async untilOver(): Promise<void> {
    await this.#ending;
    if (this.#isUnderWay)
      throw new Error(
        "the Durable Object of this run is no longer active: the run is being deleted",
      );
  }

  /**
   * Announces that an accept will put payloads into R2. `isFirst`: no run exists yet whose end
   * would delete the payloads.
   */
  announce(nonce: string, isFirst: boolean): void {
    const now = this.#host.now();
    // An earlier alarm is set then, and handles all announcements.
    const isAwaited =
      this.#journal.tombstone.value !== null ||
      this.#journal.announcements.since(now - ABANDONED_MS.age, null).length > 0;
    this.#journal.announcements.add(nonce, now);
    if (isFirst && !isAwaited) this.#object.alarm.set(now + ABANDONED_MS.looked);
  }

  /**
   * Checks, before a run is recorded, that the accept's objects are still in R2. A repeated accept
   * whose objects were deleted with the earlier run gets an error that callers treat as a reset, so
   * that the payload is stored anew.
   */
  refuseGone({
    nonce,
    payload,
    recorded = [],
  }: Pick<AcceptRequest, "nonce" | "payload" | "recorded">): void {
    const isStored = payload.at === "r2" || recorded.some((input) => input.payload.at === "r2");
    if (isStored && !this.#journal.announcements.has(nonce))
      throw new Error(
        "the Durable Object of this run is no longer active: it was deleted, and what the accept had stored",
      );
  }

  /**
   * Restores the alarm that deletes a tombstone, should the platform have given the alarm up.
   * Every caller triggers the check.
   */
  async recover(): Promise<void> {
    const isSet = (await this.#host.getAlarm()) !== null;
    if (
      isSet ||
      this.#journal.tombstone.value === null ||
      this.#object.alarm.at !== Number.POSITIVE_INFINITY
    )
      return;
    this.#object.alarm.set(this.#host.now() + KEPT_RECHECK_MS.least);
  }

  /**
   * Deletes the run. Deletes payloads first: while the journal exists, a failure is retried. The
   * tombstone stays until `until` (see tombstone.ts); null: not at all.
   */
  delete(run: Run, until: number | null): Promise<void> {
    const ending = this.#delete(run, until);
    // Waiting callers only need to know when the deletion is over.
    this.#ending = ending.catch(() => undefined);
    return ending;
  }

  async #delete(run: Run, until: number | null): Promise<void> {
    this.#isUnderWay = true;
    const { expectsObjects } = this.#journal.announcements;
    const oldest = this.#host.now() - ABANDONED_MS.age;
    // Evaluated after the listing: an accept may announce and store payloads during the listing.
    const kept = (): string[] =>
      this.#journal.announcements.since(oldest, run.nonce).map(({ nonce }) => nonce);
    if (expectsObjects) await this.#host.deletePayloads(run.id, kept);
    const quietAt = expectsObjects ? lateOutputUntil(run) : 0;
    // Includes accepts announced during the deletion: their payloads are still there.
    const announced = this.#journal.announcements.since(oldest, run.nonce);
    // Before the next await: code that still handles the run's alarm must not set the alarm again.
    this.#object.dropRun(true);
    try {
      await this.#journal.deleteAll();
      this.#object.alarm.deleted();
      this.#isUnderWay = false;
      if (this.#object.hasRun()) return;
      if (until !== null) this.#journal.tombstone.write(tombstoneOf(run));
      const isQuiet = quietAt <= this.#host.now();
      if (!isQuiet) this.#journal.announcements.expectObjects();
      for (const { nonce, at } of announced) this.#journal.announcements.add(nonce, at);
      this.#object.alarm.set(soonestOf(until, isQuiet ? null : quietAt, lookedAt(announced)));
    } catch (error) {
      this.#object.dropRun(false);
      throw error;
    }
  }

  /** Cleans up an id without a run: deletes everything that no accept can need. */
  async cleanUp(): Promise<void> {
    const now = this.#host.now();
    const isLeft = await this.#host.deleteAbandoned(now - ABANDONED_MS.age, now - RECENT_MS);
    const past = this.#journal.tombstone.value;
    const kept =
      past === null
        ? null
        : await keptFor(past, now, (parents) => this.#host.parentStates(parents));
    // A repeated trigger may have created a run in the meantime.
    if (this.#object.hasRun() || this.#object.alarm.at !== Number.POSITIVE_INFINITY) return;
    const announcedUntil = lookedAt(
      this.#journal.announcements.since(now - ABANDONED_MS.age, null),
    );
    // Example: the payload of a trigger that found a tombstone and whose sender died before
    // deleting the payload.
    const leftUntil = isLeft ? now + ABANDONED_MS.looked : null;
    if (kept === null && announcedUntil === null && leftUntil === null)
      await this.#journal.deleteAll();
    else
      this.#object.alarm.set(
        soonestOf(kept === "open" ? now + KEPT_RECHECK_MS.most : kept, announcedUntil, leftUntil),
      );
  }
}

/** Returns the time from which no accept can follow the announcements; null: none exists. */
function lookedAt(announced: readonly { readonly at: number }[]): number | null {
  if (announced.length === 0) return null;
  return announced.reduce((last, { at }) => Math.max(last, at), 0) + ABANDONED_MS.looked;
}

function soonestOf(...times: readonly (number | null)[]): number {
  return times.reduce<number>(
    (soonest, at) => Math.min(soonest, at ?? soonest),
    Number.POSITIVE_INFINITY,
  );
}
