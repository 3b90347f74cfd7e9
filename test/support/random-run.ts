/** Random graphs and random moves for properties of the machine. A move picks, an event is made of what there is to pick from. */
import fc from "fast-check";
import type { RunGraph } from "../../src/domain/plan/run-graph.ts";
import { RUN_IFS } from "../../src/domain/run/start-rule.ts";
import { runIdFromBytes, type RunId } from "../../src/domain/ids.ts";
import type { Outcome, MachineEvent } from "../../src/domain/run/machine-events.ts";
import { BOOM, failed, graphOf, passedArray, PAYLOAD, type Play, succeeded, type TaskSettings } from "./run-play.ts";

/** A graph of 1 to `most` tasks: each but the root has one to three upstream tasks among the earlier ones. */
export function anyGraph(most: number): fc.Arbitrary<RunGraph> {
  const task = fc.record({
    parents: fc.array(fc.nat(most), { minLength: 1, maxLength: 3 }),
    limit: fc.nat(2),
    delayMs: fc.constantFrom(0, 1, 1_000),
    timeoutMs: fc.constantFrom(1, 1_000, 25_000, 60_000),
    runIf: fc.constantFrom("all_success", "all_success", ...RUN_IFS),
    each: fc.constantFrom(
      null,
      null,
      ...([1, 2, 100] as const).flatMap((maxParallel) =>
        (["fail", "continue"] as const).map((onError) => ({ maxParallel, onError })),
      ),
    ),
  });
  return fc.array(task, { minLength: 1, maxLength: most }).map((tasks) => {
    const edges = tasks.map((_, index) => {
      const children = tasks.flatMap(({ parents }, child) =>
        child > index && parents.some((parent) => parent % child === index) ? [`t${child}`] : [],
      );
      return `t${index} > ${children.join(" ")}`;
    });
    const upstream = tasks.map((_, child) => edges.filter((edge) => edge.split(" ").includes(`t${child}`, 1)).length);
    const settings: TaskSettings = Object.fromEntries(
      tasks.map(({ limit, delayMs, timeoutMs, runIf, each }, index) => [
        `t${index}`,
        { retries: { limit, delayMs }, timeoutMs, runIf, each: (upstream[index] ?? 0) > 1 ? null : each },
      ]),
    );
    return graphOf(edges.join(","), settings);
  });
}

export type Move =
  | { readonly type: "time"; readonly ms: number }
  | { readonly type: "claim"; readonly holding: number; readonly budgetMs: number }
  | { readonly type: "begin"; readonly ordinal: number; readonly holder: string }
  /** `back`: how many leases before the latest; a settle of an old one is stale. `twist` makes the token or attempt wrong. */
  | {
      readonly type: "settle";
      readonly back: number;
      readonly twist: number;
      readonly outcome: Outcome;
      readonly claim: boolean;
    }
  | { readonly type: "garbage"; readonly ordinal: number; readonly attempt: number; readonly token: number }
  | { readonly type: "step"; readonly back: number; readonly twist: number; readonly name: string }
  | { readonly type: "awaited" | "subscribed" | "waiters_acknowledged"; readonly runId: RunId }
  | { readonly type: "accepted" | "woken" | "cancelled" | "retried" };

const OTHERS = [runIdFromBytes(new Uint8Array(16).fill(1)), runIdFromBytes(new Uint8Array(16).fill(2))];

/** Mostly work that goes on, with everything that can come late, twice, never, or from nowhere. */
export function anyMove(most: number): fc.Arbitrary<Move> {
  const odd = fc.constantFrom(-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, most + 5);
  const outcome: fc.Arbitrary<Outcome> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(passedArray(3), passedArray(2), passedArray(0), passedArray(11), succeeded()),
    },
    { weight: 1, arbitrary: fc.subarray(["t1", "t2", "t3", "t4"]).map((chosen) => succeeded("output", chosen)) },
    {
      weight: 2,
      arbitrary: fc
        .record({ retryable: fc.boolean(), retryAfterMs: fc.constantFrom(null, 0, 500, -1, Number.NaN, 1e300) })
        .map(failed),
    },
    { weight: 1, arbitrary: fc.constant({ type: "timed_out", error: BOOM } as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("worker", "surroundings").map((to) => ({ type: "lost", to, error: BOOM }) as const),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.record({ runId: fc.constantFrom(...OTHERS), until: fc.constantFrom(0, 1_030_000, 9_000_000) }))
        .map((runs) => ({
          type: "suspended" as const,
          awaits: runs.map((awaited, nth) => ({ ...awaited, task: "other", call: `${awaited.runId}/${nth}` })),
        })),
    },
  );
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("claim" as const),
        holding: fc.nat(7),
        budgetMs: fc.constantFrom(28_000, 1_000, 0),
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        type: fc.constant("settle" as const),
        back: fc.nat(8),
        twist: fc.constantFrom(0, 0, 0, 0, 1, -1),
        outcome,
        claim: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant("begin" as const),
        ordinal: fc.oneof(fc.nat(most), odd),
        holder: fc.constantFrom("x", "y"),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("time" as const),
        ms: fc.constantFrom(1, 1_000, 40_000, 400_000, -5_000),
      }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant("woken" as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("accepted" as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("step" as const),
        back: fc.nat(8),
        twist: fc.constantFrom(0, 0, 0, 1, -1),
        name: fc.constantFrom("one", "two"),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constantFrom("awaited" as const, "subscribed" as const, "waiters_acknowledged" as const),
        runId: fc.constantFrom(...OTHERS),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("garbage" as const),
        ordinal: fc.oneof(fc.nat(most), odd),
        attempt: fc.oneof(fc.nat(3), odd),
        token: fc.oneof(fc.nat(30), odd),
      }),
    },
  );
}

/** The event that this move is for the run as it is; null if only time passes. `granted`: what was granted so far. */
export function eventOf(
  move: Move,
  granted: readonly { readonly ordinal: number; readonly attempt: number; readonly token: number }[],
  revision = 0,
): MachineEvent | null {
  const claim = { holding: 0, budgetMs: 28_000 };
  switch (move.type) {
    case "time":
      return null;
    case "claim":
      return { type: "claimed", claim: move };
    case "begin":
      return { type: "begun", ordinal: move.ordinal, holder: move.holder };
    case "settle": {
      const lease = granted.at(-1 - move.back);
      if (lease === undefined) return { type: "claimed", claim };
      const attempt = { ...lease, token: lease.token + move.twist, outcome: move.outcome, children: [], logs: null };
      return { type: "settled", attempts: [attempt], claim: move.claim ? claim : null };
    }
    case "garbage":
      return { type: "settled", attempts: [{ ...move, outcome: succeeded(), children: [], logs: null }], claim: null };
    case "step": {
      const lease = granted.at(-1 - move.back);
      if (lease === undefined) return { type: "claimed", claim };
      return {
        type: "stepped",
        lease: { ...lease, token: lease.token + move.twist },
        name: move.name,
        result: PAYLOAD,
      };
    }
    case "awaited":
      return { type: "awaited", runs: [{ runId: move.runId, status: "succeeded" }] };
    case "subscribed":
      return { type: "subscribed", by: move.runId };
    case "waiters_acknowledged":
      return { type: "waiters_acknowledged", waiters: [move.runId], revision };
    case "accepted":
      return { type: "accepted", claim: null };
    case "woken":
      return { type: "woken" };
    case "cancelled":
    case "retried":
      return { type: move.type };
  }
}

const grantedTo = new WeakMap<Play, { ordinal: number; attempt: number; token: number }[]>();

/** Plays the move and remembers what it granted. */
export function playMove(play: Play, move: Move): void {
  const granted = grantedTo.get(play) ?? [];
  grantedTo.set(play, granted);
  const event = eventOf(move, granted, play.run.revision);
  if (event === null && move.type === "time") play.now += move.ms;
  if (event !== null) granted.push(...play.event(event).leases);
}
