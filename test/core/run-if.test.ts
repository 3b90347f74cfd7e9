import { describe, expect, it } from "vitest";
import type { Ending, RunIf } from "../../src/core/run-if.ts";
import { RUN_IFS } from "../../src/core/run-if.ts";
import { fold } from "../../src/core/fold.ts";
import { failed, Play, succeeded } from "../support/run-play.ts";

/** The rules in the words of the product's page. */
const HOLDS: Readonly<Record<RunIf, (endings: readonly Ending[]) => boolean>> = {
  all_success: (endings) => endings.every((ending) => ending === "succeeded"),
  all_done: () => true,
  one_success: (endings) => endings.includes("succeeded"),
  one_failed: (endings) => endings.includes("failed"),
  none_failed: (endings) => !endings.includes("failed"),
};

const ENDINGS: readonly Ending[] = ["succeeded", "failed", "skipped", "cancelled"];

function combinations(length: number): Ending[][] {
  if (length === 0) return [[]];
  return combinations(length - 1).flatMap((rest) => ENDINGS.map((ending) => [...rest, ending]));
}

/**
 *            ┌▶ p0 ─┐
 *     root ──┼▶ p1 ─┼▶ join
 *            └▶ p2 ─┘
 *
 * Ends the parents as said, in that order; the first ones are cancelled or left unchosen before the others end.
 */
function playJoin(rule: RunIf, endings: readonly Ending[]): Play {
  const parents = endings.map((_, index) => `p${index}`);
  const dag = [`root > ${parents.join(" ")}`, ...parents.map((parent) => `${parent} > join`)].join(", ");
  const retries = Object.fromEntries(parents.map((parent) => [parent, { retries: 0 }]));
  const play = new Play(dag, { ...retries, join: { runIf: rule } });
  play.claim();
  const chosen = parents.filter((_, index) => endings[index] !== "skipped");
  const chose = succeeded("root");
  play.settle("root", chose.type === "succeeded" ? { ...chose, passed: { ...chose.passed, chosen } } : chose);
  play.claim();
  for (const [index, ending] of endings.entries()) {
    const ordinal = play.run.tasks.findIndex(({ task }) => task.name === `p${index}`);
    // No event cancels a single task of a run that goes on, so its journal is made to say so.
    if (ending === "cancelled")
      fold(play.run, { tasks: [{ ordinal, state: { status: "cancelled", finishedAt: 1 }, attempts: [] }] });
  }
  for (const [index, ending] of endings.entries()) {
    if (ending === "succeeded") play.settle(`p${index}`, succeeded());
    if (ending === "failed") play.settle(`p${index}`, failed());
  }
  return play;
}

/** The machine looks at a join when one of its upstream tasks ends by an event. */
const decided = [...combinations(2), ...combinations(3)].filter((endings) =>
  endings.some((ending) => ending === "succeeded" || ending === "failed"),
);

describe.each(RUN_IFS)("run_if: %s", (rule) => {
  it.each(decided)("is what the rule says when upstream tasks end as %s, %s %s", (...given) => {
    const endings = given.filter((ending) => ending !== undefined);
    const play = playJoin(rule, endings);
    const status = play.run.tasks.find(({ task }) => task.name === "join")?.state.status;
    expect(status).toBe(HOLDS[rule](endings) ? "queued" : "skipped");
  });

  it("starts a join once, and finishes the run", () => {
    const play = playJoin(rule, ["failed", "succeeded"]);
    play.succeedAll();
    const join = play.run.tasks.find(({ task }) => task.name === "join");
    expect(join?.attempts.length).toBe(HOLDS[rule](["failed", "succeeded"]) ? 1 : 0);
    expect(play.run.status).toBe("failed");
  });
});

describe("the reason of a skipped task", () => {
  it.each([
    ["all_success", ["failed", "succeeded"], "upstream_failed"],
    ["all_success", ["skipped", "succeeded"], "upstream_skipped"],
    ["none_failed", ["skipped", "failed"], "upstream_failed"],
    ["one_success", ["failed", "skipped"], "no_upstream_success"],
    ["one_failed", ["succeeded", "skipped"], "no_upstream_failure"],
  ] as const)("under %s with %s is said", (rule, endings, reason) => {
    const join = playJoin(rule, endings).run.tasks.find(({ task }) => task.name === "join");
    expect(join?.state).toMatchObject({ status: "skipped", reason });
  });

  it("is not_chosen for a child that its parent left out, whatever its rule", () => {
    const play = playJoin("all_done", ["skipped", "succeeded"]);
    expect(play.run.tasks.find(({ task }) => task.name === "p0")?.state).toMatchObject({
      status: "skipped",
      reason: "not_chosen",
    });
  });
});

it("a task that chooses no children skips them all, and the run succeeds", () => {
  const play = new Play("root > a b, a > c");
  play.claim();
  const nothing = succeeded();
  play.settle(
    "root",
    nothing.type === "succeeded" ? { ...nothing, passed: { ...nothing.passed, chosen: [] } } : nothing,
  );
  expect(play.run.tasks.map(({ state }) => state.status)).toEqual(["succeeded", "skipped", "skipped", "skipped"]);
  expect(play.run.status).toBe("succeeded");
});
