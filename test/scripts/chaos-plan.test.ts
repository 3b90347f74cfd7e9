import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Dice } from "../../scripts/chaos/dice.ts";
import { planKills } from "../../scripts/chaos/killer.ts";
import { KINDS } from "../../scripts/chaos/kinds.ts";
import { drawItems } from "../../scripts/chaos/load.ts";
import { checkProject } from "../../src/conf/compile.ts";
import { projectPaths } from "../../src/conf/project-paths.ts";
import { graphFrom } from "../../src/core/graph.ts";

const ROOT = join(import.meta.dirname, "../..");
const SEED = 7;

describe("the pipelines of npm run chaos", () => {
  const { compiled, diagnostics } = checkProject(
    projectPaths(
      { PEACH_CONF: join(ROOT, "scripts/chaos/peach.conf"), PEACH_PIPELINES: join(ROOT, "scripts/chaos/pipelines") },
      ROOT,
      ROOT,
    ),
  );

  it("compile", () => {
    expect(diagnostics).toEqual([]);
  });

  it.for([...KINDS])("the kind %s has the tasks of its graph", ([root, { tasks }]) => {
    const graph = compiled === null ? null : graphFrom(compiled.plan, root);
    expect(graph?.tasks.map(({ name }) => name).toSorted()).toEqual([...tasks].toSorted());
  });
});

describe("what is sent", () => {
  it("is the same for the same seed, and another for another", () => {
    const items = drawItems(new Dice(SEED), SEED, 500);
    expect(drawItems(new Dice(SEED), SEED, 500)).toEqual(items);
    expect(drawItems(new Dice(SEED + 1), SEED, 500)).not.toEqual(items);
  });

  it("has every kind that has a share, and no other", () => {
    const drawn = new Set(drawItems(new Dice(SEED), SEED, 2_000).map(({ kind }) => kind));
    const shared = [...KINDS].flatMap(([name, { share }]) => (share > 0 ? [name] : []));
    expect([...drawn].toSorted()).toEqual(shared.toSorted());
  });

  it("is sent twice only with a key", () => {
    const twice = drawItems(new Dice(SEED), SEED, 500).filter((item) => item.twice);
    expect(twice.length).toBeGreaterThan(0);
    expect(twice.filter(({ key }) => key === null)).toEqual([]);
  });
});

describe("the plan of the kills", () => {
  it.for([0, 1, 2, 3, 20, 100])("has %i kills, those of the load in order", (kills) => {
    const plan = planKills(new Dice(SEED), kills, 2_000);
    expect(plan).toHaveLength(kills);
    const after = plan.filter(({ phase }) => phase === "load").map(({ afterAccepted }) => afterAccepted);
    expect(after).toEqual(after.toSorted((one, other) => one - other));
    expect(after.every((count) => count >= 1 && count < 2_000)).toBe(true);
  });

  it("has kills in each phase, if there are three", () => {
    expect(planKills(new Dice(SEED), 3, 150).map(({ phase }) => phase)).toEqual(["load", "drain", "retention"]);
  });
});
