/**
 * Checks the project beside the build of the local runtime, as `peach check` does. A check takes
 * seconds, and must not delay the reload after a change. Misfits are shown, but the runtime serves
 * the change all the same.
 */
import { checkAll } from "../compiler/check.ts";
import { type Diagnostic, renderDiagnostics } from "../compiler/diagnostic.ts";
import { SchemaCache } from "../compiler/edges/schema-cache.ts";
import type { ProjectPaths } from "../compiler/project-paths.ts";

/**
 * Checks after each change, one check at a time. Shows each new diagnostic, and briefly names each
 * ended one.
 */
export class CheckWatch {
  readonly #paths: ProjectPaths;
  readonly #say: (text: string) => void;
  /** The schemas of earlier checks. Nothing is read of the files that a change did not reach. */
  readonly #cache = new SchemaCache();
  #isChecking = false;
  /** True if the project has changed since the last check began. */
  #isStale = false;
  /** The diagnostics of the last answer. */
  #problems: Keyed = new Map();
  #warnings: Keyed = new Map();
  /** The reason of a failure of the last check; empty after an answer. */
  #trouble = "";

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
      const answer = await this.#answerNow();
      // The project has changed meanwhile, so the answer is out of date.
      if (this.#isStale) continue;
      const texts = typeof answer === "string" ? this.#takeTrouble(answer) : this.#take(answer);
      if (texts.length > 0) this.#say(texts.join("\n\n"));
    }
    this.#isChecking = false;
  }

  /** Checks the current project. Returns the reason of a failure as a text. Never rejects. */
  async #answerNow(): Promise<Awaited<ReturnType<typeof checkAll>> | string> {
    try {
      return await checkAll(this.#paths, { acceptUnboundBuckets: true, cache: this.#cache });
    } catch (error) {
      return `The edges cannot be checked: ${String(error)}`;
    }
  }

  /** Takes the reason of a failed check. Returns the texts to show. */
  #takeTrouble(text: string): string[] {
    const isNew = text !== this.#trouble;
    this.#trouble = text;
    return isNew ? [text] : [];
  }

  /** Takes the answer of a check. Returns the texts to show. */
  #take({ project, plan, diagnostics, warnings }: Awaited<ReturnType<typeof checkAll>>): string[] {
    this.#trouble = "";
    // The build reports these problems itself.
    if (project.compiled === null) return [];
    const [oldProblems, oldWarnings] = [this.#problems, this.#warnings];
    this.#problems = keyed(diagnostics);
    // A project with problems has no warnings. The shown warnings have not ended.
    if (plan !== null) this.#warnings = keyed(warnings);
    const newProblems = without(this.#problems, oldProblems);
    const newWarnings = without(this.#warnings, oldWarnings);
    const areMended = oldProblems.size > 0 && this.#problems.size === 0;
    return [
      ...(newProblems.length === 0
        ? []
        : [renderDiagnostics(newProblems), "A deploy would be refused."]),
      ...(newWarnings.length === 0 ? [] : [renderDiagnostics(newWarnings, "warning: ")]),
      ...(areMended ? ["All edges fit again."] : goneText(without(oldProblems, this.#problems))),
      ...goneText(without(oldWarnings, this.#warnings)),
    ];
  }
}

/** Diagnostics by code, file and message. */
type Keyed = ReadonlyMap<string, Diagnostic>;

/**
 * Keys diagnostics by code, file and message. The place is left out: a diagnostic whose line has
 * moved is the same. Equal ones are numbered.
 */
function keyed(diagnostics: readonly Diagnostic[]): Keyed {
  const found = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { code, span, message } = diagnostic;
    for (let number = 1; ; number += 1) {
      const key = JSON.stringify([code, span.source.path, message, number]);
      if (found.has(key)) continue;
      found.set(key, diagnostic);
      break;
    }
  }
  return found;
}

/** Lists the diagnostics of the first map that the second one lacks. */
function without(diagnostics: Keyed, others: Keyed): Diagnostic[] {
  return [...diagnostics].flatMap(([key, one]) => (others.has(key) ? [] : [one]));
}

/** Names ended diagnostics, one a line. Places are out of date and left out. */
function goneText(gone: readonly Diagnostic[]): string[] {
  if (gone.length === 0) return [];
  const lines = gone.map(
    ({ code, span, message }) =>
      `No longer: ${span.source.path}: ${message.split("\n")[0] ?? ""} [${code}]`,
  );
  return [lines.join("\n")];
}
