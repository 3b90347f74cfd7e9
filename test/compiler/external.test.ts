import { describe, expect, it } from "vitest";
import { planOf, problemsOf } from "./project.ts";

describe("an external task", () => {
  it("an external task may wait for 30 days", async () => {
    const plan = await planOf("tasks:\n  t: {method: a, external: true, timeout: 30d}\n  u: {method: a}\n");
    expect(plan.tasks["t"]).toMatchObject({ external: true, timeoutMs: 30 * 86_400_000 });
    expect(plan.tasks["u"]).toMatchObject({ external: false });
  });

  it("an external task is reported when it waits for longer, or a task that is not external does", async () => {
    const conf = "tasks:\n  t: {method: a, external: true, timeout: 31d}\n  u: {method: b, timeout: 15m}\n";
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:43: tasks.t.timeout: expected a duration of at most 30d, given 31d [PEACH105]
        2 |   t: {method: a, external: true, timeout: 31d}
          |                                           ^^^

      peach.conf:3:27: tasks.u.timeout: expected a duration of at most 14m, given 15m [PEACH105]
        3 |   u: {method: b, timeout: 15m}
          |                           ^^^
        hint: work that takes longer is done elsewhere and reported back: that is what \`external\` tasks are for"
    `);
  });

  it("an external task leaves no room for an endpoint at the address of completion URLs", async () => {
    const conf = "endpoints:\n  e: {method: handle, url: /complete/it}\n";
    expect(await problemsOf(conf)).toContain("/complete");
  });
});
