/** `npm run compile`: peach.conf and the pipelines to src/generated. `wrangler` calls it before every build. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compileProject } from "../src/conf/compile.ts";
import { renderDiagnostic } from "../src/conf/diagnostic.ts";
import { projectPaths } from "../src/conf/project-paths.ts";

const USAGE = `usage: npm run compile [-- --out DIR]

Compiles peach.conf (PEACH_CONF) and the pipelines (PEACH_PIPELINES) to DIR, by default src/generated.
With any problem it prints all of them, writes nothing and exits 1.`;

const repoRoot = resolve(import.meta.dirname, "..");

function main(): number {
  const { values } = parseArgs({ options: { out: { type: "string" }, help: { type: "boolean", short: "h" } } });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const outDir = resolve(values.out ?? resolve(repoRoot, "src/generated"));
  const result = compileProject({ ...projectPaths(process.env, repoRoot, process.cwd()), outDir });
  for (const diagnostic of result.diagnostics) console.error(`${renderDiagnostic(diagnostic)}\n`);
  if (result.ok) return 0;
  console.error(result.diagnostics.length === 1 ? "1 problem" : `${result.diagnostics.length} problems`);
  return 1;
}

process.exitCode = main();
