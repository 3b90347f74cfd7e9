import { describe, expect, it } from "vitest";
import { layoutGraph } from "../../src/dashboard/graph/layout.ts";

const BOX = { boxWidth: 100, boxHeight: 40 };

describe("the layout of a graph", () => {
  it("the layout of a graph puts what is downstream to the right, nothing over anything else, and a line along each edge", () => {
    const tasks = [
      { task: "a", downstream: ["b", "c"] },
      { task: "b", downstream: ["d"] },
      { task: "c", downstream: ["d"] },
      { task: "d", downstream: [] },
    ];
    const { boxes, edges, width, height } = layoutGraph({ tasks, ...BOX });
    for (const { from, to, path } of edges) {
      expect(boxes[to]?.x).toBeGreaterThanOrEqual((boxes[from]?.x ?? 0) + BOX.boxWidth);
      expect(path).toMatch(/^M[\d.]+ [\d.]+(C[\d. ]+)+$/);
    }
    expect(edges.map(({ from, to }) => `${from}>${to}`).toSorted()).toEqual(["a>b", "a>c", "b>d", "c>d"]);
    expect(Math.abs((boxes["b"]?.y ?? 0) - (boxes["c"]?.y ?? 0))).toBeGreaterThanOrEqual(BOX.boxHeight);
    for (const { x, y } of Object.values(boxes)) {
      expect(x + BOX.boxWidth).toBeLessThanOrEqual(width);
      expect(y + BOX.boxHeight).toBeLessThanOrEqual(height);
    }
  });

  it("the layout of a graph leaves out edges to tasks that are not there, and takes any name", () => {
    const { boxes, edges } = layoutGraph({ tasks: [{ task: "__proto__", downstream: ["gone"] }], ...BOX });
    expect([Object.keys(boxes), edges]).toEqual([["__proto__"], []]);
  });
});
