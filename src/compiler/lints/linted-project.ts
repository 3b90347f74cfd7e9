/** The parts of a project that lints read. A lint warns, and may be silenced at its place. */
import type { Program } from "oxc-parser";
import type { Plan } from "../../domain/plan/plan.ts";
import type { CheckedProject } from "../compile.ts";
import type { Warn } from "../diagnostic.ts";
import type { LoadedConf, Path } from "../conf-file.ts";
import { parseProgram, readText } from "../read-file.ts";
import { displayPath, type ProjectPaths } from "../project-paths.ts";
import type { SourceFile } from "../source.ts";

/**
 * A file of the pipelines. The text is read once for all lints. The syntax tree is made for the
 * lints that find a word of interest in the text, since parsing takes longer than reading.
 */
export interface LintedFile {
  /** The absolute path. */
  readonly file: string;
  /** The text, with the path that diagnostics show. Empty for an unreadable file. */
  readonly source: SourceFile;
  /** Parses the file at the first call. Null for a file with a syntax error, which is reported. */
  readonly program: () => Program | null;
}

/** A project without problems. */
export interface LintedProject {
  readonly project: CheckedProject;
  readonly paths: ProjectPaths;
  /** The plan, with every default. */
  readonly plan: Plan;
  /** The places in peach.conf. */
  readonly loaded: LoadedConf;
  /** The files of the pipelines, in the order of their paths. */
  readonly files: readonly LintedFile[];
  /** Tests if peach.conf has a value at this path itself, not by a default. */
  readonly isWritten: (path: Path) => boolean;
  /** Records a warning. `withSilences` drops the silenced warnings later. */
  readonly warn: Warn;
}

/** Reads a project for lints; null for a project with problems. */
export function lintedProject(
  project: CheckedProject,
  paths: ProjectPaths,
  warn: Warn,
): LintedProject | null {
  const { compiled, loaded, modules } = project;
  if (compiled === null || loaded === null) return null;
  return {
    project,
    paths,
    plan: compiled.plan,
    loaded,
    files: modules.map(({ file }) => lintedFile(file)),
    isWritten: (path) => loaded.writtenPath(path).length === path.length,
    warn,
  };
}

function lintedFile(file: string): LintedFile {
  const source = { path: displayPath(file), text: readText(file) ?? "" };
  let parsed: Program | null | undefined;
  return {
    file,
    source,
    program: () => (parsed === undefined ? (parsed = parseProgram(file, source.text)) : parsed),
  };
}
