/** The steps of an upgrade: pure functions from the files of a project to their new texts. */

/** The files of a project by path, as steps read and change files. Null is an absent file. */
export type ProjectFiles = ReadonlyMap<string, string | null>;

/** The result of a step. */
export interface StepResult {
  /** The new texts of the files that change. */
  readonly changes: ReadonlyMap<string, string>;
  /** Reasons against an upgrade by a program. */
  readonly refusals: readonly string[];
  /** Work for the user. */
  readonly notes: readonly string[];
}

/** The installed release. */
export interface Release {
  readonly version: string;
  /** The package in package.json: a version, or a packed file. */
  readonly specifier: string;
  /** The files of a new project, `templates/webhook`. */
  readonly template: ReadonlyMap<string, string>;
}

/** A step. Files without need of a change stay as they are. */
export interface Step {
  readonly title: string;
  readonly run: (files: ProjectFiles, release: Release) => StepResult;
}

export const NOTHING: StepResult = { changes: new Map(), refusals: [], notes: [] };

export function refused(...refusals: readonly string[]): StepResult {
  return { ...NOTHING, refusals };
}

export function changed(path: string, text: string, notes: readonly string[] = []): StepResult {
  return { changes: new Map([[path, text]]), refusals: [], notes };
}
