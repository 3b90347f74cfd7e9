import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { covers, neededRules, overlap, type NotificationRule } from "../../src/cli/notification-rules.ts";
import { planOf } from "../compiler/project.ts";

async function rulesOf(...r2: readonly string[]): Promise<readonly string[]> {
  const tasks = r2.map((rule, index) => `  t${index}: {method: a, on: {r2: {bucket: uploads, ${rule}}}}\n`);
  const plan = await planOf(`tasks:\n${tasks.join("")}`);
  return neededRules(plan).map(({ event, prefix, suffix }) => `${event} ${prefix}*${suffix}`);
}

describe("the rules by which R2 reports", () => {
  it("the rules by which R2 reports are one for each kind of event that a task waits for", async () => {
    expect(await rulesOf("prefix: audio/, suffix: .mp3", "prefix: video/, actions: [create, delete]")).toEqual([
      "object-create audio/*.mp3",
      "object-create video/*",
      "object-delete video/*",
    ]);
  });

  it("the rules by which R2 reports are joined where they overlap, since R2 refuses those", async () => {
    expect(await rulesOf("prefix: audio/", "prefix: audio/news/, suffix: .mp3")).toEqual(["object-create audio/*"]);
    expect(await rulesOf("prefix: audio/", "suffix: .mp3")).toEqual(["object-create *"]);
    expect(await rulesOf("prefix: a/, suffix: .mp3", "prefix: b/", "suffix: .mp3")).toEqual(["object-create *"]);
    expect(await rulesOf("prefix: a/, suffix: .mp3", "prefix: a/, suffix: .wav")).toHaveLength(2);
  });

  it("the rules by which R2 reports never overlap, and report whatever any task waits for", async () => {
    const plan = await planOf("tasks:\n  t: {method: a}\n");
    const base = Object.values(plan.tasks);
    const part = fc.stringMatching(/^[ab]{0,3}$/);
    const rule = fc.record({ bucket: fc.constantFrom("x", "y"), prefix: part, suffix: part });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), (wanted) => {
        const r2 = wanted.map((one) => ({ ...one, actions: ["create"] as const }));
        const tasks = Object.fromEntries(base.map((task) => [task.name, { ...task, on: { r2, events: [] } }]));
        const rules = neededRules({ ...plan, tasks });
        const pairs = rules.flatMap((a) => rules.filter((b) => a !== b && overlap(a, b)));
        const missed = wanted.filter((one) => {
          const needed: NotificationRule = { ...one, event: "object-create" };
          return !rules.some((known) => covers(known, needed));
        });
        expect([pairs, missed]).toEqual([[], []]);
      }),
    );
  });
});
