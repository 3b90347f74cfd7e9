/**
 * The end of a run object: it deletes the run, with what it has in R2, and what was put there under its id without ever becoming a run.
 *
 * An accept stores its payload before the run is recorded, under its own nonce, and announces that. The run of this id may be deleted in
 * between: then the payload of the coming one must stay. So what was announced and is not answered yet is never deleted with a run, but
 * only once no accept can follow any more; and an accept that comes while a run is being deleted waits for that. One that was answered,
 * made again since the answer was lost, may find the run deleted since, and its own payload with it: it is not recorded.
 */
import type { Run } from "../../domain/run/state.ts";
import { lateOutputUntil, RECENT_MS } from "./late-output.ts";
import { keptFor, rememberedOf } from "./remembered.ts";
import type { RunSurroundings } from "./run-host.ts";
import type { AcceptRequest } from "./run-rpc.ts";
import { ABANDONED_MS, KEPT_PAUSE_MS } from "./run-times.ts";
import type { RunStore } from "./journal.ts";

/** What the object knows beside its storage. */
export interface ForgetfulObject {
  /** Whether a run is recorded, as storage says now. */
  hasRun(): boolean;
  /** The run is not there any more. `isSure`: else storage has to be asked. */
  lost(isSure: boolean): void;
  readonly alarm: { readonly at: number; set(at: number): void; deleted(): void };
}

type Around = Pick<
  RunSurroundings,
  "now" | "getAlarm" | "deletePayloads" | "deleteAbandoned" | "standingsOf"
>;

export class Forgetting {
  readonly #store: RunStore;
  readonly #around: Around;
  readonly #object: ForgetfulObject;
  #isUnderWay = false;
  #ending: Promise<void> | null = null;

  constructor(store: RunStore, around: Around, object: ForgetfulObject) {
    this.#store = store;
    this.#around = around;
    this.#object = object;
  }

  /** What the run has outside its journal is being deleted, or is in part: it must not go on any more. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Resolves once no deletion is under way. Rejects if one has failed half way: whoever calls is to come again. */
  async untilOver(): Promise<void> {
    await this.#ending;
    if (this.#isUnderWay)
      throw new Error(
        "the Durable Object of this run is no longer active: the run is being deleted",
      );
  }

  /** An accept is about to put payloads into R2. `isFirst`: there is no run yet, whose end would look after them. */
  announce(nonce: string, isFirst: boolean): void {
    const now = this.#around.now();
    // Then an alarm is set that is due sooner, and looks after all of them.
    const isAwaited =
      this.#store.remembered !== null ||
      this.#store.announcedSince(now - ABANDONED_MS.age, null).length > 0;
    this.#store.announce(nonce, now);
    if (isFirst && !isAwaited) this.#object.alarm.set(now + ABANDONED_MS.looked);
  }

  /**
   * Before a run is recorded: what it has in R2 must be there. Throws what callers take for a failure of the surroundings if the accept
   * was answered before: what it had stored was deleted with the run that it had found, so the payload has to be stored anew.
   */
  refuseGone({
    nonce,
    payload,
    recorded = [],
  }: Pick<AcceptRequest, "nonce" | "payload" | "recorded">): void {
    const isStored = payload.at === "r2" || recorded.some((input) => input.payload.at === "r2");
    if (isStored && !this.#store.isAnnounced(nonce))
      throw new Error(
        "the Durable Object of this run is no longer active: it was deleted, and what the accept had stored",
      );
  }

  /** What is remembered is forgotten by an alarm. Should the platform have given that up, whoever calls has it set again. */
  async recover(): Promise<void> {
    const isSet = (await this.#around.getAlarm()) !== null;
    if (
      isSet ||
      this.#store.remembered === null ||
      this.#object.alarm.at !== Number.POSITIVE_INFINITY
    )
      return;
    this.#object.alarm.set(this.#around.now() + KEPT_PAUSE_MS.least);
  }

  /**
   * Deletes the run. Payloads first: while the journal is there, a failure here is tried again. `until`: so long it is remembered (see
   * remembered.ts); null: not at all.
   */
  forget(run: Run, until: number | null): Promise<void> {
    const ending = this.#forget(run, until);
    // Whoever waits for it only wants to know that it is over.
    this.#ending = ending.catch(() => undefined);
    return ending;
  }

  async #forget(run: Run, until: number | null): Promise<void> {
    this.#isUnderWay = true;
    const { expectsObjects } = this.#store;
    const oldest = this.#around.now() - ABANDONED_MS.age;
    // Asked once it is known what there is: an accept may announce, and store, what it brings while that is found out.
    const kept = (): string[] =>
      this.#store.announcedSince(oldest, run.nonce).map(({ nonce }) => nonce);
    if (expectsObjects) await this.#around.deletePayloads(run.id, kept);
    const quietAt = expectsObjects ? lateOutputUntil(run) : 0;
    // Also those that came meanwhile: nothing of theirs was deleted.
    const announced = this.#store.announcedSince(oldest, run.nonce);
    // At once: who still looks after the run's alarm must not set it again.
    this.#object.lost(true);
    try {
      await this.#store.deleteAll();
      this.#object.alarm.deleted();
      this.#isUnderWay = false;
      if (this.#object.hasRun()) return;
      if (until !== null) this.#store.remember(rememberedOf(run));
      const isQuiet = quietAt <= this.#around.now();
      if (!isQuiet) this.#store.expectObjects();
      for (const { nonce, at } of announced) this.#store.announce(nonce, at);
      this.#object.alarm.set(soonestOf(until, isQuiet ? null : quietAt, lookedAt(announced)));
    } catch (error) {
      this.#object.lost(false);
      throw error;
    }
  }

  /** No run is recorded under this id (any more): deletes what nobody can come for. */
  async abandon(): Promise<void> {
    const now = this.#around.now();
    const isLeft = await this.#around.deleteAbandoned(now - ABANDONED_MS.age, now - RECENT_MS);
    const past = this.#store.remembered;
    const kept =
      past === null
        ? null
        : await keptFor(past, now, (parents) => this.#around.standingsOf(parents));
    // A trigger that was sent again may have been recorded meanwhile.
    if (this.#object.hasRun() || this.#object.alarm.at !== Number.POSITIVE_INFINITY) return;
    const announcedUntil = lookedAt(this.#store.announcedSince(now - ABANDONED_MS.age, null));
    // Such as what came with a trigger that has found the run remembered, and was to be deleted by who had sent it.
    const leftUntil = isLeft ? now + ABANDONED_MS.looked : null;
    if (kept === null && announcedUntil === null && leftUntil === null)
      await this.#store.deleteAll();
    else
      this.#object.alarm.set(
        soonestOf(kept === "open" ? now + KEPT_PAUSE_MS.most : kept, announcedUntil, leftUntil),
      );
  }
}

/** When the last of them can be followed by no accept any more; null: there is none. */
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
