import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { EdgeWatch } from "../../src/local/edge-watch.ts";
import { withProject } from "../compiler/project.ts";

const pipelines = (taken: string): string => `
import { task } from "peach/task-helpers";
import { z } from "zod";
export const p = task({ output: z.string(), run: async () => "x" });
export const c = task({ input: ${taken}, run: async () => {} });
`;

it("a watch of edges says what does not fit once, and when all fits again", { timeout: 60_000 }, async () => {
  const conf = "tasks:\n  p: {method: p, downstream: c}\n  c: {method: c}\n";
  await withProject({ conf, pipelines: { "tasks.ts": pipelines("z.number()") } }, async (paths) => {
    const said: string[] = [];
    const watch = new EdgeWatch(paths, (text) => said.push(text));
    const untilSaid = (count: number): Promise<void> =>
      vi.waitFor(() => expect(said).toHaveLength(count), { timeout: 25_000, interval: 20 });
    watch.look();
    await untilSaid(1);
    expect(said[0]).toMatch(/what `p` passes does not fit what `c` takes[^]*A deploy would be refused/);
    // A change that leaves the answer as it is, and one that mends the edge.
    watch.look();
    writeFileSync(join(paths.pipelinesDir, "tasks.ts"), pipelines("z.string()"));
    watch.look();
    await untilSaid(2);
    expect(said[1]).toBe("All edges fit again.");
  });
});
