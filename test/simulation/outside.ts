/** Those who work for external tasks: they report what an attempt came to, soon, late, twice, as a failure, or never. */
import type { RunId } from "../../src/core/ids.ts";
import type { RunProtocol } from "../../src/run/run-protocol.ts";
import type { Lease } from "../../src/run/run-rpc.ts";
import type { Bucket } from "./bucket.ts";
import type { Checker } from "./checker.ts";
import { passedText } from "./passed-text.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { copied } from "./plain-data.ts";
import { Invocation, PassingError, StoreError } from "./invocation.ts";
import type { Behaviour } from "./pipelines.ts";
import { storeText } from "./task-code.ts";

/** Of one who reports. */
const LIFE_MS = 30_000;

export interface OutsideWorld {
  readonly ground: Ground;
  readonly bucket: Bucket;
  readonly checker: Checker;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  callRun<T>(from: Invocation, runId: RunId, what: string, work: (run: RunProtocol) => T): Promise<T>;
}

export class Outside {
  readonly #world: OutsideWorld;
  #reports = 0;

  constructor(world: OutsideWorld) {
    this.#world = world;
  }

  /** Who was asked reports, perhaps from several places; each sends its report until it is answered. */
  handOver(lease: Lease): void {
    const { reports } = this.#world.behaviours.get(lease.task) ?? {};
    const { scheduler, dice } = this.#world.ground;
    for (let copy = 0; copy < (reports?.copies ?? 0); copy += 1)
      scheduler.after(
        (reports?.afterMs ?? 0) + dice.between(0, 20) * copy,
        () => void this.#report(lease, `report ${++this.#reports}`, 5),
      );
  }

  async #report(lease: Lease, nonce: string, triesLeft: number): Promise<void> {
    const ground = this.#world.ground;
    const again = (): void => {
      if (triesLeft > 0) ground.scheduler.after(1_000, () => void this.#report(lease, nonce, triesLeft - 1));
    };
    const service = new Invocation(ground, `${nonce} on ${lease.task} of ${lease.runId}`, LIFE_MS, again);
    const { runId, ordinal, attempt, token, task } = lease;
    const fails = attempt <= (this.#world.behaviours.get(task)?.reports?.fails ?? 0);
    try {
      const large = this.#world.behaviours.get(task)?.passesLarge === true;
      const key = `runs/${runId}/${ordinal}/${attempt}-${token}/${nonce}`;
      const text = passedText(runId, task, attempt, "");
      const expect = (): Promise<void> =>
        this.#world.callRun(service, runId, "expect payload", (run) => void run.expectOutput());
      const outcome = fails
        ? ({ type: "failed", error: { name: "Error", message: "as reported", stack: null } } as const)
        : ({
            type: "succeeded",
            output: await storeText(this.#world.bucket, service, key, text, large, lease.inlineLimitBytes, expect),
          } as const);
      const report = { ordinal, attempt, token, nonce, outcome };
      const standing = await this.#world.callRun(service, runId, `complete ${ordinal}/${attempt}`, (run) => {
        const { status } = run.load()?.tasks[ordinal]?.attempts[attempt - 1] ?? {};
        // Who was told by an attempt that came to nothing since completes the one that goes on in its place.
        const isCarriedOn = status === "lost" || status === "suspended";
        const settled = this.#world.checker.settling(run.load(), isCarriedOn ? [] : [lease]);
        const answer = run.complete(copied(report));
        settled();
        return answer?.standing ?? "no run";
      });
      if (standing === "completed_now") this.#world.checker.completed(lease, nonce);
      ground.tell(() => `${service.name}: ${standing}`);
    } catch (error) {
      if (!(error instanceof PassingError || error instanceof StoreError))
        ground.violate("no throw", `complete: ${String(error)}`);
      again();
    }
  }
}
