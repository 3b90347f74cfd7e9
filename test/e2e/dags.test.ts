import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { SEED } from "../support/seed.ts";
import type { RunDocument } from "./peach.ts";
import { confOf, randomDags, type RandomDag, type RandomTask } from "./random-dags.ts";
import { Stage } from "./stage.ts";

const COUNT = 200;
const MAX_TASKS = 25;
const AT_ONCE = 16;
const LIMIT_MS = 180_000;

const reading = z.object({ payload: z.unknown(), read: z.unknown() });
const passing = z.object({ by: z.string(), of: z.string() });
type Passed = z.infer<typeof passing>;

describe(`${COUNT} random graphs of up to ${MAX_TASKS} tasks (PEACH_TEST_SEED=${SEED})`, () => {
  const dags = randomDags(SEED, COUNT, MAX_TASKS);
  /** By graph. */
  const runs = new Map<RandomDag, RunDocument>();
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open("dags", confOf(dags, "combine"));
    const waiting = dags.values();
    const lane = async (): Promise<void> => {
      for (const dag of waiting) {
        const { run_id } = await stage.peach.trigger(dag[0].name, triggerOf(dag));
        runs.set(dag, await stage.peach.finished(run_id, 60_000));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return () => stage.close();
  }, LIMIT_MS);

  it("all succeed, every task of them", () => {
    const statuses = dags.map((dag) => runs.get(dag)?.tasks.map(({ status }) => status));
    expect(statuses).toEqual(dags.map((dag) => dag.map(() => "succeeded")));
  });

  it("executed every task exactly once", () => {
    const executed = stage.recorder.reports("start").map(({ run, task, attempt }) => `${run} ${task} ${attempt}`);
    const expected = dags.flatMap((dag) => dag.map(({ name }) => `${runs.get(dag)?.run_id} ${name} 1`));
    expect(executed.toSorted()).toEqual(expected.toSorted());
  });

  it("started no task before every upstream task had ended", () => {
    const early = dags.flatMap((dag) => {
      const ends = new Map(reportsOf(dag, "end").map(({ task, at }) => [task, at]));
      const starts = new Map(reportsOf(dag, "start").map(({ task, at }) => [task, at]));
      return dag.flatMap(({ name, upstream }) =>
        upstream
          .filter((parent) => (ends.get(parent) ?? Infinity) > (starts.get(name) ?? -Infinity))
          .map((parent) => `${name} before ${parent}`),
      );
    });
    expect(early).toEqual([]);
  });

  it("gave every task exactly what its upstream tasks passed, a join all of it", () => {
    for (const dag of dags) {
      const passed = new Map(reportsOf(dag, "end").map(({ task, data }) => [task, passing.parse(data)]));
      for (const task of dag) {
        const [start] = reportsOf(dag, "start").filter((entry) => entry.task === task.name);
        const { payload, read } = reading.parse(start?.data);
        const expected = expectedRead(dag, task, passed);
        expect({ task: task.name, payload, read }).toEqual({ task: task.name, payload: expected, read: expected });
        expect(passed.get(task.name)).toEqual({ by: task.name, of: digest(read) });
      }
    }
  });

  function reportsOf(dag: RandomDag, event: string): ReturnType<typeof stage.recorder.of> {
    return stage.recorder.of(runs.get(dag)?.run_id ?? "", event);
  }
});

function triggerOf([root]: RandomDag): unknown {
  return { trigger: root.name };
}

/** By the number of upstream tasks: the trigger, the value of the one, an object by name. */
function expectedRead(dag: RandomDag, { upstream }: RandomTask, passed: ReadonlyMap<string, Passed>): unknown {
  const [only, ...others] = upstream;
  if (only === undefined) return triggerOf(dag);
  if (others.length === 0) return passed.get(only);
  return Object.fromEntries(upstream.map((parent) => [parent, passed.get(parent)]));
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
