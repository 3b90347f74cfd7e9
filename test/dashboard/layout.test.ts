import { describe, expect, it } from "vitest";
import { madeGraph } from "../../scripts/bench/dashboard/graphs.ts";
import { type Box, layoutGraph, type LayoutRequest } from "../../src/dashboard/graph/layout.ts";

const BOX = { width: 100, height: 40 };

function request(graph: Readonly<Record<string, readonly string[]>>): LayoutRequest {
  const nodes = Object.entries(graph).map(([id, downstream]) => ({ id, downstream, ...BOX }));
  return { nodes, rowGap: 16, columnGap: 32 };
}

/** As many passes as the layout likes. */
const inAnyTime = (): boolean => false;
/** No time for any pass that improves. */
const inNoTime = (): boolean => true;

function overlaps(boxes: ReadonlyMap<string, Box>): string[] {
  const placed = [...boxes].toSorted(([, a], [, b]) => a.x - b.x || a.y - b.y);
  return placed.flatMap(([id, box], at) => {
    const next = placed[at + 1];
    return next !== undefined && next[1].x === box.x && next[1].y < box.y + box.height ? [`${id} ${next[0]}`] : [];
  });
}

describe("the layout of a graph", () => {
  it("the layout of a graph puts what is downstream to the right, nothing over anything else, and a line along each edge", () => {
    const { boxes, edges, width, height } = layoutGraph(
      request({ a: ["b", "c"], b: ["d"], c: ["d"], d: [] }),
      inAnyTime,
    );
    for (const { from, to, points } of edges) {
      const [start, end] = [boxes.get(from), boxes.get(to)];
      expect(end?.x).toBeGreaterThanOrEqual((start?.x ?? 0) + BOX.width);
      expect(points.slice(0, 2)).toEqual([(start?.x ?? 0) + BOX.width, (start?.y ?? 0) + BOX.height / 2]);
      expect(points.slice(-2)).toEqual([end?.x, (end?.y ?? 0) + BOX.height / 2]);
    }
    expect(edges.map(({ from, to }) => `${from}>${to}`).toSorted()).toEqual(["a>b", "a>c", "b>d", "c>d"]);
    expect(overlaps(boxes)).toEqual([]);
    // The ends of the diamond are level.
    expect(boxes.get("a")?.y).toBe(boxes.get("d")?.y);
    for (const { x, y } of boxes.values()) {
      expect(x + BOX.width).toBeLessThanOrEqual(width);
      expect(y + BOX.height).toBeLessThanOrEqual(height);
    }
  });

  it("the layout of a graph leaves out edges to tasks that are not there, and takes any name and a circle", () => {
    const { boxes, edges } = layoutGraph(request({ ["__proto__"]: ["gone", "x"], x: ["y"], y: ["x", "y"] }), inAnyTime);
    expect([...boxes.keys()]).toEqual(["__proto__", "x", "y"]);
    expect(edges.every(({ from, to }) => boxes.has(from) && boxes.has(to))).toBe(true);
    expect(overlaps(boxes)).toEqual([]);
  });

  it("the layout of a graph crosses no lines where it need not, and leads a long one around the boxes between", () => {
    const { boxes, edges } = layoutGraph(
      request({ root: ["a", "b", "end"], a: ["z"], b: ["y"], y: ["end"], z: ["end"], end: [] }),
      inAnyTime,
    );
    const y = (id: string): number => boxes.get(id)?.y ?? Number.NaN;
    expect(Math.sign(y("a") - y("b"))).toBe(Math.sign(y("z") - y("y")));
    const long = edges.find(({ from, to }) => from === "root" && to === "end");
    // Two layers are between, each with a lane of its own.
    expect(long?.points).toHaveLength(8);
    for (let at = 2; at < 6; at += 2) {
      const [x = 0, lane = 0] = long?.points.slice(at) ?? [];
      for (const box of boxes.values()) {
        const isThrough = box.x < x && x < box.x + box.width && box.y < lane && lane < box.y + box.height;
        expect(isThrough).toBe(false);
      }
    }
  });

  it("the layout of 5,000 tasks places every one, in no time too, and is the same each time", () => {
    const nodes = madeGraph(5_000).map(({ task, downstream }) => ({ id: task, downstream, ...BOX }));
    const large = { nodes, rowGap: 16, columnGap: 32 };
    const plain = layoutGraph(large, inNoTime);
    expect(plain.boxes.size).toBe(5_000);
    expect(plain.edges).toHaveLength(nodes.reduce((sum, { downstream }) => sum + downstream.length, 0));
    expect(overlaps(plain.boxes)).toEqual([]);
    expect(layoutGraph(large, inNoTime)).toEqual(plain);
  });
});
