/**
 * The kinds of runs in scripts/chaos/peach.conf, by root task: their frequency, and their required
 * end.
 */
import type { Prng } from "./prng.ts";

export interface Kind {
  /** Relative frequency among triggers; 0: only other tasks trigger it. */
  readonly share: number;
  readonly status: "succeeded" | "failed";
  /** Tasks that do not succeed. */
  readonly others: Readonly<Record<string, "failed" | "skipped">>;
  /**
   * The number of attempts in which a task throws by plan, at most. (On a busy machine others may
   * time out.)
   */
  readonly failures: Readonly<Record<string, number>>;
  /** All tasks of the run. */
  readonly tasks: readonly string[];
  /** The task that is completed from outside and does not report its output itself. */
  readonly external?: string;
  /** Failing items by `each` task; `null` replaces them in the array. */
  readonly failedItems?: Readonly<Record<string, readonly number[]>>;
  /** Set if only one version of peach.conf has the task (versions.ts). */
  readonly isInOneVersion?: true;
}

const ALL_SUCCEED = { status: "succeeded", others: {}, failures: {} } as const;

const ALL: Readonly<Record<string, Kind>> = {
  chain: {
    ...ALL_SUCCEED,
    share: 16,
    tasks: ["chain", "chain_2", "chain_3", "chain_4", "chain_5"],
  },
  diamond: {
    ...ALL_SUCCEED,
    share: 14,
    tasks: ["diamond", "diamond_left", "diamond_right", "diamond_join"],
  },
  fan: {
    ...ALL_SUCCEED,
    share: 4,
    tasks: ["fan", ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((leaf) => `fan_${leaf}`), "fan_join"],
  },
  flaky: {
    ...ALL_SUCCEED,
    share: 10,
    failures: { flaky: 2, flaky_end: 1 },
    tasks: ["flaky", "flaky_end"],
  },
  hang: { ...ALL_SUCCEED, share: 3, tasks: ["hang", "hang_end"] },
  doomed: {
    share: 8,
    status: "failed",
    others: { doomed_throws: "failed", doomed_skipped: "skipped", doomed_unpublished: "skipped" },
    failures: { doomed_throws: 2 },
    tasks: [
      "doomed",
      "doomed_throws",
      "doomed_fine",
      "doomed_skipped",
      "doomed_unpublished",
      "doomed_alarm",
      "doomed_rescue",
      "doomed_last",
    ],
  },
  choose: {
    ...ALL_SUCCEED,
    share: 6,
    others: { choose_that: "skipped" },
    tasks: ["choose", "choose_this", "choose_that", "choose_end"],
  },
  family: { ...ALL_SUCCEED, share: 8, failures: { family: 1 }, tasks: ["family", "family_end"] },
  child: { ...ALL_SUCCEED, share: 0, tasks: ["child", "child_end"] },
  child_direct: { ...ALL_SUCCEED, share: 0, tasks: ["child_direct"] },
  child_large: { ...ALL_SUCCEED, share: 0, tasks: ["child_large"] },
  steps: { ...ALL_SUCCEED, share: 6, failures: { steps: 1 }, tasks: ["steps", "steps_end"] },
  patient: { ...ALL_SUCCEED, share: 5, tasks: ["patient", "patient_end"] },
  awaited: { ...ALL_SUCCEED, share: 0, tasks: ["awaited", "awaited_end"] },
  map: { ...ALL_SUCCEED, share: 6, tasks: ["map", "map_item", "map_again", "map_end"] },
  limited: { ...ALL_SUCCEED, share: 5, tasks: ["limited", "limited_2", "limited_end"] },
  keyed: { ...ALL_SUCCEED, share: 6, tasks: ["keyed", "keyed_2", "keyed_end"] },
  approve: {
    ...ALL_SUCCEED,
    share: 5,
    tasks: ["approve", "approve_keyed", "approve_end"],
    external: "approve",
  },
  poison: {
    ...ALL_SUCCEED,
    share: 0,
    tasks: ["poison", "poison_item", "poison_end"],
    failedItems: { poison_item: [5] },
  },
  novel: { ...ALL_SUCCEED, share: 4, tasks: ["novel", "novel_end"], isInOneVersion: true },
  former: {
    ...ALL_SUCCEED,
    share: 4,
    tasks: ["former", "former_2", "former_end"],
    isInOneVersion: true,
  },
  large: { ...ALL_SUCCEED, share: 10, tasks: ["large", "large_left", "large_right", "large_join"] },
  stream: { ...ALL_SUCCEED, share: 5, tasks: ["stream", "stream_2", "stream_3"] },
  long: { ...ALL_SUCCEED, share: 4, tasks: ["long", "long_end"] },
  direct: { ...ALL_SUCCEED, share: 10, tasks: ["direct", "direct_end"] },
  upload: { ...ALL_SUCCEED, share: 6, tasks: ["upload", "upload_end"] },
  cancel: { ...ALL_SUCCEED, share: 4, tasks: ["cancel", "cancel_2", "cancel_3"] },
};

/** Kinds by root task. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(Object.entries(ALL));

/** Draws a kind by its share. */
export function drawKind(prng: Prng): string {
  const shares = [...KINDS].map(([name, { share }]) => ({ name, share }));
  let left = prng.fraction() * shares.reduce((sum, { share }) => sum + share, 0);
  const drawn = shares.find(({ share }) => (left -= share) < 0);
  if (drawn === undefined) throw new Error("no kind has a share");
  return drawn.name;
}
