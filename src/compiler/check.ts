import { checkProject, type CheckedProject, type CompileOptions } from "./compile.ts";
import { type Diagnostic, inFileOrder } from "./diagnostic.ts";
import { checkEdges } from "./edges/check-edges.ts";
import type { SchemaCache } from "./edges/schema-cache.ts";
import { lintProject } from "./lints/lint-project.ts";
import { displayPath, type ProjectPaths } from "./project-paths.ts";
import { readText } from "./read-file.ts";
import { withSilences } from "./silences.ts";
import type { SourceFile } from "./source.ts";
import type { Plan } from "../domain/plan/plan.ts";

/**
 * Runs every check of peach.conf, edges and lints included, and writes nothing. Warnings are no
 * problems; the plan is null if there is any problem, and there are no warnings then. `cache` has
 * the schemas of earlier checks.
 */
export async function checkAll(
  paths: ProjectPaths,
  { cache, ...options }: CompileOptions & { readonly cache?: SchemaCache } = {},
): Promise<{
  readonly project: CheckedProject;
  readonly plan: Plan | null;
  /** Faults, with the certain faults of edges. */
  readonly diagnostics: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}> {
  const project = checkProject(paths, options);
  const edges = await checkEdges(project, paths, cache);
  const diagnostics = inFileOrder([...project.diagnostics, ...edges.problems], project.confFiles);
  const plan = diagnostics.length === 0 ? (project.compiled?.plan ?? null) : null;
  if (plan === null) return { project, plan, diagnostics, warnings: [] };
  const found = [...project.warnings, ...edges.warnings, ...lintProject(project, paths)];
  const warnings = inFileOrder(withSilences(found, sourcesOf(project)), project.confFiles);
  return { project, plan, diagnostics, warnings };
}

/** Lists the files whose comments may silence a warning: peach.conf and the pipelines. */
function sourcesOf({ confFiles, modules }: CheckedProject): SourceFile[] {
  const conf = confFiles.map((path) => ({ path, text: readText(path) ?? "" }));
  return [
    ...conf,
    ...modules.map(({ file }) => ({ path: displayPath(file), text: readText(file) ?? "" })),
  ];
}
