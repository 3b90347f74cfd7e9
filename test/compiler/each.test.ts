import { describe, expect, it } from "vitest";
import { allProblemsOf, problemsOf } from "./project.ts";

const IMPORTS = `import { task } from "peach/task-helpers";\nimport { z } from "zod";\n`;

describe("`each`", () => {
  it("`each` is reported of a task with several upstream tasks", async () => {
    const conf = `tasks:
  a: {method: a, downstream: c}
  b: {method: b, downstream: c}
  c:
    method: handle
    each: true
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:6:5: tasks.c.each: a task runs over the array of one upstream task, and \`c\` has 2 [PEACH205]
        6 |     each: true
          |     ^^^^
        hint: its upstream tasks are a, b: put a task between that passes one array"
    `);
  });

  it("`each` is reported of an external task", async () => {
    const conf = "tasks:\n  a: {method: a, each: true, external: true}\n";
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:18: tasks.a.each: an external task has no items [PEACH206]
        2 |   a: {method: a, each: true, external: true}
          |                  ^^^^
        hint: it is completed once; for each item trigger an external task of its own, with triggerTaskWithEvent"
    `);
  });

  it("`each` is reported when it is neither true nor a mapping", async () => {
    expect(await problemsOf("tasks:\n  a: {method: a, each: false}\n")).toMatchInlineSnapshot(`
      "peach.conf:2:24: tasks.a.each: expected true, or a mapping with max_parallel or on_error, given false [PEACH103]
        2 |   a: {method: a, each: false}
          |                        ^^^^^"
    `);
  });

  it("`each` is reported with values that are none", async () => {
    const conf = `tasks:
  a:
    method: a
    each: {max_parallel: 0, on_error: stop}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:26: tasks.a.each.max_parallel: expected a whole number from 1 to 10000, given 0 [PEACH105]
        4 |     each: {max_parallel: 0, on_error: stop}
          |                          ^

      peach.conf:4:39: tasks.a.each.on_error: expected one of fail, continue, given stop [PEACH106]
        4 |     each: {max_parallel: 0, on_error: stop}
          |                                       ^^^^"
    `);
  });

  it("`each` asks of an edge that an array of items passes through it", async () => {
    const conf = `tasks:
  numbers: {method: numbers, downstream: [doubled, shouted, total]}
  doubled: {method: doubled, each: true, downstream: [total_of, shouted_again]}
  shouted: {method: shouted, each: true}
  total: {method: total, each: true}
  total_of: {method: total_of}
  shouted_again: {method: shouted}
  patient: {method: doubled, each: {on_error: continue}, downstream: total_later}
  total_later: {method: total_of}
`;
    const methods = `${IMPORTS}
export const numbers = task({ output: z.array(z.number()), run: () => [1] });
export const doubled = task({ input: z.number(), output: z.number(), run: (n) => n * 2 });
export const shouted = task({ input: z.string(), run: () => {} });
export const total = task({ input: z.array(z.number()), run: () => {} });
export const total_of = task({ input: z.array(z.number()), run: () => {} });
`;
    const problems = await allProblemsOf({ conf, pipelines: { "tasks.ts": methods } });
    const refused = [...problems.matchAll(/what `(\w+)` passes does not fit what `(\w+)` takes/g)];
    expect(refused.map(([, parent, child]) => `${parent} → ${child}`)).toEqual([
      "numbers → shouted",
      "numbers → total",
      "doubled → shouted_again",
      "patient → total_later",
    ]);
    expect(problems).toContain("shouted runs once per item of the array that numbers passes");
  });
});
