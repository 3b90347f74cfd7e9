/**
 * Finds functions that pass data by `passToChildTask`. The return type of such a function does not
 * describe the output, so the output is unknown.
 */
import type { PipelineModule } from "../discover.ts";
import { namesSomething } from "../find-triggers.ts";
import { readText } from "../read-file.ts";

/** The helpers that pass data. */
const PASSING: ReadonlySet<string> = new Set(["passToChildTask", "passDataToDownstream"]);
/** A mention of a helper anywhere in a file. */
const MENTION = /\b(?:passToChildTask|passDataToDownstream)\b/;

/** Searches the files of a project for helpers that pass data. */
export class PassingCalls {
  readonly #modules: ReadonlyMap<string, PipelineModule>;
  readonly #mentions = new Map<string, boolean>();

  constructor(modules: readonly PipelineModule[]) {
    this.#modules = new Map(modules.map((module) => [module.file, module]));
  }

  /**
   * Tests if a function names a helper that passes data. Calls are not followed into imported
   * files: a mention anywhere in an imported file counts as well.
   */
  isIn(file: string, exportName: string): boolean {
    // Any function of an imported file may pass data for the task.
    const others = [...(this.#modules.get(file)?.evaluates ?? [])].filter(
      (other) => other !== file,
    );
    if (others.some((other) => this.#mentionedIn(other))) return true;
    return this.#mentionedIn(file) && namesSomething(file, exportName, PASSING);
  }

  /** Tests if a file mentions a helper. Each file is searched once. */
  #mentionedIn(file: string): boolean {
    const known = this.#mentions.get(file);
    if (known !== undefined) return known;
    const found = MENTION.test(readText(file) ?? "");
    this.#mentions.set(file, found);
    return found;
  }
}
