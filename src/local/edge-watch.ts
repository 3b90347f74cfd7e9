/** Checks edges beside the build of the local runtime: a slow check must not hold up a change. */
import { checkProject } from "../compiler/compile.ts";
import { renderDiagnostic } from "../compiler/diagnostic.ts";
import { checkEdges } from "../compiler/edges/check-edges.ts";
import type { ProjectPaths } from "../compiler/project-paths.ts";

/** Checks edges after each change, one check at a time, and says what is wrong once. */
export class EdgeWatch {
  readonly #paths: ProjectPaths;
  readonly #say: (text: string) => void;
  #isChecking = false;
  #isStale = false;
  #said = "";

  constructor(paths: ProjectPaths, say: (text: string) => void) {
    this.#paths = paths;
    this.#say = say;
  }

  /** Checks the project as it is now; a call during a check has it repeated. */
  look(): void {
    this.#isStale = true;
    if (!this.#isChecking) void this.#check();
  }

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

  async #textNow(): Promise<string> {
    try {
      const project = checkProject(this.#paths, { acceptUnboundBuckets: true });
      // The build reports these problems itself.
      if (project.compiled === null) return this.#said;
      const { problems, warnings } = await checkEdges(project, this.#paths);
      return [
        ...problems.map((problem) => `${renderDiagnostic(problem)}\n\nA deploy would be refused.`),
        ...warnings.map((warning) => `warning: ${renderDiagnostic(warning)}`),
      ].join("\n\n");
    } catch (error) {
      return `The edges cannot be checked: ${String(error)}`;
    }
  }
}
