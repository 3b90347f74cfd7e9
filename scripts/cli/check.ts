import { checkAll } from "../../src/conf/check.ts";
import { diagnosticDocument, renderDiagnostic } from "../../src/conf/diagnostic.ts";
import { displayPath, projectPaths } from "../../src/conf/project-paths.ts";
import { withOptions } from "./arguments.ts";
import type { Command } from "./command.ts";

/** `peach check`: all that concerns peach.conf. */
export const check: Command = {
  summary: "checks peach.conf, the methods it names and the types of its edges",
  usage: `usage: npm run peach -- check [--json]

Checks peach.conf (PEACH_CONF) with the pipelines it names (PEACH_PIPELINES): every key, the graph, the methods, the
buckets, and that what a task is declared to pass fits what the tasks after it are declared to take. Reports every
problem in one go. Exits with 0 if there is none, 1 if there are any.

  --json   {"ok", "file", "conf_version", "tasks", "endpoints", "problems": [{"file", "line", "column", "message", "hint", "related"}]}`,

  run(args, surroundings) {
    return withOptions(this, { json: { type: "boolean" } }, args, surroundings, async ({ json }) => {
      const paths = projectPaths(surroundings.env, surroundings.repoRoot, surroundings.cwd);
      const { plan, diagnostics } = await checkAll(paths);
      const file = displayPath(paths.confPath);
      const tasks = Object.keys(plan?.tasks ?? {}).length;
      const endpoints = plan?.endpoints.length ?? 0;
      if (json === true) {
        const problems = diagnostics.map(diagnosticDocument);
        const version = plan?.version ?? null;
        surroundings.out(
          JSON.stringify({ ok: plan !== null, file, conf_version: version, tasks, endpoints, problems }, null, 2),
        );
      } else if (plan === null) {
        for (const diagnostic of diagnostics) surroundings.err(`${renderDiagnostic(diagnostic)}\n`);
        surroundings.err(`${file}: ${counted(diagnostics.length, "problem")}`);
      } else
        surroundings.out(`${file}: no problems in ${counted(tasks, "task")} and ${counted(endpoints, "endpoint")}`);
      return plan === null ? 1 : 0;
    });
  },
};

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
