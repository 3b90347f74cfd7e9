import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { displayPath, IS_CLONE, PACKAGE_ROOT } from "../../compiler/project-paths.ts";
import {
  mergesOf,
  personalised,
  ProjectNameError,
  projectName,
  type Merge,
} from "../../project/init/init.ts";
import { findPeachSource, PeachSourceError } from "../../project/init/peach-source.ts";
import {
  EXAMPLE_ALIASES,
  EXAMPLES,
  templateFiles,
  type Example,
} from "../../project/init/templates.ts";
import { ObstacleError, presentFiles, writeNewFiles, type Files } from "../../project/new-files.ts";
import { defineCommand, UsageError, type CommandHost, type ExitCode } from "../command.ts";

/** `peach init`: makes a project. */
export const init = defineCommand({
  name: "init",
  summary: "makes a project",
  description: `Makes a project in DIR (default: this folder), whose name the Worker gets: peach.conf, pipelines, a test, wrangler.toml, settings
for editors and a workflow for CI. Without --example it is a small pipeline behind a signed webhook. Overwrites nothing: of files that
are there already it says what to merge.`,
  words: [{ name: "DIR", means: "file", optional: true }],
  options: {
    example: { takes: "NAME", help: `${EXAMPLES.join(", ")} (default: ${EXAMPLES[0]})` },
    peach: {
      takes: "VERSION",
      help: "the peach in package.json: a version, or file:FILE (default: this one)",
    },
  },
  async run({ words: [dir = "."], options: { example, peach: given } }, host) {
    const chosen = exampleOf(example);
    const folder = resolve(host.cwd, dir);
    try {
      const name = projectName(folder);
      const peach =
        given === undefined ? findPeachSource(PACKAGE_ROOT, IS_CLONE) : { specifier: given };
      const files = personalised(templateFiles(PACKAGE_ROOT, chosen), {
        name,
        peach: peach.specifier,
        packageRoot: PACKAGE_ROOT,
      });
      return make(host, { folder, files, provide: peach.provide, example: chosen });
    } catch (error) {
      if (
        !(error instanceof ProjectNameError) &&
        !(error instanceof PeachSourceError) &&
        !(error instanceof ObstacleError)
      )
        throw error;
      host.err(error.message);
      return 1;
    }
  },
});

/** Finds an example by name or alias. */
function exampleOf(given: string | undefined): Example {
  if (given === undefined) return EXAMPLES[0];
  const example = EXAMPLE_ALIASES[given] ?? EXAMPLES.find((name) => name === given);
  if (example !== undefined) return example;
  throw new UsageError(`--example: expected one of ${EXAMPLES.join(", ")}, given ${given}`);
}

/** Writes the files that are not there yet, and tells what to do next. */
function make(
  host: CommandHost,
  project: {
    readonly folder: string;
    readonly files: Files;
    readonly provide: ((project: string) => void) | undefined;
    readonly example: Example;
  },
): ExitCode {
  const { folder, files, provide, example } = project;
  const present = new Map(
    presentFiles(folder, files).map((path) => [path, readFileSync(join(folder, path), "utf8")]),
  );
  const fresh = Object.fromEntries(Object.entries(files).filter(([path]) => !present.has(path)));
  writeNewFiles(folder, fresh);
  // The packed file is no use to a package.json that is not ours.
  provide?.(folder);
  host.out(`Made ${Object.keys(fresh).length} files in ${displayPath(folder) || "."}.`);
  const merges = mergesOf(files, present);
  for (const line of mergeLines(merges)) host.out(line);
  const isMerged = merges.length > 0;
  const next = isMerged ? "Next, when you have merged them" : "Next";
  // Scripts of another package.json may have the same names.
  const run = present.has("package.json") && isMerged ? "npx peach" : "npm run";
  host.out(`\n${next}:\n${nextSteps(relative(host.cwd, folder), example, run)}`);
  return 0;
}

/** Renders the present files with the advice for each. */
function mergeLines(merges: readonly Merge[]): string[] {
  if (merges.length === 0) return [];
  return [
    "\nThese files were there already and stay as they are:",
    ...merges.map(({ path, advice }) => `  ${path}: ${advice}`),
  ];
}

/** Renders the commands to type next; `run` starts a command of Peach. */
function nextSteps(folder: string, example: Example, run: string): string {
  const steps = [
    ...(folder === "" ? [] : [`cd ${/^[\w./-]+$/.test(folder) ? folder : JSON.stringify(folder)}`]),
    "npm install",
    ...(example === "blank" ? [] : [`${run} demo`]),
    `${run} dev`,
    run === "npm run" ? "npm test" : `${run} test`,
  ];
  return steps.map((step) => `  ${step}`).join("\n");
}
