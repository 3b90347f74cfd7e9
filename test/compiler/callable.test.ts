import { expect, it } from "vitest";
import { isCallable } from "../../src/domain/plan/plan.ts";
import { planOf, problemsOf } from "./project.ts";

it("tokens may trigger tasks without upstream, and those that say `callable: true`", async () => {
  const { tasks } = await planOf(`tasks:
  root: {method: a, downstream: [after, open]}
  closed: {method: b, callable: false}
  after: {method: c}
  open: {method: d, callable: true}
`);
  const callable = Object.values(tasks).map((task) => [task.name, isCallable(task)]);
  expect(Object.fromEntries(callable)).toEqual({ root: true, closed: false, after: false, open: true });
});

it("`callable` is true or false", async () => {
  expect(await problemsOf("tasks:\n  t: {method: a, callable: everybody}\n")).toMatchInlineSnapshot(`
    "peach.conf:2:28: tasks.t.callable: expected true or false, given everybody [PEACH103]
      2 |   t: {method: a, callable: everybody}
        |                            ^^^^^^^^^"
  `);
});
