/** Checks invariants 1 and 5: every trigger that was answered, or made by an accepted attempt, has one run. */
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import type { Answered } from "../clients.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Ledger } from "../ledger.ts";
import { placeName } from "../payloads.ts";
import { TOLD } from "../scenario.ts";
import type { Seen, Watcher } from "../watcher.ts";
import { acceptedOf } from "./order-check.ts";

/** For so long a key is known at least. */
const KNOWN_MS = 3_600_000;

const SWALLOWED = "15 nothing is swallowed";

/** An answer, and when it came, by the scheduler. */
interface Answer extends Answered {
  readonly at: number;
}

export class TriggerCheck {
  readonly #ground: Ground;
  readonly #ledger: Ledger;
  readonly #planOf: (task: string) => TaskPlan | undefined;
  readonly #answers: Answer[] = [];

  constructor(ground: Ground, ledger: Ledger, planOf: (task: string) => TaskPlan | undefined) {
    this.#ground = ground;
    this.#ledger = ledger;
    this.#planOf = planOf;
  }

  /** Somebody was told that his trigger has this run. */
  answered(answer: Answered): void {
    this.#ground.tell(
      () =>
        `"${answer.carried.by}" of ${answer.task} is answered: ${answer.runId}${answer.deduplicated ? ", known" : ""}`,
    );
    this.#answers.push({ ...answer, at: this.#ground.scheduler.now });
  }

  #isDebounced(task: string): boolean {
    return (this.#planOf(task)?.debounce ?? null) !== null;
  }

  /** The world is at rest. */
  atRest(watcher: Watcher): void {
    const all = watcher.all();
    this.#answered(all);
    const byContent = Map.groupBy(all, ({ carried }) => carried?.content ?? "");
    for (const seen of all) {
      const next = all.find(({ runId, generation }) => runId === seen.runId && generation === seen.generation + 1);
      this.#made(seen, next, byContent);
      this.#told(seen, all);
    }
  }

  #answered(all: readonly Seen[]): void {
    for (const { runId, task, carried, deduplicated, at } of this.#answers) {
      const runs = all.filter((seen) => seen.runId === runId);
      if (runs.length === 0)
        this.#ground.violate("1 accepted is durable", `${runId} of ${task} was answered, and never was there`);
      const isThere = runs.some((seen) => seen.carried?.by === carried.by);
      if (!isThere && this.#planOf(task)?.debounce === null)
        this.#ground.violate(
          SWALLOWED,
          `"${carried.by}" was ${deduplicated ? "found" : "started"} as ${runId} at ${at}, which has "${runs.at(-1)?.carried?.by}"`,
        );
    }
    this.#debounced(all);
  }

  /** The run of a window has the last payload: of two triggers of which one was answered before the other was sent, the latter's. */
  #debounced(all: readonly Seen[]): void {
    const debounced = this.#answers.filter(({ task }) => this.#isDebounced(task));
    for (const same of Map.groupBy(debounced, ({ task, carried }) => `${task} ${carried.by}`).values()) {
      const [first] = same;
      const known = same.filter(({ at }) => at - (first?.at ?? 0) < KNOWN_MS);
      const another = known.find(({ carried }) => carried.group !== first?.carried.group);
      if (another !== undefined)
        this.#ground.violate(
          "15 acknowledged is known",
          `"${another.carried.by}" was accepted with two payloads, by the same key`,
        );
      const other = known.find(({ runId }) => runId !== first?.runId);
      if (other !== undefined)
        this.#ground.violate(
          "15 acknowledged is known",
          `"${other.carried.by}" has ${first?.runId} and ${other.runId}, by the same key`,
        );
    }
    const windows = Map.groupBy(debounced, ({ runId }) => runId);
    for (const [runId, answers] of windows) {
      const has = all.find((seen) => seen.runId === runId)?.carried?.by;
      const taken = answers.filter(({ carried }) => carried.by === has);
      const later = answers.find(
        ({ sentAt, carried }) => carried.by !== has && taken.length > 0 && taken.every(({ at }) => at < sentAt),
      );
      if (later !== undefined || has === undefined)
        this.#ground.violate(
          SWALLOWED,
          `"${later?.carried.by}" was answered with the window ${runId} last, and its run has "${has}"`,
        );
    }
  }

  /** What the accepted attempts of a run have triggered; `next`: the run that had its id after it. */
  #made(seen: Seen, next: Seen | undefined, byContent: ReadonlyMap<string, readonly Seen[]>): void {
    for (const task of seen.run.tasks) {
      const entries =
        task.each === undefined
          ? [{ item: null, of: task }]
          : (seen.items.get(task.task)?.map((of) => ({ item: of.index, of })) ?? []);
      for (const { item, of } of entries) {
        const accepted = acceptedOf(of);
        const note = accepted === null ? undefined : this.#ledger.find(seen.runId, task.task, item, accepted);
        for (const { content, task: target } of note?.triggered ?? []) {
          if (this.#isDebounced(target)) continue;
          const found = byContent.get(content) ?? [];
          const begun = begunWhile(seen, next, found);
          if (new Set(begun.map(({ runId }) => runId)).size < begun.length)
            this.#ground.violate(
              "5 nothing of a failed attempt",
              `${seen.runId}: ${placeName(task.task, item)} has triggered ${target} with "${content}", which was executed again when it was over`,
            );
          const runs = new Set(found.map(({ runId }) => runId));
          if (runs.size === 1) continue;
          this.#ground.violate(
            runs.size === 0 ? SWALLOWED : "5 nothing of a failed attempt",
            `${seen.runId}: ${placeName(task.task, item)} has triggered ${target} with "${content}", of which there are ${runs.size} runs`,
          );
        }
      }
    }
  }

  /** Of each failure somebody was told once. */
  #told({ runId, failures, run }: Seen, all: readonly Seen[]): void {
    // What was told of one of two runs of an id cannot be told from what was told of the other.
    if (run.task === TOLD || all.filter((seen) => seen.runId === runId).length > 1) return;
    const alerts = all.filter(({ run: told }) => told.task === TOLD && told.trigger.parent?.run_id === runId).length;
    if (this.#tells && alerts !== failures)
      this.#ground.violate("told once", `${runId} has failed ${failures} times, and somebody was told ${alerts} times`);
  }

  /** Whether somebody is to be told at all. */
  set tells(tells: boolean) {
    this.#tells = tells;
  }

  #tells = false;
}

/** Those of these that began while this run had its id: the next one triggers for itself. */
function begunWhile({ firstSeenAt }: Seen, next: Seen | undefined, triggered: readonly Seen[]): Seen[] {
  const until = next?.firstSeenAt ?? Number.POSITIVE_INFINITY;
  return triggered.filter((run) => run.firstSeenAt >= firstSeenAt && run.firstSeenAt < until);
}
