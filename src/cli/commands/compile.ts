import { resolve } from "node:path";
import { compileProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { IS_CLONE, projectPaths } from "../../compiler/project-paths.ts";
import { writeDashboard } from "../../local/dashboard.ts";
import { defineCommand } from "../command.ts";

/** `npm run compile`. It is no command of `peach`, since only builds need it. */
export const compile = defineCommand({
  name: "compile",
  call: "npm run ",
  summary: "compiles peach.conf, the pipelines and the dashboard",
  description: `Compiles peach.conf (PEACH_CONF) and the pipelines it names (PEACH_PIPELINES) to plan.ts, registry.ts and tasks.d.ts,
and the dashboard to dashboard.ts. With any problem it prints all of them, writes nothing and exits with 1.`,
  options: { out: { takes: "DIR", means: "file", help: "where to (default: src/generated)" } },
  async run({ options: { out } }, { env, projectRoot, cwd, err }) {
    const outDir = out === undefined ? resolve(projectRoot, "src/generated") : resolve(cwd, out);
    const { ok, diagnostics } = compileProject({ ...projectPaths(env, projectRoot, cwd), outDir });
    for (const diagnostic of diagnostics) err(`${renderDiagnostic(diagnostic)}\n`);
    if (ok && IS_CLONE) await writeDashboard(outDir);
    return ok ? 0 : 1;
  },
});
