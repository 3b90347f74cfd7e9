import { checkAll } from "../../compiler/check.ts";
import { diagnosticDocument, renderDiagnostic } from "../../compiler/diagnostic.ts";
import { displayPath, projectPaths } from "../../compiler/project-paths.ts";
import { neededSecrets, type NeededSecret } from "../../compiler/needed-secrets.ts";
import { defineCommand } from "../command.ts";

/** `peach check`: checks peach.conf with its pipelines, types and secrets. */
export const check = defineCommand({
  name: "check",
  summary: "checks peach.conf, the methods it names and the data of its edges",
  description: `Checks peach.conf (PEACH_CONF) with the pipelines it names (PEACH_PIPELINES): every
key, the graph, the methods, the buckets, and that what a task is declared to pass fits what the
tasks after it are declared to take. Reports every problem in one go. Lists the secrets that the
endpoints need, and do not find in peach.conf: a deployment must have them. Warns of tasks that
write what triggers them, as far as their files show it. Exits with 0 if there is no problem, 1 if
there are any; warnings are none.`,
  options: {
    json: {
      help:
        '{"ok", "file", "conf_version", "tasks", "endpoints", "secrets": [{"name", ' +
        '"endpoints"}], "problems": [{"file", "line", "column", "message", "hint", ' +
        '"related"}], "warnings": [...]}',
    },
  },
  async run({ options: { json } }, host) {
    const paths = projectPaths(host.env, host.projectRoot, host.cwd);
    const { plan, diagnostics, warnings } = await checkAll(paths);
    const file = displayPath(paths.confPath);
    const tasks = Object.keys(plan?.tasks ?? {}).length;
    const endpoints = plan?.endpoints.length ?? 0;
    const secrets = plan === null ? [] : neededSecrets(plan);
    if (json === true) {
      const problems = diagnostics.map(diagnosticDocument);
      const version = plan?.version ?? null;
      const content = {
        tasks,
        endpoints,
        secrets,
        problems,
        warnings: warnings.map(diagnosticDocument),
      };
      host.out(
        JSON.stringify({ ok: plan !== null, file, conf_version: version, ...content }, null, 2),
      );
    } else if (plan === null) {
      for (const diagnostic of diagnostics) host.err(`${renderDiagnostic(diagnostic)}\n`);
      host.err(`${file}: ${counted(diagnostics.length, "problem")}`);
    } else {
      for (const warning of warnings)
        host.err(`warning: ${renderDiagnostic(warning)}
`);
      const warned = warnings.length === 0 ? "" : `, ${counted(warnings.length, "warning")}`;
      const content = `${counted(tasks, "task")} and ${counted(endpoints, "endpoint")}`;
      host.out(`${file}: no problems in ${content}${warned}`);
      for (const secret of secrets) host.out(describeSecret(secret));
    }
    return plan === null ? 1 : 0;
  },
});

function describeSecret({ name, endpoints }: NeededSecret): string {
  const refuse = `${endpoints.join(", ")} refuse${endpoints.length === 1 ? "s" : ""}`;
  return `needs the secret ${name}, without which ${refuse} every delivery: npx wrangler secret put ${name}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
