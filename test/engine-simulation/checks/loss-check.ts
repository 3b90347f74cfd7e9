/**
 * Checks invariant 8 for living attempts: none of them counts as dead. A reset of a run object changes nothing for the
 * attempts of the run. They are heard before a decision about their loss, and a driver without an answer to its claim
 * gets the same leases when it repeats the claim.
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
