import { describe, expect, it } from "vitest";
import { EVENT_NAME } from "../../../src/domain/event-name.ts";
import { tasksListeningTo, tasksTriggeredBy } from "../../../src/domain/plan/event-routing.ts";
import { planOf, r2Rule, taskPlan } from "../../support/plan.ts";

const CREATED = { bucket: "uploads", key: "audio/a.mp3", action: "create" } as const;

describe("which tasks a change in a bucket triggers", () => {
  it.each([
    ["every key of the bucket where prefix and suffix are empty", {}, true],
    ["a key with the prefix and the suffix", { prefix: "audio/", suffix: ".mp3" }, true],
    ["a key that is its prefix and its suffix at once", { prefix: "audio/a.mp3", suffix: ".mp3" }, true],
    ["not another prefix", { prefix: "video/" }, false],
    ["not a prefix in the middle of the key", { prefix: "a.mp3" }, false],
    ["not another suffix", { suffix: ".wav" }, false],
    ["not a suffix in other letters", { suffix: ".MP3" }, false],
    ["not another bucket", { bucket: "downloads" }, false],
    ["not another action", { actions: ["delete"] }, false],
    ["one of several actions", { actions: ["delete", "create"] }, true],
  ] as const)("a rule for a change in a bucket takes %s", (_, rule, fits) => {
    const plan = planOf([taskPlan("transcribe", { on: { r2: [r2Rule(rule)] } })]);
    expect(tasksTriggeredBy(plan, CREATED)).toEqual(fits ? ["transcribe"] : []);
  });

  it("a change in a bucket triggers each task once, in file order, however many of its rules fit", () => {
    const on = { r2: [r2Rule(), r2Rule({ prefix: "audio/" })] };
    const plan = planOf([taskPlan("b", { on }), taskPlan("idle"), taskPlan("a", { on })]);
    expect(tasksTriggeredBy(plan, CREATED)).toEqual(["b", "a"]);
  });
});

describe("which tasks an event triggers", () => {
  it("an event triggers the tasks that list its very name, in file order", () => {
    const plan = planOf([
      taskPlan("b", { on: { events: ["audio.published", "audio.removed"] } }),
      taskPlan("idle"),
      taskPlan("other", { on: { events: ["audio"] } }),
      taskPlan("a", { on: { events: ["audio.published"] } }),
    ]);
    expect(tasksListeningTo(plan, "audio.published")).toEqual(["b", "a"]);
    expect(tasksListeningTo(plan, "AUDIO")).toEqual([]);
  });
});

describe("the name of an event", () => {
  it.each(["a", "audio.published", "A-1_b", "x".repeat(128)])("the name of an event is %j", (name) => {
    expect(EVENT_NAME.test(name)).toBe(true);
  });

  it.each(["", "a b", "a/b", " a", "a!", "!a", "x".repeat(129)])("the name of an event is not %j", (name) => {
    expect(EVENT_NAME.test(name)).toBe(false);
  });
});
