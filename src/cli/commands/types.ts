import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { checkAll } from "../../compiler/check.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { readMethods } from "../../compiler/edges/method-sets.ts";
import { emitClientTypes } from "../../compiler/emit-client-types.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import { readText } from "../../compiler/read-file.ts";
import { defineCommand } from "../command.ts";

/** `peach types`: writes the payload types of tasks and events for programs elsewhere. */
export const types = defineCommand({
  name: "types",
  summary: "writes the types of payloads, for a program in another project",
  description: `Prints a declaration file (.d.ts) with the types of all tasks and events, for a program of another project
that uses peach/client, such as a front end. The file imports nothing of the pipelines. Exits with 1 if peach.conf has
problems.`,
  options: { out: { takes: "FILE", means: "file", help: "writes the file, if it has changed" } },
  async run({ options: { out } }, host) {
    const paths = projectPaths(host.env, host.projectRoot, host.cwd);
    const { project, plan, diagnostics } = await checkAll(paths);
    for (const diagnostic of diagnostics) host.err(`${renderDiagnostic(diagnostic)}\n`);
    if (plan === null) return 1;
    const { tasks } = await readMethods(project, paths, [], "all");
    const text = emitClientTypes(plan, tasks);
    if (out === undefined) host.out(text.trimEnd());
    else if (readText(resolve(host.cwd, out)) !== text) writeFileSync(resolve(host.cwd, out), text);
    return 0;
  },
});
