/**
 * Checks invariants 3 and 8: a task ends as its own code ends. A failure of the surroundings, a deploy or a neighbour
 * is never recorded as the task's failure, and no task is cancelled without a cancellation.
 */
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import type { AttemptDocument, TaskDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Behaviour } from "../behaviour.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { AttemptNote, Ledger } from "../ledger.ts";
import { placeName } from "../payloads.ts";
import { isOver, type Seen } from "../watcher.ts";

/** A task fails with `worker_lost` after so many deaths in a row of workers that it had alone: while nobody else died, or in any case. */
const LONELY_KILLS = { sole: 3, any: 10 } as const;

type Ended = Pick<TaskDocument, "status" | "reason" | "attempts">;

export interface BlameWorld {
  readonly ground: Ground;
  readonly ledger: Ledger;
  planOf(task: string): TaskPlan | undefined;
  behaviourOf(task: string): Behaviour | undefined;
  /** Whether the clock was set, or calls were never answered: attempts may have run out of time for it. */
  isTimeUncertain(): boolean;
  /** Whether invocations die in this world, or calls are never answered. */
  dieInvocations(): boolean;
  /** How long the run has been there, in milliseconds. */
  ageOf(seen: Seen): number;
  mayBeCancelled(seen: Seen, task: string): boolean;
}

export class BlameCheck {
  readonly #world: BlameWorld;

  constructor(world: BlameWorld) {
    this.#world = world;
  }

  /** A task, or the item of this index, has ended so. */
  ended(seen: Seen, task: string, item: number | null, ended: Ended): void {
    const plan = this.#world.planOf(task);
    const behaviour = this.#world.behaviourOf(task);
    if (plan === undefined || behaviour === undefined || !isOver(ended.status)) return;
    // What its items came to is theirs; it only gathers.
    if (plan.each !== null && item === null) return this.#mapped(seen, task, ended);
    const notes = this.#world.ledger.of(seen.runId, task, item);
    for (const attempt of ended.attempts) this.#attempted(seen, plan, item, attempt, notes);
    const counted = ended.attempts.slice(item === null ? (seen.retriedAfter.get(task) ?? 0) : 0);
    const failures = failuresSinceProgress(counted, this.#stepping(seen.runId, placeName(task, item), behaviour));
    const isSpent = (failures.at(-1) ?? 0) > plan.retries.limit;
    // Of items nobody says which attempts came before a retry in place.
    const isWithin = failures.every((count) => count <= plan.retries.limit) || (item !== null && seen.retries > 0);
    const last = ended.attempts.at(-1);
    const lastNote = last === undefined ? undefined : noteOf(notes, last);
    const as = ended.status === "failed" ? (ended.reason ?? "failed") : ended.status;
    const isStopping = item !== null && plan.each?.onError === "fail";
    const right: Readonly<Record<string, () => boolean>> = {
      succeeded: () => ended.attempts.filter(({ status }) => status === "succeeded").length === 1 && isWithin,
      error: () =>
        isSpent || isStopping || (last?.status === "failed" && (plan.external || lastNote?.retryable === false)),
      timed_out: () => isSpent || isStopping,
      worker_lost: () => this.#hasKilled(ended.attempts, notes),
      method_missing: () => this.#world.ageOf(seen) > 3_600_000,
      cancelled: () => isStopping || this.#world.mayBeCancelled(seen, task),
      skipped: () => true,
    };
    if (right[as]?.() === true) return;
    const story = ended.attempts.map(
      (one) => `${one.attempt} ${one.status} (${noteOf(notes, one)?.end ?? "not begun"})`,
    );
    this.#world.ground.violate(
      "8 blame",
      `${seen.runId}: ${placeName(task, item)} is ${as} after ${story.join(", ")}; its code throws ${behaviour.throws} times (${behaviour.how}), ${plan.retries.limit} retries are allowed`,
    );
  }

  /** The attempts that have recorded a step, as far as a later one, or the same, was given it. */
  #stepping(runId: string, place: string, { steps }: Behaviour): ReadonlySet<number> {
    const names = Array.from({ length: steps }, (_, nth) => `step ${nth}`);
    return new Set(names.flatMap((name) => this.#world.ledger.stepBy(runId, place, name) ?? []));
  }

  /** Every attempt that is recorded as failed was failed by its own code. */
  #attempted(
    seen: Seen,
    plan: TaskPlan,
    item: number | null,
    attempt: AttemptDocument,
    notes: readonly AttemptNote[],
  ): void {
    const note = noteOf(notes, attempt);
    const say = (detail: string): void =>
      this.#world.ground.violate(
        "8 blame",
        `${seen.runId}: attempt ${attempt.attempt} of ${placeName(plan.name, item)} ${detail}`,
      );
    if (attempt.status === "succeeded" && !plan.external && note?.end !== "returned")
      say(`has succeeded, its code ${note?.end ?? "has never begun"}`);
    if (plan.external) return;
    const isMissing = attempt.error?.name === "MethodMissingError";
    if (attempt.status === "failed" && note?.end !== "threw" && !isMissing)
      say(`has failed (${attempt.error?.name}: ${attempt.error?.message}), its code ${note?.end ?? "has never begun"}`);
    // Nothing that Peach does for it takes of its time where that fails at first: not what is read, nor what its code calls.
    if (attempt.status === "timed_out" && note?.end !== "hangs" && !this.#world.isTimeUncertain())
      say(`has timed out, its code ${note === undefined ? "has never begun" : "does not hang"}`);
  }

  /**
   * The last attempts each ran alone in an invocation that died, with an isolate in which no code of any other run or task died; or there
   * are ten of them, whatever died there. Of one whose code never began nobody knows where it was: there it is enough that
   * invocations die in this world.
   */
  #hasKilled(attempts: readonly AttemptDocument[], notes: readonly AttemptNote[]): boolean {
    const ended = attempts.filter(({ status }) => status !== "running");
    const row = ended.slice(ended.findLastIndex(({ status }) => status !== "lost") + 1);
    const { ledger } = this.#world;
    const alone = row.flatMap((attempt) => {
      const note = noteOf(notes, attempt);
      if (note === undefined) return this.#world.dieInvocations() ? { isSole: true } : [];
      if (!note.died) return this.#world.isTimeUncertain() ? { isSole: true } : [];
      return note.wasAlone ? { isSole: !ledger.hadCompany(note) } : [];
    });
    return alone.length >= LONELY_KILLS.any || alone.filter(({ isSole }) => isSole).length >= LONELY_KILLS.sole;
  }

  #mapped(seen: Seen, task: string, { status, reason, attempts }: Ended): void {
    if (status === "cancelled" && !this.#world.mayBeCancelled(seen, task))
      this.#world.ground.violate("8 blame", `${seen.runId}: ${task} is cancelled, and nobody has cancelled anything`);
    const isLost = attempts.slice(-LONELY_KILLS.sole).every((attempt) => attempt.status === "lost");
    if (reason === "worker_lost" && isLost && attempts.length >= LONELY_KILLS.sole && this.#world.dieInvocations())
      return;
    // That is the method of its items.
    if (reason === "method_missing" && this.#world.ageOf(seen) > 3_600_000) return;
    if (status === "failed" && reason !== "item_failed" && reason !== "not_an_array")
      this.#world.ground.violate("8 blame", `${seen.runId}: ${task} is ${reason}, and has no code of its own`);
  }
}

/**
 * How many attempts have failed since the last progress, at each of these that failed. A wait that is over and a step that was recorded
 * are progress; the attempt that has recorded it counts from there on.
 */
function failuresSinceProgress(attempts: readonly AttemptDocument[], stepping: ReadonlySet<number>): readonly number[] {
  const counts: number[] = [];
  let failures = 0;
  for (const { attempt, status } of attempts) {
    if (stepping.has(attempt)) failures = 0;
    if (status === "failed" || status === "timed_out") counts.push((failures += 1));
    if (status === "suspended") failures = 0;
  }
  return counts;
}

function noteOf(notes: readonly AttemptNote[], { attempt }: AttemptDocument): AttemptNote | undefined {
  return notes.findLast((note) => note.attempt === attempt);
}
