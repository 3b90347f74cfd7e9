import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Prng } from "../../scripts/chaos/prng.ts";
import { planKills } from "../../scripts/chaos/killer.ts";
import { KINDS } from "../../scripts/chaos/kinds.ts";
import { drawItems } from "../../scripts/chaos/load.ts";
import { versionsOfConf } from "../../scripts/chaos/versions.ts";
import { checkProject } from "../../src/compiler/compile.ts";
import { projectPaths } from "../../src/compiler/project-paths.ts";
import { graphFrom } from "../../src/domain/plan/run-graph.ts";

const ROOT = join(import.meta.dirname, "../..");
const SEED = 7;

const folder = mkdtempSync(join(tmpdir(), "peach-chaos-plan-"));
afterAll(() => rmSync(folder, { recursive: true }));
const VERSIONS = versionsOfConf(folder).map((conf) =>
  checkProject(projectPaths({ PEACH_CONF: conf, PEACH_PIPELINES: join(ROOT, "scripts/chaos/pipelines") }, ROOT, ROOT)),
);
const graphsOf = (root: string): readonly (readonly string[])[] =>
  VERSIONS.flatMap(({ compiled }) => {
    const graph = compiled === null ? null : graphFrom(compiled.plan, root);
    return graph === null ? [] : [graph.tasks.map(({ name }) => name).toSorted()];
  });

describe("the pipelines of npm run chaos", () => {
  it("the pipelines of npm run chaos compile in both versions", () => {
    expect(VERSIONS.map(({ diagnostics }) => diagnostics)).toEqual([[], []]);
  });

  it("the pipelines of npm run chaos differ between the versions in tasks, a method, a lane, a limit and a way of dispatch", () => {
    const plans = VERSIONS.map(({ compiled }) => compiled?.plan.tasks ?? {});
    expect(plans.map((tasks) => ["novel" in tasks, "former" in tasks])).toEqual([
      [false, true],
      [true, false],
    ]);
    const differing = plans.map(({ fan_join, long, limited_2, direct }) => [
      fan_join?.method,
      long?.timeoutMs,
      limited_2?.limits?.concurrency?.limit,
      direct?.dispatch,
    ]);
    for (const [index, value] of (differing[0] ?? []).entries()) expect(differing[1]?.[index]).not.toEqual(value);
  });

  it.for([...KINDS])("the kind %s has the tasks of its graph in each version that has it", ([root, kind]) => {
    const graphs = graphsOf(root);
    expect(graphs).toHaveLength(kind.isInOneVersion === true ? 1 : 2);
    for (const graph of graphs) expect(graph).toEqual([...kind.tasks].toSorted());
  });
});

describe("what is sent", () => {
  it("what is sent is the same for the same seed, and another for another", () => {
    const items = drawItems(new Prng(SEED), SEED, 500, 0);
    expect(drawItems(new Prng(SEED), SEED, 500, 0)).toEqual(items);
    expect(drawItems(new Prng(SEED + 1), SEED, 500, 0)).not.toEqual(items);
  });

  it("what is sent has every kind that has a share, and no other", () => {
    const drawn = new Set(drawItems(new Prng(SEED), SEED, 2_000, 0).map(({ kind }) => kind));
    const shared = [...KINDS].flatMap(([name, { share }]) => (share > 0 ? [name] : []));
    expect([...drawn].toSorted()).toEqual(shared.toSorted());
  });

  it("what is sent has as many runs with a poison item as are asked for, spread over all", () => {
    const items = drawItems(new Prng(SEED), SEED, 500, 2);
    expect(items.flatMap(({ kind }, index) => (kind === "poison" ? [index] : []))).toEqual([249, 499]);
  });

  it("what is sent is sent twice only with a key", () => {
    const twice = drawItems(new Prng(SEED), SEED, 500, 0).filter((item) => item.twice);
    expect(twice.length).toBeGreaterThan(0);
    expect(twice.filter(({ key }) => key === null)).toEqual([]);
  });
});

describe("the plan of the kills", () => {
  it.for([0, 1, 2, 3, 20, 100])("the plan of the kills has %i kills, those of the load in order", (kills) => {
    const plan = planKills(new Prng(SEED), kills, 2_000);
    expect(plan).toHaveLength(kills);
    const after = plan.filter(({ phase }) => phase === "load").map(({ afterAccepted }) => afterAccepted);
    expect(after).toEqual(after.toSorted((one, other) => one - other));
    expect(after.every((count) => count >= 1 && count < 2_000)).toBe(true);
  });

  it("the plan of the kills has kills in each phase, if there are three", () => {
    expect(planKills(new Prng(SEED), 3, 150).map(({ phase }) => phase)).toEqual(["load", "drain", "retention"]);
  });
});
