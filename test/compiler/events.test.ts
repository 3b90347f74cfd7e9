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

  it("on.event is drawn", async () => {
    const plan = await planOf("tasks:\n  t: {method: a, on: {event: audio.published}}\n");
    expect(renderGraph(plan, "mermaid")).toContain('[/"event audio.published"/] -.-> task0');
    expect(renderGraph(plan, "dot")).toContain('"event audio.published" -> "t" [style=dashed];');
    expect(JSON.parse(renderGraph(plan, "json")).tasks[0].triggers).toEqual([
      { source: "event", event: "audio.published" },
    ]);
  });
});
