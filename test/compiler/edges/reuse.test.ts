import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { checkProject } from "../../../src/compiler/compile.ts";
import { checkEdges } from "../../../src/compiler/edges/check-edges.ts";
import { SchemaCache } from "../../../src/compiler/edges/schema-cache.ts";
import type { ProjectPaths } from "../../../src/compiler/project-paths.ts";
import { withProject } from "../project.ts";

/** A file that notes that it was evaluated, and declares a task. */
function noting(name: string, code: string): string {
  return `import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { task } from "peach/task-helpers";
import { z } from "zod";
import { shared } from "./shared.ts";
appendFileSync(process.env["PEACH_TEST_NOTES"] ?? "", "${name} ");
export const ${name} = ${code};
`;
}

const passes = (schema: string): string => `task({ output: ${schema}, run: async () => null as never })`;
const takes = (schema: string): string => `task({ input: ${schema}, run: async () => {} })`;

it("a check reads no file again that has not changed, nor what it imports", { timeout: 60_000 }, async () => {
  const texts = {
    conf: "tasks:\n  p: {method: p, downstream: [c, d]}\n  c: {method: c}\n  d: {method: d}\n",
    pipelines: {
      "shared.ts": 'import { z } from "zod";\nexport const shared = z.string();\n',
      "p.ts": noting("p", passes("shared")),
      "c.ts": noting("c", takes("z.string()")).replace('import { shared } from "./shared.ts";\n', ""),
      "d.ts": noting("d", takes("shared")),
    },
  };
  await withProject(texts, async (paths) => {
    const notes = join(paths.pipelinesDir, "..", "notes.txt");
    vi.stubEnv("PEACH_TEST_NOTES", notes);
    const cache = new SchemaCache();
    const write = (name: string, text: string): void => writeFileSync(join(paths.pipelinesDir, name), text);
    expect(await settled(paths, cache, notes)).toEqual({ wrong: [], read: "p c d " });
    expect(await check(paths, cache, notes)).toEqual({ wrong: [], read: "" });
    write("c.ts", texts.pipelines["c.ts"].replace("z.string()", "z.number()"));
    expect(await settled(paths, cache, notes)).toEqual({ wrong: ["c"], read: "c " });
    write("shared.ts", texts.pipelines["shared.ts"].replace("z.string()", "z.number()"));
    expect(await settled(paths, cache, notes)).toEqual({ wrong: [], read: "p d " });
    expect(await check(paths, new SchemaCache(), notes)).toEqual({ wrong: [], read: "p c d " });
    vi.unstubAllEnvs();
  });
});

it(
  "a check reads a file again when its imports lead elsewhere, though no source has changed",
  { timeout: 60_000 },
  async () => {
    const texts = {
      conf: "tasks:\n  p: {method: p, downstream: c}\n  c: {method: c}\n",
      pipelines: {
        "p.ts": noting("p", passes("shared")).replace("./shared.ts", "shared"),
        "c.ts": noting("c", takes("shared")).replace("./shared.ts", "kit"),
        "text.ts": 'import { z } from "zod";\nexport const shared = z.string();\n',
        "number.ts": 'import { z } from "zod";\nexport const shared = z.number();\n',
      },
    };
    await withProject(texts, async (paths, folder) => {
      const notes = join(folder, "notes.txt");
      vi.stubEnv("PEACH_TEST_NOTES", notes);
      const cache = new SchemaCache();
      const aliasTo = (file: string): void => {
        const compilerOptions = { paths: { shared: [`./pipelines/${file}`] } };
        writeFileSync(join(folder, "base.json"), JSON.stringify({ compilerOptions }));
      };
      writeFileSync(join(folder, "tsconfig.json"), '{"extends": "./base"}');
      const kit = join(folder, "kit");
      mkdirSync(kit);
      for (const name of ["text.ts", "number.ts"] as const) writeFileSync(join(kit, name), texts.pipelines[name]);
      const exportFrom = (file: string): void =>
        writeFileSync(join(kit, "package.json"), JSON.stringify({ name: "kit", exports: `./${file}` }));
      mkdirSync(join(folder, "node_modules"));
      symlinkSync(kit, join(folder, "node_modules", "kit"));
      aliasTo("text.ts");
      exportFrom("text.ts");
      expect(await settled(paths, cache, notes)).toEqual({ wrong: [], read: "p c " });
      aliasTo("number.ts");
      expect(await check(paths, cache, notes)).toEqual({ wrong: ["c"], read: "p c " });
      exportFrom("number.ts");
      expect(await check(paths, cache, notes)).toMatchObject({ wrong: [] });
      vi.unstubAllEnvs();
    });
  },
);

interface Checked {
  /** The children whose edges do not fit. */
  readonly wrong: readonly string[];
  /** The files that were evaluated. */
  readonly read: string;
}

async function check(paths: ProjectPaths, cache: SchemaCache, notes: string): Promise<Checked> {
  writeFileSync(notes, "");
  const { problems, warnings } = await checkEdges(checkProject(paths), paths, cache);
  expect(warnings).toEqual([]);
  const wrong = problems.map(({ message }) => /what `(\w)` takes/.exec(message)?.[1] ?? message);
  return { wrong, read: readFileSync(notes, "utf8") };
}

/** The first check after a change. A file that changed just before is read once more, and then known. */
async function settled(paths: ProjectPaths, cache: SchemaCache, notes: string): Promise<Checked> {
  const first = await check(paths, cache, notes);
  for (let tries = 0; (await check(paths, cache, notes)).read !== ""; tries += 1) expect(tries).toBeLessThan(10);
  return first;
}
