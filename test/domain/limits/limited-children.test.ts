import { describe, expect, it } from "vitest";
import { limitPathsOf, shownKey, type TaskLimits } from "../../../src/domain/limits/limit.ts";
import { limitedChildren, limitedReader } from "../../../src/domain/limits/limited-children.ts";
import { entryOf } from "../../../src/domain/run/state.ts";
import { FRESH_DRIVER, graphOf, passedArray, Play, type TaskSettings } from "../../support/run-play.ts";

const UNKEYED: TaskLimits = { concurrency: { limit: 5, strategy: "queue", key: null }, rateLimit: null, priority: 3 };
const BY_USER: TaskLimits = {
  concurrency: { limit: 5, strategy: "queue", key: ["user"] },
  rateLimit: { limit: 9, perMs: 60_000, key: ["tenant", "id"] },
  priority: ["urgency"],
};
const ALL = { each: { maxParallel: 100, onError: "fail" } } as const;

/** What is looked for in what `entry` passes: of each child, where, and whether in each item. */
function lookedFor(play: Play, entry: string): unknown[] {
  const found = entryOf(play.run, play.ordinalOf(entry));
  if (found === undefined) throw new Error(`there is no ${entry}`);
  return limitedChildren(play.run, found).map(({ child, paths, each }) => [child, Object.keys(paths), each]);
}

const EVERYTHING = ["concurrency", "rate_limit", "priority"];

describe("the keys of limits", () => {
  it("the keys of limits are looked for where peach.conf names a place in the payload", () => {
    expect(limitPathsOf(BY_USER)).toEqual({
      concurrency: ["user"],
      rate_limit: ["tenant", "id"],
      priority: ["urgency"],
    });
    expect(limitPathsOf({ ...BY_USER, priority: 0 })).toEqual({ concurrency: ["user"], rate_limit: ["tenant", "id"] });
    expect(limitPathsOf(UNKEYED)).toBeNull();
  });

  it("the keys of limits are shown as texts where they are texts, and as JSON otherwise", () => {
    expect(['"ann"', "3", "true", null].map(shownKey)).toEqual(["ann", "3", "true", null]);
  });
});

describe("in what a task passes", () => {
  //   a ──▶ b   (limits by user)
  //     └─▶ c   (limits without a key)
  it("the keys of children are looked for if they have limits with a key", () => {
    const settings: TaskSettings = { b: { limits: BY_USER }, c: { limits: UNKEYED } };
    const play = new Play("a > b c d", settings);
    expect(lookedFor(play, "a")).toEqual([["b", EVERYTHING, false]]);
    expect(lookedFor(play, "b")).toEqual([]);
  });

  //   a ──▶ b ──▶ join   (each key below the name of the parent that passes it)
  //     └─▶ c ──▶
  it("the keys of a join are looked for below the name of the task that passes them", () => {
    const joins: TaskLimits = {
      concurrency: { limit: 5, strategy: "queue", key: ["b", "user"] },
      rateLimit: { limit: 9, perMs: 60_000, key: ["c", "tenant", "id"] },
      priority: ["b", "urgency"],
    };
    const settings: TaskSettings = { join: { limits: joins } };
    const { tasks } = graphOf("a > b c d, b > join, c > join, d > join", settings);
    const join = tasks.find(({ name }) => name === "join");
    if (join === undefined) throw new Error("there is no join");
    expect(limitedReader(join, "b")).toEqual({
      child: "join",
      paths: { concurrency: ["user"], priority: ["urgency"] },
      each: false,
    });
    expect(limitedReader(join, "c")?.paths).toEqual({ rate_limit: ["tenant", "id"] });
    expect(limitedReader(join, "d")).toBeNull();
  });

  //   list ──▶ each item ──▶ each item again
  //                     └──▶ all of them
  it("the keys of a child that runs once per item are looked for in each item, and those of any other in the whole", () => {
    const settings: TaskSettings = {
      item: { ...ALL, limits: BY_USER },
      again: { ...ALL, limits: BY_USER },
      whole: { limits: BY_USER },
    };
    const play = new Play("list > item, item > again whole", settings, { claim: FRESH_DRIVER });
    play.settle("list", passedArray(2));
    expect(lookedFor(play, "list")).toEqual([["item", EVERYTHING, true]]);
    expect(lookedFor(play, "item[1]")).toEqual([["again", EVERYTHING, false]]);
    expect(lookedFor(play, "item")).toEqual([["whole", EVERYTHING, false]]);
  });
});
