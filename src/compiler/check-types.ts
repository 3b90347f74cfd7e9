/**
 * Checks with the project's own `tsc` that methods are tasks or endpoints and that the types of
 * edges fit. Complaints of `tsc` are mapped back to peach.conf. Writes to a folder under .peach and
 * removes it.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import type { CheckedProject } from "./compile.ts";
import { type Diagnostic, type Report, reportInto } from "./diagnostic.ts";
import { displayPath, type ProjectPaths } from "./project-paths.ts";
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
  // The folder is inside the repository, so that packages and types are found as for pipelines.
  const parent = join(paths.repoRoot, ".peach");
  mkdirSync(parent, { recursive: true });
  const folder = realpathSync(mkdtempSync(join(parent, "check-")));
  try {
    const { text, assertions, firstLine } = emitAssertions(project, folder, paths.repoRoot);
    const checkedFile = join(folder, "assertions.ts");
    writeFileSync(checkedFile, text);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig(paths, folder)));
    const diagnostics: Diagnostic[] = [];
    const report = reportInto(diagnostics);
    const failed = new Set<Assertion>();
    for (const complaint of parseTscOutput(await runTsc(paths.repoRoot, folder))) {
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

/** The configuration of the check: the source's own, without rules about style, for one file. */
function tsconfig({ repoRoot, pipelinesDir }: ProjectPaths, folder: string): object {
  const outside = relative(repoRoot, pipelinesDir).startsWith("..");
  return {
    extends: relative(folder, join(repoRoot, "tsconfig.src.json")),
    compilerOptions: {
      exactOptionalPropertyTypes: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      ...(outside && { paths: packagePaths(repoRoot) }),
    },
    include: [],
    files: [
      "assertions.ts",
      join(repoRoot, "worker-configuration.d.ts"),
      join(repoRoot, "src/env.d.ts"),
    ],
  };
}

/**
 * Maps packages for pipelines outside the repository. Without node_modules above them, their
 * imports resolve to this project's packages, as in the bundler.
 */
function packagePaths(repoRoot: string): Readonly<Record<string, readonly string[]>> {
  const manifest: unknown = JSON.parse(readFileSync(join(repoRoot, "package.json"), "utf8"));
  const dependencies =
    isMapping(manifest) && isMapping(manifest["dependencies"]) ? manifest["dependencies"] : {};
  const packages = Object.keys(dependencies).map(
    (name) => [name, [join(repoRoot, "node_modules", name)]] as const,
  );
  return Object.fromEntries([
    ["peach/task-helpers", [join(repoRoot, "src/task-helpers.ts")]],
    ...packages,
  ]);
}

/** Runs `tsc` in the folder and returns its output. Type errors are output, not a failure. */
function runTsc(repoRoot: string, folder: string): Promise<string> {
  // Most assertions depend on the same few types. More checkers would each compute those again, for
  // twice the work.
  const options = ["--pretty", "false", "--checkers", "1"];
  const args = [join(repoRoot, "node_modules/typescript/bin/tsc"), "-p", ".", ...options];
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
