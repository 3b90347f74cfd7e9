import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { CheckWatch } from "../../src/local/check-watch.ts";
import { withProject } from "../compiler/project.ts";

const pipelines = (taken: string): string => `
import { task } from "peach/task-helpers";
import { z } from "zod";
export const p = task({ output: z.string(), run: async () => "x" });
export const c = task({ input: ${taken}, run: async () => {} });
`;

interface Watched {
  /** Everything that was said. */
  readonly said: readonly string[];
  readonly untilSaid: (count: number) => Promise<void>;
  /** Checks again after a change of peach.conf. */
  readonly rewire: (conf: string) => void;
  /** Checks again after a change of the pipelines. */
  readonly rewrite: (file: string) => void;
  readonly look: () => void;
}

/** Watches a project, and looks once. */
function watching(conf: string, file: string, use: (watched: Watched) => Promise<void>): Promise<void> {
  return withProject({ conf, pipelines: { "tasks.ts": file } }, async (paths, folder) => {
    const said: string[] = [];
    const watch = new CheckWatch(paths, (text) => said.push(text.replaceAll(`${folder}/`, "")));
    const look = (): void => watch.look();
    const changed =
      (path: string) =>
      (text: string): void => {
        writeFileSync(path, text);
        look();
      };
    look();
    await use({
      said,
      look,
      rewire: changed(paths.confPath),
      rewrite: changed(join(paths.pipelinesDir, "tasks.ts")),
      untilSaid: (count) => vi.waitFor(() => expect(said).toHaveLength(count), { timeout: 25_000, interval: 20 }),
    });
  });
}

const CONF = "tasks:\n  p: {method: p, downstream: c}\n  c: {method: c}\n";
/** The check cannot tell whether the refinement takes what `p` passes. */
const UNTOLD = pipelines("z.string().refine((text) => text !== 'y')");

describe("a watch beside the local runtime", { timeout: 60_000 }, () => {
  it("a watch beside the local runtime says what does not fit once, and when all fits again", () =>
    watching(CONF, pipelines("z.number()"), async ({ said, look, rewrite, untilSaid }) => {
      await untilSaid(1);
      expect(said[0]).toMatch(/what `p` passes does not fit what `c` takes[^]*A deploy would be refused/);
      // A change that leaves the answer as it is, and one that mends the edge.
      look();
      rewrite(pipelines("z.string()"));
      await untilSaid(2);
      expect(said[1]).toBe("All edges fit again.");
    }));

  it("a watch beside the local runtime shows the lints of `peach check` once, also when their line moves, and says briefly that one is gone", () =>
    watching(
      CONF.replace("{method: c}", "{method: c, callable: false}\n  d: {method: c, callable: false}"),
      pipelines("z.string()"),
      async ({ said, rewire, untilSaid }) => {
        await untilSaid(1);
        expect(said[0]).toMatch(/^warning: peach\.conf:4:3: tasks\.d: nothing triggers it[^]*# peach-ignore: PEACH721/);
        rewire(`# A line above.\n${CONF}  d: {method: c, callable: false}\n  e: {method: c, callable: false}\n`);
        await untilSaid(2);
        expect(said[1]).toContain("tasks.e: nothing triggers it");
        expect(said[1]).not.toContain("tasks.d");
        rewire(`${CONF}  e: {method: c, callable: false}\n`);
        await untilSaid(3);
        expect(said[2]).toBe(
          "No longer: peach.conf: tasks.d: nothing triggers it, and `callable: false` keeps tokens from doing so [PEACH721]",
        );
      },
    ));

  it("a watch beside the local runtime keeps a silenced warning of an edge to itself, and warns of a comment that silences nothing", () => {
    const lint = "  d: {method: c, callable: false}\n";
    const silenced = CONF.replace("c}\n", "c} # peach-ignore: PEACH602 the refinement is about y\n");
    return watching(silenced + lint, UNTOLD, async ({ said, rewire, rewrite, untilSaid }) => {
      await untilSaid(1);
      expect(said[0]).toContain("[PEACH721]");
      expect(said[0]).not.toContain("[PEACH602]");
      rewire(CONF + lint);
      await untilSaid(2);
      expect(said[1]).toMatch(/^warning: peach\.conf:2:\d+: .*\[PEACH602\]/);
      rewire(silenced + lint);
      await untilSaid(3);
      expect(said[2]).toMatch(/^No longer: peach\.conf: .* \[PEACH602\]$/);
      rewrite(pipelines("z.string()"));
      await untilSaid(4);
      expect(said[3]).toMatch(/this comment silences nothing[^]*\[PEACH728\]/);
    });
  });

  it("a watch beside the local runtime does not end a warning because an error hides it", () =>
    watching(CONF.concat("  d: {method: c, callable: false}\n"), pipelines("z.string()"), async (watched) => {
      const { said, rewrite, untilSaid } = watched;
      await untilSaid(1);
      rewrite(pipelines("z.number()"));
      await untilSaid(2);
      expect(said[1]).not.toContain("No longer");
      rewrite(pipelines("z.string()"));
      await untilSaid(3);
      expect(said[2]).toBe("All edges fit again.");
    }));
});
