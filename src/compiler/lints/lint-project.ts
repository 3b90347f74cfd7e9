/**
 * The lints: warnings about what may be intended, and probably is not. A lint must not warn of what
 * is right; where it cannot see enough, it is silent. Lints read every file of the pipelines, so
 * the build of the local runtime goes without them.
 */
import { type Diagnostic, reportInto } from "../diagnostic.ts";
import type { CheckedProject } from "../compile.ts";
import type { ProjectPaths } from "../project-paths.ts";
import { lintDebounces } from "./lint-debounces.ts";
import { lintExternalTasks } from "./lint-external-tasks.ts";
import { lintMethods } from "./lint-methods.ts";
import { lintReach } from "./lint-reach.ts";
import { lintSchedules } from "./lint-schedules.ts";
import { lintSecrets } from "./lint-secrets.ts";
import { lintSteps } from "./lint-steps.ts";
import { lintTriggers } from "./lint-triggers.ts";
import { lintedProject } from "./linted-project.ts";

/** The lints in the order of the codes. A lint has no state and reads no other lint's warnings. */
const LINTS = [
  lintMethods,
  lintReach,
  lintExternalTasks,
  lintSecrets,
  lintSchedules,
  lintDebounces,
  lintSteps,
  lintTriggers,
] as const;

/** Runs every lint. A project with problems gets no warnings. */
export function lintProject(project: CheckedProject, paths: ProjectPaths): Diagnostic[] {
  const warnings: Diagnostic[] = [];
  const linted = lintedProject(project, paths, reportInto(warnings));
  if (linted !== null) for (const lint of LINTS) lint(linted);
  return warnings;
}
