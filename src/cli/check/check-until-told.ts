import { checkAll } from "../../compiler/check.ts";
import type { ProjectPaths } from "../../compiler/project-paths.ts";
import { wasInterrupted } from "../../local/interrupt.ts";

/**
 * Runs every check, and returns null if the command was told to end meanwhile. Ctrl-C in a terminal
 * also ends the process that evaluates the pipelines, of which the check then warns: no file is to
 * blame for that.
 */
export async function checkUntilTold(
  paths: ProjectPaths,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<typeof checkAll>> | null> {
  const checked = await checkAll(paths);
  // The end of that process may be seen before the signal.
  const isSuspect = checked.warnings.some(({ code }) => code === "PEACH606");
  return (isSuspect ? await wasInterrupted(signal) : signal.aborted) ? null : checked;
}
