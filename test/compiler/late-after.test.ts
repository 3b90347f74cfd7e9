import { describe, expect, it } from "vitest";
import { planOf, problemsOf } from "./project.ts";

describe("late_after in peach.conf", () => {
  it("late_after in peach.conf is a duration of the plan, and absent unless it is given", async () => {
    const { tasks } = await planOf(`tasks:
  one: {method: a, late_after: 30m}
  none: {method: b}
`);
    expect(tasks["one"]?.lateAfterMs).toBe(1_800_000);
    expect(tasks["none"]).not.toHaveProperty("lateAfterMs");
  });

  it("late_after in peach.conf is refused where it is no duration, or too short", async () => {
    expect(
      await problemsOf(`tasks:
  a: {method: a, late_after: soon}
  b: {method: b, late_after: 10ms}
`),
    ).toMatchInlineSnapshot(`
      "peach.conf:2:30: tasks.a.late_after: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given soon [PEACH104]
        2 |   a: {method: a, late_after: soon}
          |                              ^^^^

      peach.conf:3:30: tasks.b.late_after: expected a duration of at least 1s, given 10ms [PEACH105]
        3 |   b: {method: b, late_after: 10ms}
          |                              ^^^^"
    `);
  });
});
