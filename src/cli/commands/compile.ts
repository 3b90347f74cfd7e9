import { resolve } from "node:path";
import { checkAll } from "../../compiler/check.ts";
import { writeProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { IS_CLONE, projectPaths } from "../../compiler/project-paths.ts";
import { writeDashboard } from "../../local/dashboard.ts";
import { defineCommand } from "../command.ts";
import { PEACH } from "../../compiler/peach-command.ts";

/** `npm run compile`, or `npx peach compile`. Only builds need the command, so `peach` does not have it. */
export const compile = defineCommand({
  name: "compile",
  call: IS_CLONE ? "npm run " : `${PEACH} `,
  summary: "compiles peach.conf, the pipelines and the dashboard",
  description: `Compiles peach.conf (PEACH_CONF) and the pipelines it names (PEACH_PIPELINES) to plan.ts, registry.ts and tasks.d.ts,
and the dashboard to dashboard.ts. With any problem it prints all of them, writes nothing and exits with 1.`,
  options: { out: { takes: "DIR", means: "file", help: "where to (default: src/generated)" } },
  async run({ options: { out } }, { env, projectRoot, cwd, err }) {
    const outDir = out === undefined ? resolve(projectRoot, "src/generated") : resolve(cwd, out);
    const paths = projectPaths(env, projectRoot, cwd);
    const { project, plan, diagnostics, warnings } = await checkAll(paths);
    for (const diagnostic of diagnostics) err(`${renderDiagnostic(diagnostic)}\n`);
    for (const warning of warnings) err(`warning: ${renderDiagnostic(warning)}\n`);
    if (plan === null || project.compiled === null) return 1;
    writeProject(project, project.compiled, outDir);
    if (IS_CLONE) await writeDashboard(outDir);
    return 0;
  },
});
