import { resolve } from "node:path";
import { writeProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { displayPath, IS_CLONE, projectPaths } from "../../compiler/project-paths.ts";
import { writeDashboard } from "../../local/dashboard.ts";
import { checkUntilTold } from "../check/check-until-told.ts";
import { defineCommand } from "../command.ts";
import { counted } from "./check.ts";
import { PEACH } from "../../compiler/peach-command.ts";

/**
 * `npm run compile`, or `npx peach compile`. Only builds need the command, so `--help` of `peach`
 * does not list it.
 */
export const compile = defineCommand({
  name: "compile",
  call: IS_CLONE ? "npm run " : `${PEACH} `,
  summary: "compiles peach.conf, the pipelines and the dashboard",
  description: `Compiles peach.conf (PEACH_CONF) and the pipelines it names (PEACH_PIPELINES) to plan.ts, registry.ts and tasks.d.ts,
and the dashboard to dashboard.ts. With any problem it prints all of them, writes nothing and exits with 1. Of
warnings it tells the number.`,
  options: { out: { takes: "DIR", means: "file", help: "where to (default: src/generated)" } },
  async run({ options: { out } }, { env, projectRoot, cwd, err, signal }) {
    const outDir = out === undefined ? resolve(projectRoot, "src/generated") : resolve(cwd, out);
    const paths = projectPaths(env, projectRoot, cwd);
    const checked = await checkUntilTold(paths, signal);
    if (checked === null) return 1;
    const { project, plan, diagnostics, warnings } = checked;
    for (const diagnostic of diagnostics) err(`${renderDiagnostic(diagnostic)}\n`);
    if (plan === null || project.compiled === null) return 1;
    if (warnings.length > 0 && env["PEACH_WARNED"] !== "1")
      err(
        `${displayPath(paths.confPath)}: ${counted(warnings.length, "warning")}, shown by ${PEACH} check`,
      );
    writeProject(project, project.compiled, outDir);
    if (IS_CLONE) await writeDashboard(outDir);
    return 0;
  },
});
