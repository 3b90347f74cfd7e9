import { describe, expect, it } from "vitest";
import { RUN_IFS, type RunIf } from "../../../src/domain/run/start-rule.ts";
import type { TaskLimits } from "../../../src/domain/limits/limit.ts";
import { failed, Play, succeeded } from "../../support/run-play.ts";

/**
 * What Airflow does for each combination of up to three upstream tasks (`TriggerRuleDep`, its own words for the rules), written
 * down by hand. Upstream tasks: `s` succeeded, `k` was skipped by choice, `f` failed, `u` was skipped because of a failure above
 * it. The join: `R` runs, `U` is skipped because of a failure, `S` is skipped otherwise. Columns in the order of `RULES`.
 */
const RULES = [
  "all_success",
  "all_done",
  "one_success",
  "one_failed",
  "none_failed",
  "all_failed",
  "none_failed_min_one_success",
] as const satisfies readonly RunIf[];

const TABLE = {
  s: "R R R S R S R",
  k: "S R S S R S S",
  f: "U R U R U R U",
  u: "U R U R U R U",

  ss: "R R R S R S R",
  sk: "S R R S R S R",
  sf: "U R R R U S U",
  su: "U R R R U S U",
  kk: "S R S S R S S",
  kf: "U R U R U S U",
  ku: "U R U R U S U",
  ff: "U R U R U R U",
  fu: "U R U R U R U",
  uu: "U R U R U R U",

  sss: "R R R S R S R",
  ssk: "S R R S R S R",
  ssf: "U R R R U S U",
  ssu: "U R R R U S U",
  skk: "S R R S R S R",
  skf: "U R R R U S U",
  sku: "U R R R U S U",
  sff: "U R R R U S U",
  sfu: "U R R R U S U",
  suu: "U R R R U S U",
  kkk: "S R S S R S S",
  kkf: "U R U R U S U",
  kku: "U R U R U S U",
  kff: "U R U R U S U",
  kfu: "U R U R U S U",
  kuu: "U R U R U S U",
  fff: "U R U R U R U",
  ffu: "U R U R U R U",
  fuu: "U R U R U R U",
  uuu: "U R U R U R U",
} as const;

/** The ways in which a task is skipped by nobody's fault, or cancelled while its run goes on: all count the same. */
const WAYS = ["not_chosen", "no_slot", "preempted"] as const;
type Way = (typeof WAYS)[number];

const ONE_AT_A_TIME: TaskLimits = {
  concurrency: { limit: 1, key: null, strategy: "skip" },
  rateLimit: null,
  priority: 0,
};

/** Every order of these letters, once each. */
function orders(letters: string): string[] {
  if (letters.length < 2) return [letters];
  const all = letters
    .split("")
    .flatMap((first, index) => orders(letters.slice(0, index) + letters.slice(index + 1)).map((rest) => first + rest));
  return [...new Set(all)];
}

/**
 *            ┌▶ g0 ─▶ p0 ─┐
 *     root ──┼▶ g1 ─▶ p1 ─┼▶ join ─▶ alarm (one_failed)
 *            └▶ g2 ─▶ p2 ─┘
 *
 * Ends the upstream tasks of the join as said, one after the other in that order.
 */
function playJoin(rule: RunIf, endings: string, way: Way = "not_chosen"): Play {
  const places = endings.split("").map((_, index) => index);
  const dag = [
    `root > ${places.map((index) => `g${index}`).join(" ")}`,
    ...places.map((index) => `g${index} > p${index}, p${index} > join`),
    "join > alarm",
  ].join(", ");
  const limited = way === "no_slot" ? { limits: ONE_AT_A_TIME } : {};
  const settings = places.map((index) => [`p${index}`, endings[index] === "k" ? limited : {}] as const);
  const play = new Play(dag, {
    ...Object.fromEntries(settings),
    join: { runIf: rule },
    alarm: { runIf: "one_failed" },
  });
  play.claim();
  play.settle("root", succeeded());
  play.claim();
  const endsBefore = (index: number): boolean =>
    endings[index] === "u" || (endings[index] === "k" && way === "not_chosen");
  for (const index of places) if (!endsBefore(index)) play.settle(`g${index}`, succeeded());
  play.claim();
  for (const index of places) end(play, index, endings[index] ?? "", way);
  return play;
}

function end(play: Play, index: number, ending: string, way: Way): void {
  const parent = `p${index}`;
  if (ending === "s") play.settle(parent, succeeded());
  else if (ending === "f") play.settle(parent, failed({ retryable: false }));
  else if (ending === "u") play.settle(`g${index}`, failed({ retryable: false }));
  else if (way === "not_chosen") play.settle(`g${index}`, succeeded("nothing", []));
  else {
    const type = way === "no_slot" ? "slot_denied" : "preempted";
    play.event({ type, ordinal: play.ordinalOf(parent), attempt: 1 });
  }
}

/** What became of the join, as its child sees it. */
function verdictOf(play: Play): "R" | "U" | "S" {
  if (play.stateOf("join").status === "queued") return "R";
  expect(play.stateOf("join").status).toBe("skipped");
  return play.stateOf("alarm").status === "queued" ? "U" : "S";
}

it("the table of what Airflow does names every rule, and every combination of up to three upstream tasks", () => {
  expect(RULES.toSorted()).toEqual(RUN_IFS.toSorted());
  expect(Object.keys(TABLE).flatMap(orders)).toHaveLength(4 + 16 + 64);
});

describe.each(Object.entries(TABLE))("a join whose upstream tasks end as %s", (endings, row) => {
  it(`comes to ${row}, in whatever order they end and however they were skipped`, () => {
    const expected = Object.fromEntries(row.split(" ").map((verdict, index) => [RULES[index], verdict]));
    for (const order of orders(endings)) {
      for (const way of endings.includes("k") ? WAYS : (["not_chosen"] as const)) {
        const came = Object.fromEntries(RULES.map((rule) => [rule, verdictOf(playJoin(rule, order, way))]));
        expect({ order, way, ...came }).toEqual({ order, way, ...expected });
      }
    }
  });
});

it.each(RUN_IFS)("a join of %s starts once at most, and its run ends", (rule) => {
  const play = playJoin(rule, "fs");
  const runs = play.stateOf("join").status === "queued";
  play.succeedAll();
  expect(play.attemptsOf("join").length).toBe(runs ? 1 : 0);
  expect(play.run.status).toBe("failed");
});

describe("the reason of a skipped task", () => {
  it.each([
    ["all_success", "fs", "upstream_failed"],
    ["all_success", "us", "upstream_failed"],
    ["all_success", "ks", "upstream_skipped"],
    ["all_success", "kf", "upstream_failed"],
    ["none_failed", "ku", "upstream_failed"],
    ["one_success", "fk", "upstream_failed"],
    ["one_success", "kk", "no_upstream_success"],
    ["one_failed", "sk", "no_upstream_failure"],
    ["all_failed", "fs", "upstream_succeeded"],
    ["all_failed", "fk", "upstream_skipped"],
    ["none_failed_min_one_success", "kk", "no_upstream_success"],
    ["none_failed_min_one_success", "su", "upstream_failed"],
  ] as const)("the reason of a skipped task under %s with %s is said", (rule, endings, reason) => {
    expect(playJoin(rule, endings).stateOf("join")).toMatchObject({ status: "skipped", reason });
  });

  it("the reason of a skipped task names a task that gave way to a newer attempt as cancelled", () => {
    expect(playJoin("all_success", "ks", "preempted").stateOf("join")).toMatchObject({ reason: "upstream_cancelled" });
    expect(playJoin("all_failed", "kf", "preempted").stateOf("join")).toMatchObject({ reason: "upstream_cancelled" });
  });

  it.each(RUN_IFS)(
    "the reason of a skipped task is not_chosen for a child that its parent left out, under %s too",
    (rule) => {
      const play = new Play("a > b c", { b: { runIf: rule } });
      play.claim();
      play.settle("a", succeeded("a", ["c"]));
      expect(play.stateOf("b")).toMatchObject({ status: "skipped", reason: "not_chosen" });
    },
  );
});

describe("a join that one parent did not choose and another one's failure forbids", () => {
  /** root ─▶ a, b ─▶ join ─▶ alarm; `a` chooses nobody, `b` fails. */
  function both(rule: RunIf, ...order: readonly ("a" | "b")[]): Play {
    const settings = { join: { runIf: rule }, alarm: { runIf: "one_failed" } } as const;
    const play = new Play("root > a b, a > join, b > join, join > alarm", settings);
    play.claim();
    play.settle("root", succeeded());
    play.claim();
    for (const task of order) play.settle(task, task === "a" ? succeeded("a", []) : failed({ retryable: false }));
    return play;
  }

  it.each([
    ["all_success", "upstream_failed"],
    ["none_failed", "upstream_failed"],
    ["none_failed_min_one_success", "upstream_failed"],
    ["one_success", "not_chosen"],
    ["one_failed", "not_chosen"],
    ["all_failed", "not_chosen"],
    ["all_done", "not_chosen"],
  ] as const)(
    "a join that one parent did not choose and another one's failure forbids is skipped under %s as %s, whichever came first",
    (rule, reason) => {
      for (const play of [both(rule, "a", "b"), both(rule, "b", "a")])
        expect(play.stateOf("join")).toMatchObject({ status: "skipped", reason });
    },
  );
});

it("a failure is seen by rules any number of tasks further down", () => {
  const settings = { alarm: { runIf: "one_failed" }, publish: { runIf: "none_failed" } } as const;
  const play = new Play("bad > mid, mid > deep, deep > alarm publish", settings);
  play.claim();
  play.settle("bad", failed({ retryable: false }));
  expect(play.stateOf("alarm").status).toBe("queued");
  expect(play.stateOf("publish")).toMatchObject({ status: "skipped", reason: "upstream_failed" });
});

it("a task that chooses no children skips them all, and the run succeeds", () => {
  const play = new Play("root > a b, a > c");
  play.claim();
  play.settle("root", succeeded("root", []));
  expect(play.run.tasks.map(({ state }) => state.status)).toEqual(["succeeded", "skipped", "skipped", "skipped"]);
  expect(play.run.status).toBe("succeeded");
});
