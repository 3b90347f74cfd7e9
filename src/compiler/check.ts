import { checkProject, type CheckedProject } from "./compile.ts";
import { type Diagnostic, inFileOrder } from "./diagnostic.ts";
import { checkEdges } from "./edges/check-edges.ts";
import type { ProjectPaths } from "./project-paths.ts";
import type { Plan } from "../domain/plan/plan.ts";

/**
 * Runs every check of peach.conf, edges included, and writes nothing. Warnings are no problems; the
 * plan is null if there is any problem.
 */
export async function checkAll(paths: ProjectPaths): Promise<{
  readonly project: CheckedProject;
  readonly plan: Plan | null;
  /** Faults, with the certain faults of edges. */
  readonly diagnostics: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}> {
  const project = checkProject(paths);
  const edges = await checkEdges(project, paths);
  const diagnostics = inFileOrder([...project.diagnostics, ...edges.problems], project.confFiles);
  const plan = diagnostics.length === 0 ? (project.compiled?.plan ?? null) : null;
  const warnings = inFileOrder([...project.warnings, ...edges.warnings], project.confFiles);
  return { project, plan, diagnostics, warnings: plan === null ? [] : warnings };
}
