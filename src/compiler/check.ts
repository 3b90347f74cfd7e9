import { checkTypes } from "./check-types.ts";
import { checkProject } from "./compile.ts";
import { type Diagnostic, inFileOrder } from "./diagnostic.ts";
import type { ProjectPaths } from "./project-paths.ts";
import type { Plan } from "../domain/plan/plan.ts";

/**
 * Runs every check of peach.conf, typed edges included. Runs `tsc` and writes nothing. Warnings are
 * no problems; the plan is null if there is any problem.
 */
export async function checkAll(paths: ProjectPaths): Promise<{
  readonly plan: Plan | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}> {
  const project = checkProject(paths);
  const diagnostics = inFileOrder(
    [...project.diagnostics, ...(await checkTypes(project, paths))],
    project.confFiles,
  );
  const plan = diagnostics.length === 0 ? (project.compiled?.plan ?? null) : null;
  return { plan, diagnostics, warnings: project.warnings };
}
