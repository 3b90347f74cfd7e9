import { describe, expect, it } from "vitest";
import { renderGraph } from "../../src/domain/plan/graph-drawing.ts";
import { planOf, problemsOf } from "./project.ts";

describe("on.event", () => {
  it("on.event is a name or a list of them", async () => {
    const plan = await planOf(
      "tasks:\n  t: {method: a, on: {event: audio.published}}\n  u: {method: b, on: {event: [A_1, b-2]}}\n",
    );
    expect(Object.values(plan.tasks).map(({ on }) => on.events)).toEqual([["audio.published"], ["A_1", "b-2"]]);
  });

  it("on.event refuses what is no name", async () => {
    const conf = `tasks:
  t:
    method: a
    on: {event: ["audio published", "", 5, ${"x".repeat(129)}]}
  u: {method: b, on: {event: []}}
`;
    const problems = await problemsOf(conf);
    expect(problems.match(/tasks\.\w+\.on\.event[^\n]{0,120}/g)).toMatchInlineSnapshot(`
      [
        "tasks.t.on.event[0]: expected the name of an event (1 to 128 letters, digits, ., _ and -), given "audio published" [PEACH103]",
        "tasks.t.on.event[1]: expected the name of an event (1 to 128 letters, digits, ., _ and -), given "" [PEACH103]",
        "tasks.t.on.event[2]: expected the name of an event (1 to 128 letters, digits, ., _ and -), given 5 [PEACH103]",
        "tasks.t.on.event[3]: expected the name of an event (1 to 128 letters, digits, ., _ and -), given xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "tasks.u.on.event: expected at least 1 item, given an empty list [PEACH103]",
      ]
    `);
  });

  it("the ids of Mermaid carry the names of tasks, also of a keyword and of names that differ in a dash", async () => {
    const plan = await planOf(
      "tasks:\n  end: {method: a, downstream: [a-b, a_b]}\n  a-b: {method: b}\n  a_b: {method: c}\n",
    );
    expect(renderGraph(plan, "mermaid").split("\n")).toEqual([
      "flowchart LR",
      '  task_end(["end"])',
      "  task_end --> task_a_b",
      "  task_end --> task_a_b_2",
      '  task_a_b["a-b"]',
      '  task_a_b_2["a_b"]',
      "",
    ]);
  });

  it("on.event is drawn", async () => {
    const plan = await planOf("tasks:\n  t: {method: a, on: {event: audio.published}}\n");
    expect(renderGraph(plan, "mermaid")).toContain('[/"event audio.published"/] -.-> task_t');
    expect(renderGraph(plan, "dot")).toContain('"event audio.published" -> "t" [style=dashed];');
    expect(JSON.parse(renderGraph(plan, "json")).tasks[0].triggers).toEqual([
      { source: "event", event: "audio.published" },
    ]);
  });
});
