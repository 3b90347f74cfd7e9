import type { RunId } from "../../../src/domain/ids.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Ledger } from "../ledger.ts";
import type { Rig } from "../../../src/testing/platform/rig.ts";
import type { Scenario } from "../scenario.ts";
import type { Watcher } from "../watcher.ts";

/** What checks look at. */
export interface CheckedWorld {
  readonly ground: Ground;
  readonly ledger: Ledger;
  readonly scenario: Scenario;
  readonly rig: () => Rig;
  readonly watcher: () => Watcher;
  /** A run has ended. */
  ended(runId: RunId): void;
}
