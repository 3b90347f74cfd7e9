import {
  existsSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { OTHER_FORMATS } from "../../compiler/check-worker-resources.ts";
import { IS_CLONE, PACKAGE_ROOT } from "../../compiler/project-paths.ts";
import { readText } from "../../compiler/read-file.ts";
import { findPeachSource, PeachSourceError } from "../../project/init/peach-source.ts";
import { templateFiles } from "../../project/init/templates.ts";
import { parsed, textOf } from "../../project/json-text.ts";
import { lineDiff } from "../../project/upgrade/diff.ts";
import { planUpgrade, type FileChange, type UpgradePlan } from "../../project/upgrade/upgrade.ts";
import { defineCommand, type CommandHost, type ExitCode } from "../command.ts";

/** `peach upgrade`: moves a project to the installed release. */
export const upgrade = defineCommand({
  name: "upgrade",
  summary: "moves a project to this release",
  description: `Moves the project to the release that runs the command, from any release since 0.2.0: the version in package.json, migrations for
object classes that are new, src/index.ts, keys of peach.conf that have another name. Shows each change as a diff and asks; comments
and whatever is yours stay. Where it cannot be sure it says why, and changes nothing.`,
  options: {
    "dry-run": { help: "only shows the changes; exits with 1 if there are any" },
    yes: { help: "does not ask" },
    peach: {
      takes: "VERSION",
      help: "the peach in package.json: a version, or file:FILE (default: this one)",
    },
  },
  async run({ options: { "dry-run": dryRun, yes, peach: given } }, host) {
    const folder = host.projectRoot;
    try {
      const source =
        given === undefined ? findPeachSource(PACKAGE_ROOT, IS_CLONE) : { specifier: given };
      const plan = planUpgrade(filesOf(folder), {
        version: String(parsed(readText(join(PACKAGE_ROOT, "package.json")) ?? "{}")["version"]),
        specifier: source.specifier,
        template: templateTexts(PACKAGE_ROOT),
      });
      if (plan.refusals.length > 0) return refuse(plan, host);
      if (plan.changes.length === 0) {
        host.out("Nothing to change: the project fits this release.");
        return 0;
      }
      for (const change of plan.changes) show(change, host);
      for (const note of plan.notes) host.out(`\nLeft to you: ${note}`);
      if (dryRun === true) return 1;
      if (yes !== true && !(await isAgreed(plan.changes.length, host))) return 1;
      // The user may edit files while the question waits.
      const edited = plan.changes.filter(({ path, before }) => {
        return readText(join(folder, path)) !== before;
      });
      if (edited.length > 0) {
        const names = edited.map(({ path }) => path).join(", ");
        host.err(`${names} was changed meanwhile, so nothing was upgraded: run it again`);
        return 1;
      }
      // package.json may name the packed file: the packed file is written first.
      source.provide?.(folder);
      for (const { path, after } of plan.changes) replaceFile(join(folder, path), after);
      const manager = packageManager(folder);
      host.out(
        `\nChanged ${plan.changes.map(({ path }) => path).join(", ")}. ` +
          `Next:\n  ${manager} install\n  ${manager} run check`,
      );
      return 0;
    } catch (error) {
      if (!(error instanceof PeachSourceError)) throw error;
      host.err(error.message);
      return 1;
    }
  },
});

/** Replaces a file in a single step: an interrupted upgrade leaves no half of a file. */
function replaceFile(path: string, text: string): void {
  const file = existsSync(path) ? realpathSync(path) : path;
  const draft = `${file}.peach-upgrade`;
  writeFileSync(draft, text, existsSync(file) ? { mode: statSync(file).mode } : {});
  renameSync(draft, file);
}

/** The package manager of a project, by its lock file. */
function packageManager(folder: string): string {
  const locks = [
    ["pnpm-lock.yaml", "pnpm"],
    ["yarn.lock", "yarn"],
  ] as const;
  return locks.find(([lock]) => existsSync(join(folder, lock)))?.[1] ?? "npm";
}

/** Prints the reasons against the upgrade. */
function refuse({ from, refusals }: UpgradePlan, host: CommandHost): ExitCode {
  const what = from === null ? "The upgrade" : `The upgrade from ${from}`;
  host.err(`${what} cannot be made, so nothing was changed:`);
  for (const refusal of refusals) host.err(`  ${refusal}`);
  return 1;
}

/** Asks for the consent of the user. Without a terminal there is no consent. */
async function isAgreed(count: number, host: CommandHost): Promise<boolean> {
  const files = `${count} ${count === 1 ? "file" : "files"}`;
  const answer = await host.ask(`\nChange ${files}? [y/N] `);
  if (answer === null) {
    host.err(
      "\nThere is nobody to ask here, so nothing was changed: --yes changes without asking.",
    );
    return false;
  }
  if (/^y(es)?$/i.test(answer.trim())) return true;
  host.out("Nothing was changed.");
  return false;
}

/** Shows a change with its diff. */
function show({ path, before, after, titles }: FileChange, { out, terminal }: CommandHost): void {
  out(`\n${path}: ${titles.join("; ")}`);
  for (const line of lineDiff(before ?? "", after)) {
    const color = line.startsWith("-") ? "red" : line.startsWith("+") ? "green" : "gray";
    out(`  ${terminal.colors ? styleText(color, line, { validateStream: false }) : line}`);
  }
}

/** Lists the files of a project that steps read: the files of the root, and the pipelines. */
function filesOf(folder: string): Map<string, string | null> {
  const names = [
    "package.json",
    "wrangler.toml",
    ...OTHER_FORMATS,
    "src/index.ts",
    "tsconfig.json",
    "peach.conf",
  ];
  return new Map(
    [...names, ...pipelinesIn(folder)].map((path) => [path, readText(join(folder, path))]),
  );
}

function pipelinesIn(folder: string): string[] {
  try {
    const names = readdirSync(join(folder, "src/pipelines"), { recursive: true, encoding: "utf8" });
    return names.filter((name) => name.endsWith(".ts")).map((name) => `src/pipelines/${name}`);
  } catch {
    // A project may keep its pipelines elsewhere.
    return [];
  }
}

function templateTexts(packageRoot: string): Map<string, string> {
  const files = Object.entries(templateFiles(packageRoot, "webhook"));
  return new Map(files.map(([path, content]) => [path, textOf(content)]));
}
