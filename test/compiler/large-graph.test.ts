import { expect, it } from "vitest";
import { KnownNames } from "../../src/compiler/known-names.ts";
import { planOf, problemsOf } from "./project.ts";

//   t0 ─┬─> l0 ─┬─> t1 ─┬─> ...
//       └─> r0 ─┘       └─> ...
it("a graph with very many ways through it is walked once", async () => {
  const rungs = Array.from(
    { length: 60 },
    (_, index) => `  t${index}: {method: a, downstream: [l${index}, r${index}]}
  l${index}: {method: b, downstream: t${index + 1}}
  r${index}: {method: c, downstream: t${index + 1}}
`,
  );
  const plan = await planOf(`tasks:\n${rungs.join("")}  t60: {method: d}\n`);
  expect(plan.tasks["t60"]?.upstream).toEqual(["l59", "r59"]);
});

it("a cycle that two ways lead to is shown once", async () => {
  const conf = `tasks:
  t: {method: a, downstream: [l, r]}
  l: {method: b, downstream: u}
  r: {method: c, downstream: u}
  u: {method: d, downstream: v}
  v: {method: e, downstream: u}
`;
  expect((await problemsOf(conf)).match(/a cycle: .*/g)).toEqual(["a cycle: u → v → u [PEACH203]"]);
});

it("a chain of 5000 tasks compiles", async () => {
  const chain = Array.from({ length: 5000 }, (_, index) => `  t${index}: {method: a, downstream: t${index + 1}}\n`);
  const plan = await planOf(`tasks:\n${chain.join("")}  t5000: {method: b}\n`);
  expect(Object.keys(plan.tasks)).toHaveLength(5001);
}, 30_000);

it("a conf may use an anchor in each of many tasks", async () => {
  const tasks = Array.from({ length: 500 }, (_, index) => `  t${index}: {<<: *base, timeout: *long}\n`);
  const conf = `tasks:\n  base: &base {method: a, timeout: &long 2m, retries: 5}\n${tasks.join("")}`;
  const { tasks: planned } = await planOf(conf);
  expect(planned["t499"]).toMatchObject({ timeoutMs: 120_000, retries: { limit: 5 } });
});

it("a hint about an unknown name lists some of many, and names the most similar one", async () => {
  const tasks = Array.from({ length: 500 }, (_, index) => `  task_${index}: {method: a}\n`);
  const problems = await problemsOf(`tasks:\n${tasks.join("")}  last: {method: b, downstream: tusk_77}\n`);
  expect(problems).toContain("did you mean `task_77`? tasks: task_0, task_1, ");
  expect(problems).toContain(", task_29 and 471 more");
});

it("a file of nothing but unknown names is not searched for similar ones without end", () => {
  const names = new KnownNames(Array.from({ length: 20_000 }, (_, index) => `task_${index}`));
  expect(names.nearest("tusk_77")).toBe("task_77");
  const found = Array.from({ length: 100 }, () => names.nearest("tusk_77"));
  expect(found.filter((name) => name !== null).length).toBeLessThan(60);
});
