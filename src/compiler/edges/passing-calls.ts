/** Finds functions that pass data by a helper: their type does not say what they pass. */
import type { PipelineModule } from "../discover.ts";
import { namesSomething } from "../find-triggers.ts";
import { readText } from "../read-file.ts";

const PASSING: ReadonlySet<string> = new Set(["passToChildTask", "passDataToDownstream"]);
const MENTION = /\b(?:passToChildTask|passDataToDownstream)\b/;

/** Searches the files of a project for calls that pass data. */
export class PassingCalls {
  readonly #modules: ReadonlyMap<string, PipelineModule>;
  readonly #mentions = new Map<string, boolean>();

  constructor(modules: readonly PipelineModule[]) {
    this.#modules = new Map(modules.map((module) => [module.file, module]));
  }

  /**
   * True if the function names a helper that passes data, or if a file that its file imports does:
   * calls of other files are not followed.
   */
  isIn(file: string, exportName: string): boolean {
    const others = [...(this.#modules.get(file)?.evaluates ?? [])].filter(
      (other) => other !== file,
    );
    if (others.some((other) => this.#mentionedIn(other))) return true;
    return this.#mentionedIn(file) && namesSomething(file, exportName, PASSING);
  }

  #mentionedIn(file: string): boolean {
    const known = this.#mentions.get(file);
    if (known !== undefined) return known;
    const found = MENTION.test(readText(file) ?? "");
    this.#mentions.set(file, found);
    return found;
  }
}
