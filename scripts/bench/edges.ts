/**
 * Measures the check of edges on a project of typed tasks, ten to a file: the first check, and the
 * checks of `peach dev` after a change of one file.
 *
 *     node scripts/bench/edges.ts [TASKS]
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { checkProject } from "../../src/compiler/compile.ts";
import { checkEdges } from "../../src/compiler/edges/check-edges.ts";
import { SchemaCache } from "../../src/compiler/edges/schema-cache.ts";
import { PACKAGE_ROOT, projectPaths } from "../../src/compiler/project-paths.ts";

const PER_FILE = 10;
const CHANGES = 5;
const count = Number(process.argv[2] ?? 500);

/** Writes the project: a tree of tasks, two downstream tasks each. */
function writeProject(root: string): void {
  mkdirSync(join(root, "src/pipelines"), { recursive: true });
  symlinkSync(join(PACKAGE_ROOT, "node_modules"), join(root, "node_modules"));
  const tasks = Array.from({ length: count }, (_, at) => {
    const below = [2 * at + 1, 2 * at + 2].filter((next) => next < count).map((next) => `t${next}`);
    return `  t${at}: {method: t${at}${below.length > 0 ? `, downstream: [${below.join(", ")}]` : ""}}\n`;
  });
  writeFileSync(join(root, "peach.conf"), `tasks:\n${tasks.join("")}`);
  for (let file = 0; file * PER_FILE < count; file += 1) writeTasks(root, file, "");
}

/** Writes a file of tasks with schemas of a usual size. */
function writeTasks(root: string, file: number, comment: string): void {
  const tasks = Array.from(
    { length: PER_FILE },
    (_, at) => `export const t${file * PER_FILE + at} = task({
  input: item,
  output: item.extend({ more: z.string() }),
  run: async (one) => ({ ...one, more: "" }),
});
`,
  );
  writeFileSync(
    join(root, `src/pipelines/file${file}.ts`),
    `${comment}
import { task } from "peach/task-helpers";
import { z } from "zod";
const item = z.object({
  id: z.string().min(1),
  tags: z.array(z.string()),
  at: z.iso.datetime(),
  count: z.number().int().optional(),
  nested: z.object({ a: z.union([z.string(), z.number()]), b: z.record(z.string(), z.boolean()) }),
});
${tasks.join("")}`,
  );
}

/** Checks the project. Returns the milliseconds. */
async function measure(root: string, cache: SchemaCache): Promise<number> {
  const paths = projectPaths({}, root, root);
  const begin = performance.now();
  const { problems, warnings } = await checkEdges(checkProject(paths), paths, cache);
  const [problem] = [...problems, ...warnings];
  if (problem !== undefined) throw new Error(problem.message);
  return Math.round(performance.now() - begin);
}

const root = mkdtempSync(join(PACKAGE_ROOT, ".peach-edges-"));
try {
  writeProject(root);
  const cache = new SchemaCache();
  process.stdout.write(`${count} tasks, first check: ${await measure(root, cache)} ms\n`);
  for (let change = 1; change <= CHANGES; change += 1) {
    writeTasks(root, 1, `// change ${change}`);
    process.stdout.write(`one file changed: ${await measure(root, cache)} ms\n`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
