/**
 * Invariant 8: whoever is alive is not taken for dead. That the object of a run is reset changes nothing for the attempts of that run:
 * they are heard again before anybody decides that they are lost; and who has not had the answer to a claim gets it when asking again.
 */
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Fault } from "../../../src/testing/ground/faults.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Ledger } from "../ledger.ts";
import type { Seen } from "../watcher.ts";

/** What does nothing to those that run elsewhere. */
const RESETS: ReadonlySet<Fault> = new Set(["reset_before_commit", "reset_after_commit"]);
/** Far fewer than a caller lives with who makes a call again. */
const FEW_RESETS = 3;

export interface LossWorld {
  readonly ground: Ground;
  readonly ledger: Ledger;
  /** What the code of this task may take at most. Milliseconds. */
  timeoutOf(task: string): number;
  /** Whether isolates die, releases are rolled out, or objects are out of reach in this world. */
  isUpset(): boolean;
}

export class LossCheck {
  readonly #world: LossWorld;

  constructor(world: LossWorld) {
    this.#world = world;
  }

  /** The run has changed. */
  look({ run, runId }: Seen, before: RunDocument | null): void {
    for (const [index, { task, attempts, each }] of run.tasks.entries())
      for (const [nth, { attempt, status }] of attempts.entries())
        if (each === undefined && status === "lost" && before?.tasks[index]?.attempts[nth]?.status !== "lost")
          this.#lost(runId, task, attempt);
  }

  #lost(runId: string, task: string, attempt: number): void {
    const { ground, ledger } = this.#world;
    const isCalm = !this.#world.isUpset() && ground.struck.every(({ fault }) => RESETS.has(fault));
    if (!isCalm) return;
    const note = ledger.find(runId, task, null, attempt);
    const say = (detail: string): void =>
      ground.violate("8 blame", `${runId}: attempt ${attempt} of ${task} counts as lost, ${detail}`);
    if (note === undefined) {
      const isOfRuns = ground.struck.every(({ where }) => where.startsWith("RunObject "));
      if (isOfRuns && ground.struck.length <= FEW_RESETS) say("and nobody ever had it");
    } else if (note.end === "running" && note.life.alive) {
      const isInTime = ground.scheduler.now < note.begunAt + this.#world.timeoutOf(task);
      if (isInTime) say("and its code goes on");
    }
  }
}
