/**
 * Checks the times of a final run against its attempts: the work is the sum of the attempts, the duration is the time
 * at work in the last round, and the history has one retry for each round after the first.
 */
import type { AttemptDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import { isOver, type Seen } from "../watcher.ts";

export class TimesCheck {
  readonly #ground: Ground;
  /** The first work that was told wrong: a consequence of what is wrong with an attempt, which others are to find first. */
  #wrongWork: readonly [Seen, string] | null = null;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** The run has changed. */
  look(seen: Seen): void {
    const { run, retries, retriedAfter } = seen;
    if (!isOver(run.status)) return;
    const [first, ...later] = run.history;
    const retried = later.filter(({ what }) => what === "retried").length;
    if (first?.what !== "triggered" || retried !== run.rounds - 1)
      this.#say(seen, `it tells ${run.rounds} rounds and ${retried} retries`);
    // What approvals have of their attempts nobody can tell from outside.
    if (run.tasks.some(({ external }) => external === true)) return;
    const items = [...seen.items.values()].flatMap((all) => all.flatMap(({ attempts }) => attempts));
    const all = [...run.tasks.flatMap(({ attempts }) => attempts), ...items];
    const workMs = all.map(lengthOf).reduce((sum, ms) => sum + ms, 0);
    if (run.work_ms !== workMs)
      this.#wrongWork ??= [seen, `it tells ${run.work_ms} ms of work, its attempts ${workMs}`];
    // Which attempts of its items belong to which round is not seen, nor a call for a retry that came twice.
    if (retries !== run.rounds - 1 || (retries > 0 && items.length > 0)) return;
    const last = run.tasks.flatMap(({ task, attempts }) => attempts.slice(retriedAfter.get(task) ?? 0));
    const durationMs = all.length === 0 ? null : coveredMs([...last, ...items]);
    if (run.duration_ms !== durationMs)
      this.#say(seen, `it tells that it took ${run.duration_ms} ms, its attempts ${durationMs}`);
  }

  atRest(): void {
    if (this.#wrongWork !== null) this.#say(...this.#wrongWork);
  }

  #say({ runId }: Seen, detail: string): void {
    this.#ground.violate("times are true", `${runId}: ${detail}`);
  }
}

function lengthOf(attempt: AttemptDocument): number {
  return endOf(attempt) - Date.parse(attempt.started_at);
}

/** An attempt during which the clock was set back by more than it took has taken no time. */
function endOf({ started_at, finished_at }: AttemptDocument): number {
  return Math.max(Date.parse(started_at), Date.parse(finished_at ?? started_at));
}

/** The milliseconds in which at least one of these was at work: each moment at which one begins or ends, and how many are then. */
function coveredMs(attempts: readonly AttemptDocument[]): number {
  const moments = attempts
    .flatMap((attempt) => [
      { at: Date.parse(attempt.started_at), by: 1 },
      { at: endOf(attempt), by: -1 },
    ])
    .toSorted((one, other) => one.at - other.at);
  let [covered, atWork, since] = [0, 0, 0];
  for (const { at, by } of moments) {
    if (atWork > 0) covered += at - since;
    [atWork, since] = [atWork + by, at];
  }
  return covered;
}
