/**
 * Checks with the project's own `tsc` that methods are tasks or endpoints and that the types of
 * edges fit. Complaints of `tsc` are mapped back to peach.conf. Writes to a folder under .peach and
 * removes it.
 */
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import type { CheckedProject } from "./compile.ts";
import { type Diagnostic, type Report, reportInto } from "./diagnostic.ts";
import {
  displayPath,
  IS_CLONE,
  PACKAGE_ROOT,
  SOURCE_CONDITION,
  type ProjectPaths,
} from "./project-paths.ts";
import { readText } from "./read-file.ts";
import { isMapping } from "./schema-parts.ts";
import { offsetAt, type SourceFile } from "./source.ts";
import { parseTscOutput, type TscComplaint } from "./tsc-output.ts";
import { type Assertion, emitAssertions } from "./type-assertions.ts";

/**
 * TypeScript's errors that leave a type unknown: a missing name, module or export, or a type that
 * refers to itself. An unknown type fits every type, so an edge would pass unchecked.
 */
const HINDERING = new Set([2304, 2305, 2306, 2307, 2503, 2552, 2614, 2724, 7016, 7022, 7023]);

/**
 * Reports the methods and edges whose types do not fit. Does not start `tsc` for a project without
 * methods. Rejects if `tsc` cannot be run.
 */
export async function checkTypes(
  project: CheckedProject,
  paths: ProjectPaths,
): Promise<readonly Diagnostic[]> {
  if (project.methods.tasks.size + project.methods.endpoints.size === 0) return [];
  // The folder is inside the project, so that packages and types are found as for pipelines.
  const parent = join(paths.projectRoot, ".peach");
  mkdirSync(parent, { recursive: true });
  const folder = realpathSync(mkdtempSync(join(parent, "check-")));
  try {
    const { text, assertions, firstLine } = emitAssertions(project, folder);
    const checkedFile = join(folder, "assertions.ts");
    writeFileSync(checkedFile, text);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig(paths, folder)));
    const diagnostics: Diagnostic[] = [];
    const report = reportInto(diagnostics);
    const failed = new Set<Assertion>();
    for (const complaint of parseTscOutput(await runTsc(paths.projectRoot, folder))) {
      const file = resolve(folder, complaint.file);
      // Line numbers identify assertions, since each one is a line of its own.
      const assertion = file === checkedFile ? assertions[complaint.line - firstLine] : undefined;
      if (assertion !== undefined) {
        if (assertion.after === null || !failed.has(assertion.after))
          reportAssertion(assertion, complaint, report);
        failed.add(assertion);
      } else if (
        HINDERING.has(complaint.code) &&
        !relative(paths.pipelinesDir, file).startsWith("..")
      ) {
        reportHindrance(file, complaint, report);
      }
    }
    return diagnostics;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The configuration of the check for one file. A clone uses its source's own, without rules about
 * style. A project's own settings do not matter: they may be stricter or looser than the check.
 */
function tsconfig({ projectRoot, pipelinesDir }: ProjectPaths, folder: string): object {
  const outside = relative(projectRoot, pipelinesDir).startsWith("..");
  const compilerOptions = {
    exactOptionalPropertyTypes: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: { ...packageEntries(), ...(outside && installedPackages(projectRoot)) },
  };
  const files = [
    "assertions.ts",
    join(projectRoot, "worker-configuration.d.ts"),
    ...(IS_CLONE ? [join(PACKAGE_ROOT, "src/env.d.ts")] : []),
  ].filter((file) => existsSync(resolve(folder, file)));
  if (IS_CLONE)
    return {
      extends: relative(folder, join(PACKAGE_ROOT, "tsconfig.src.json")),
      compilerOptions,
      include: [],
      files,
    };
  return {
    compilerOptions: { ...PROJECT_OPTIONS, ...compilerOptions, types: typesOf(projectRoot) },
    files,
  };
}

/**
 * The types that pipelines see beside their imports: the platform's, from the project's own
 * `wrangler types` if that has them, and Node's if the project has installed them.
 */
function typesOf(projectRoot: string): string[] {
  const generated = readText(join(projectRoot, "worker-configuration.d.ts")) ?? "";
  const platform = generated.includes("// Begin runtime types")
    ? []
    : [packageFolder("@cloudflare/workers-types", PACKAGE_ROOT)];
  try {
    return [...platform, packageFolder("@types/node", projectRoot)];
  } catch {
    return platform;
  }
}

/** TypeScript's settings for the pipelines of a project. */
const PROJECT_OPTIONS = {
  target: "esnext",
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["esnext"],
  noEmit: true,
  strict: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  skipLibCheck: true,
};

/** Maps `peach/...` to this package, also for pipelines outside of any project. */
function packageEntries(): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    ["task-helpers", "worker", "client"].map((name) => [`peach/${name}`, [entryTypes(name)]]),
  );
}

/** Returns the file that declares what `peach/NAME` exports, as package.json says. */
function entryTypes(name: string): string {
  const { exports } = readManifest(PACKAGE_ROOT);
  const entry = isMapping(exports) ? exports[`./${name}`] : undefined;
  const file = isMapping(entry) ? entry[IS_CLONE ? SOURCE_CONDITION : "types"] : undefined;
  if (typeof file !== "string") throw new Error(`package.json exports no types of peach/${name}`);
  return join(PACKAGE_ROOT, file);
}

/**
 * Maps packages for pipelines outside the project. Without node_modules above them, their imports
 * resolve to the project's packages, as in the bundler.
 */
function installedPackages(projectRoot: string): Readonly<Record<string, readonly string[]>> {
  const manifest = readManifest(projectRoot);
  const names = [manifest["dependencies"], manifest["devDependencies"]].flatMap((named) =>
    isMapping(named) ? Object.keys(named) : [],
  );
  const packages = [...names, "zod"].filter((name) => name !== "peach");
  return Object.fromEntries(
    packages.map((name) => [name, [join(projectRoot, "node_modules", name)]]),
  );
}

function readManifest(folder: string): Readonly<Record<string, unknown>> {
  const text = readText(join(folder, "package.json"));
  const manifest: unknown = text === null ? {} : JSON.parse(text);
  return isMapping(manifest) ? manifest : {};
}

/** Returns the folder of a package as it is found from another folder. Throws without one. */
function packageFolder(name: string, from: string): string {
  const require = createRequire(join(from, "package.json"));
  return dirname(require.resolve(`${name}/package.json`));
}

/** A package that the project lacks; the message says how to install it. */
export class MissingPackageError extends Error {}

/** Finds the project's own TypeScript. Throws `MissingPackageError` if it has none. */
function tscOf(projectRoot: string): string {
  try {
    return join(packageFolder("typescript", projectRoot), "bin", "tsc");
  } catch {
    throw new MissingPackageError(
      "the types of the pipelines cannot be checked: this project has no TypeScript; npm install --save-dev typescript@7",
    );
  }
}

/** Runs `tsc` in the folder and returns its output. Type errors are output, not a failure. */
function runTsc(projectRoot: string, folder: string): Promise<string> {
  // Most assertions depend on the same few types. More checkers would each compute those again, for
  // twice the work.
  const options = ["--pretty", "false", "--checkers", "1"];
  const args = [tscOf(projectRoot), "-p", ".", ...options];
  return new Promise((done, reject) => {
    // `tsc` names files relative to the working folder, and runs in this folder.
    execFile(
      process.execPath,
      args,
      { cwd: folder, maxBuffer: 64 * 1024 ** 2 },
      (error, stdout, stderr) => {
        // `tsc` exits with an error code for type errors too. Only an output without any is a
        // failure.
        if (error === null || /error TS\d+/.test(stdout)) done(stdout);
        else reject(new Error(`tsc cannot check the types: ${stderr || error.message}`));
      },
    );
  });
}

/** Reports a failed assertion at its place in peach.conf, with TypeScript's reason as details. */
function reportAssertion(assertion: Assertion, { reason }: TscComplaint, report: Report): void {
  const { span, message, hint, detailed } = assertion;
  report(span, detailed ? `${message}${reason.map((line) => `\n  ${line}`).join("")}` : message, {
    hint,
  });
}

/**
 * Reports an error in a pipeline file at its own place, as it hides the types of its tasks. The
 * marker covers the name or the quoted text at the position.
 */
function reportHindrance(
  file: string,
  { line, column, reason }: TscComplaint,
  report: Report,
): void {
  const source: SourceFile = { path: displayPath(file), text: readFileSync(file, "utf8") };
  const start = offsetAt(source, { line, column });
  const end = start + (/^[\w$]+|^"[^"]*"|^'[^']*'/.exec(source.text.slice(start))?.[0].length ?? 1);
  report({ source, start, end }, reason.join("\n"), {
    hint: "with this, the types of the tasks here are unknown and their edges cannot be checked",
  });
}
