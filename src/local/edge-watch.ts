/**
 * Checks edges beside the build of the local runtime. A check takes seconds, and must not delay the
 * reload after a change. Misfits are shown, but the runtime serves the change all the same.
 */
import { checkProject } from "../compiler/compile.ts";
import { renderDiagnostic } from "../compiler/diagnostic.ts";
import { checkEdges } from "../compiler/edges/check-edges.ts";
import { SchemaCache } from "../compiler/edges/schema-cache.ts";
import type { ProjectPaths } from "../compiler/project-paths.ts";

/** Checks edges after each change, one check at a time. Shows only answers that have changed. */
export class EdgeWatch {
  readonly #paths: ProjectPaths;
  readonly #say: (text: string) => void;
  /** The schemas of earlier checks. Nothing is read of the files that a change did not reach. */
  readonly #cache = new SchemaCache();
  #isChecking = false;
  /** True if the project has changed since the last check began. */
  #isStale = false;
  /** The answer that was shown last; empty if all edges fit. */
  #said = "";

  constructor(paths: ProjectPaths, say: (text: string) => void) {
    this.#paths = paths;
    this.#say = say;
  }

  /** Starts a check of the current project. A call during a check repeats the check afterwards. */
  look(): void {
    this.#isStale = true;
    if (!this.#isChecking) void this.#check();
  }

  /** Repeats the check until the project stays unchanged during a whole check. */
  async #check(): Promise<void> {
    this.#isChecking = true;
    while (this.#isStale) {
      this.#isStale = false;
      const text = await this.#textNow();
      // The project has changed meanwhile, so the answer is out of date.
      if (this.#isStale || text === this.#said) continue;
      this.#say(text === "" ? "All edges fit again." : text);
      this.#said = text;
    }
    this.#isChecking = false;
  }

  /** Renders the answer about the current project; empty if all edges fit. Never rejects. */
  async #textNow(): Promise<string> {
    try {
      const project = checkProject(this.#paths, { acceptUnboundBuckets: true });
      // The build reports these problems itself.
      if (project.compiled === null) return this.#said;
      const { problems, warnings } = await checkEdges(project, this.#paths, this.#cache);
      return [
        ...problems.map((problem) => `${renderDiagnostic(problem)}\n\nA deploy would be refused.`),
        ...warnings.map((warning) => `warning: ${renderDiagnostic(warning)}`),
      ].join("\n\n");
    } catch (error) {
      return `The edges cannot be checked: ${String(error)}`;
    }
  }
}
