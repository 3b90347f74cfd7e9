import { describe, expect, it } from "vitest";
import type { GraphNode } from "../../src/dashboard/graph/groups.ts";
import { layoutGraph } from "../../src/dashboard/graph/layout.ts";
import { neighbourOf, requestOf, rowsOf, type Scene, sceneOf } from "../../src/dashboard/graph/scene.ts";

const SIZE = { width: 100, height: 40 };
const PARTS = Array.from({ length: 12 }, (_, at) => `part_${at}`);

/** root → 12 × part → join */
const NODES: readonly GraphNode[] = [
  { id: "root", name: "root", tasks: ["root"], upstream: [], downstream: ["parts"] },
  { id: "parts", name: "part", tasks: PARTS, upstream: ["root"], downstream: ["join"] },
  { id: "join", name: "join", tasks: ["join"], upstream: ["parts"], downstream: [] },
];

function scene(open: readonly string[]): Scene {
  const opened = new Set(open);
  const layout = layoutGraph(requestOf(NODES, opened, SIZE), () => false);
  return sceneOf(NODES, opened, layout, SIZE);
}

function step(from: string, key: Parameters<typeof neighbourOf>[2], shown: Scene): string | undefined {
  const shape = shown.shapeOf.get(from);
  return shape === undefined ? undefined : neighbourOf(shown, shape, key)?.id;
}

describe("the scene of a graph", () => {
  it("a closed group is one shape, and an open one a frame around all its tasks", () => {
    expect(scene([]).shapes.map(({ kind, id }) => `${kind} ${id}`)).toEqual(["task root", "group parts", "task join"]);
    const { shapes, shapeOf } = scene(["parts"]);
    expect(shapes).toHaveLength(3 + PARTS.length);
    const frame = shapeOf.get("parts");
    expect(frame?.kind).toBe("frame");
    const places = PARTS.map((part) => shapeOf.get(part));
    for (const place of places) {
      expect(place?.x).toBeGreaterThan(frame?.x ?? 0);
      expect((place?.x ?? 0) + SIZE.width).toBeLessThan((frame?.x ?? 0) + (frame?.width ?? 0));
      expect((place?.y ?? 0) + SIZE.height).toBeLessThan((frame?.y ?? 0) + (frame?.height ?? 0));
    }
    expect(new Set(places.map((place) => `${place?.x} ${place?.y}`)).size).toBe(PARTS.length);
    expect(shapeOf.get("join")?.x).toBeGreaterThan((frame?.x ?? 0) + (frame?.width ?? 0));
  });

  it("the arrow keys go along edges, and within an open group from task to task", () => {
    const closed = scene([]);
    expect(step("root", "ArrowRight", closed)).toBe("parts");
    expect(step("parts", "ArrowRight", closed)).toBe("join");
    expect(step("join", "ArrowLeft", closed)).toBe("parts");
    const open = scene(["parts"]);
    expect(step("part_0", "ArrowRight", open)).toBe("part_1");
    expect(step("part_1", "ArrowLeft", open)).toBe("part_0");
    expect(step("part_0", "ArrowLeft", open)).toBe("root");
    expect(step("part_11", "ArrowRight", open)).toBe("join");
    const below = step("part_0", "ArrowDown", open);
    expect(below).toMatch(/^part_[2-9]$/);
    expect(step(below ?? "", "ArrowUp", open)).toBe("part_0");
  });

  it("the rows of the fullest column are known before the layout", () => {
    const leaf = (id: string): GraphNode => ({ id, name: id, tasks: [id], upstream: ["root"], downstream: [] });
    const [root] = NODES;
    expect(rowsOf(NODES)).toBe(1);
    expect(rowsOf([...(root === undefined ? [] : [root]), ...["a", "b", "c"].map(leaf)])).toBe(3);
  });
});
