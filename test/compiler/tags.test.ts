import { describe, expect, it } from "vitest";
import { planOf, problemsOf } from "./project.ts";

describe("tags in peach.conf", () => {
  it("tags in peach.conf are a text or a list, and stand in the plan as they are written", async () => {
    const { tasks } = await planOf(`tasks:
  one: {method: a, tags: news}
  two: {method: b, tags: [news, "lang:{payload.language}"]}
  none: {method: c}
`);
    expect(tasks["one"]?.tags).toEqual(["news"]);
    expect(tasks["two"]?.tags).toEqual(["news", "lang:{payload.language}"]);
    expect(tasks["none"]).not.toHaveProperty("tags");
  });

  it("tags in peach.conf are refused where they are no tags, or too many", async () => {
    const many = Array.from({ length: 11 }, (_, index) => `t${index}`).join(", ");
    expect(
      await problemsOf(`tasks:
  a: {method: a, tags: ["{language}"]}
  b: {method: b, tags: [7]}
  c: {method: c, tags: [${many}]}
`),
    ).toMatchInlineSnapshot(`
      "peach.conf:2:25: tasks.a.tags[0]: expected a tag such as news or lang:{payload.language}, given "{language}" [PEACH103]
        2 |   a: {method: a, tags: ["{language}"]}
          |                         ^^^^^^^^^^^^
        hint: did you mean {payload.language}?

      peach.conf:3:25: tasks.b.tags[0]: expected a tag such as news or lang:{payload.language}, given 7 [PEACH103]
        3 |   b: {method: b, tags: [7]}
          |                         ^

      peach.conf:4:24: tasks.c.tags: expected at most 10 tags, given a list [PEACH103]
        4 |   c: {method: c, tags: [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10]}
          |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    `);
  });
});
