/**
 * Typed edges: what a parent is declared to pass must fit what its child is declared to take. TypeScript decides: a file with one
 * assertion per line is checked by the project's own `tsc`, and its complaints are led back to the edges. Payloads travel as
 * JSON, so types are compared as JSON leaves them. Sides that are not declared are not checked.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import type { Edge } from "./check-graph.ts";
import type { CheckedProject } from "./compile.ts";
import { type Diagnostic, type Report, reportInto } from "./diagnostic.ts";
import { importPath, methodTypes } from "./emit.ts";
import { displayPath, type ProjectPaths } from "./project-paths.ts";
import { offsetAt, type SourceFile } from "./source.ts";
import { parseTscOutput, type TscComplaint } from "./tsc-output.ts";

/** One line of the checked file. `shape`: whether the child expects to read from the parents that it has. */
interface Assertion {
  readonly about: "edge" | "shape";
  readonly edge: Edge;
  readonly code: string;
}

/**
 * TypeScript's complaints that leave a type unknown: a name, module or export that is not there, a type that needs itself.
 * Such a type fits everything, so an edge would pass unchecked.
 */
const HINDERING = new Set([2304, 2305, 2306, 2307, 2503, 2552, 2614, 2724, 7016, 7022, 7023]);

const PRELUDE = `type Bytes = ArrayBuffer | ArrayBufferView | Blob | ReadableStream;
type IsAny<T> = 0 extends 1 & T ? true : false;
type AsJson<T> = IsAny<T> extends true ? any : unknown extends T ? any
  : T extends string | number | boolean | null | undefined | Bytes ? T
  : T extends { toJSON(): infer Json } ? AsJson<Json>
  : T extends object ? { -readonly [Key in keyof T]: AsJson<T[Key]> } : T;
type Takes<Method> = IsAny<Method> extends true ? any : Method extends TypedTask<infer Input, infer _> ? input<Input> : any;
type Passes<Method> = IsAny<Method> extends true ? any : Method extends TypedTask<infer _, infer Output> ? AsJson<output<Output>> : any;
declare function given<T>(): T;
`;

/** Reports the edges whose types do not fit. Runs `tsc` if there is any edge; rejects if it cannot be run. */
export async function checkEdges(project: CheckedProject, paths: ProjectPaths): Promise<readonly Diagnostic[]> {
  const assertions = assertionsOf(project);
  if (assertions.length === 0) return [];
  // Inside the repository, so that packages and types are found as for the pipelines themselves.
  const parent = join(paths.repoRoot, ".peach");
  mkdirSync(parent, { recursive: true });
  const folder = realpathSync(mkdtempSync(join(parent, "edges-")));
  try {
    const { imports } = methodTypes([...project.methods.tasks.values()], folder);
    const head = `import type { input, output } from "zod";
import type { TypedTask } from ${JSON.stringify(importPath(folder, `${paths.repoRoot}/src/task/method.ts`))};
${imports}${PRELUDE}`;
    const file = join(folder, "edges.ts");
    writeFileSync(file, `${head}${assertions.map(({ code }) => `${code}\n`).join("")}`);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig(paths, folder)));
    const complaints = parseTscOutput(await runTsc(paths.repoRoot, folder));
    const diagnostics: Diagnostic[] = [];
    reportComplaints(
      complaints,
      { assertions, file, folder, firstLine: head.split("\n").length, paths },
      reportInto(diagnostics),
    );
    return diagnostics;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function assertionsOf({ methods, edges }: CheckedProject): Assertion[] {
  const { typeOf } = methodTypes([...methods.tasks.values()], "");
  const byChild = Map.groupBy(edges, ({ child }) => child);
  const shown = new Set<string>();
  return edges.flatMap((edge, index): Assertion[] => {
    const { parent, child } = edge;
    const parentMethod = methods.tasks.get(parent);
    const childMethod = methods.tasks.get(child);
    if (parentMethod === undefined || childMethod === undefined) return [];
    const takes = `Takes<${typeOf(childMethod)}>`;
    const passes = `Passes<${typeOf(parentMethod)}>`;
    const assert = (name: string, type: string): string => `export const ${name}${index}: ${takes} = given<${type}>();`;
    const parents = (byChild.get(child) ?? []).map((one) => one.parent);
    if (parents.length < 2) return [{ about: "edge", edge, code: assert("edge", passes) }];
    // The other parents are let through, so that each edge answers for its own part only.
    const keyed = (part: (name: string) => string): string =>
      `{ ${parents.map((name) => `${JSON.stringify(name)}: ${part(name)}`).join("; ")} }`;
    const own: Assertion = {
      about: "edge",
      edge,
      code: assert(
        "edge",
        keyed((name) => (name === parent ? passes : "any")),
      ),
    };
    if (shown.has(child)) return [own];
    shown.add(child);
    return [
      {
        about: "shape",
        edge,
        code: assert(
          "shape",
          keyed(() => "any"),
        ),
      },
      own,
    ];
  });
}

function tsconfig({ repoRoot, pipelinesDir }: ProjectPaths, folder: string): object {
  const outside = relative(repoRoot, pipelinesDir).startsWith("..");
  const packages = ["zod"].map((name) => [name, [join(repoRoot, "node_modules", name)]] as const);
  return {
    extends: relative(folder, join(repoRoot, "tsconfig.src.json")),
    // Files outside the repository find neither Peach nor its packages by themselves.
    compilerOptions: {
      exactOptionalPropertyTypes: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      ...(outside && {
        paths: Object.fromEntries([["peach/task-helpers", [join(repoRoot, "src/task-helpers.ts")]], ...packages]),
      }),
    },
    include: [],
    files: ["edges.ts", join(repoRoot, "worker-configuration.d.ts"), join(repoRoot, "src/env.d.ts")],
  };
}

function runTsc(repoRoot: string, folder: string): Promise<string> {
  const tsc = join(repoRoot, "node_modules/typescript/bin/tsc");
  return new Promise((resolveOutput, reject) => {
    // From the folder, so that it names the files by paths that can be led back.
    execFile(
      process.execPath,
      [tsc, "-p", ".", "--pretty", "false"],
      { cwd: folder, maxBuffer: 64 * 1024 ** 2 },
      (error, stdout, stderr) => {
        // Complaints are an exit code too: only an output without any is a failure.
        if (error === null || /error TS\d+/.test(stdout)) resolveOutput(stdout);
        else reject(new Error(`tsc cannot check the edges: ${stderr || error.message}`));
      },
    );
  });
}

interface CheckedFile {
  readonly assertions: readonly Assertion[];
  readonly file: string;
  readonly folder: string;
  /** Of the assertions in the file, from 1. */
  readonly firstLine: number;
  readonly paths: ProjectPaths;
}

function reportComplaints(complaints: readonly TscComplaint[], checked: CheckedFile, report: Report): void {
  const misshapen = new Set<string>();
  for (const complaint of complaints) {
    const file = resolve(checked.folder, complaint.file);
    const assertion = file === checked.file ? checked.assertions[complaint.line - checked.firstLine] : undefined;
    if (assertion !== undefined) reportAssertion(assertion, complaint, misshapen, report);
    else if (file === checked.file) throw new Error(`the edges cannot be checked: ${complaint.reason.join(" ")}`);
    else if (HINDERING.has(complaint.code) && !relative(checked.paths.pipelinesDir, file).startsWith("..")) {
      reportHindrance(file, complaint, report);
    }
  }
}

function reportAssertion(
  { about, edge }: Assertion,
  { reason }: TscComplaint,
  misshapen: Set<string>,
  report: Report,
): void {
  const { parent, child, span } = edge;
  const details = reason.map((line) => `\n  ${line}`).join("");
  if (about === "shape") {
    misshapen.add(child);
    report(
      span,
      `tasks.${parent}.downstream: \`${child}\` does not take an object keyed by its upstream tasks${details}`,
      {
        hint: `a task with several upstream tasks reads an object keyed by their names: declare its \`input\` so`,
      },
    );
  } else if (!misshapen.has(child)) {
    report(
      span,
      `tasks.${parent}.downstream: what \`${parent}\` passes does not fit what \`${child}\` takes${details}`,
      {
        hint: `make the \`output\` of ${parent} and the \`input\` of ${child} agree`,
      },
    );
  }
}

function reportHindrance(file: string, { line, column, reason }: TscComplaint, report: Report): void {
  const source: SourceFile = { path: displayPath(file), text: readFileSync(file, "utf8") };
  const start = offsetAt(source, { line, column });
  const end = start + (/^[\w$]+|^"[^"]*"|^'[^']*'/.exec(source.text.slice(start))?.[0].length ?? 1);
  report({ source, start, end }, reason.join("\n"), {
    hint: "with this, the types of the tasks here are unknown and their edges cannot be checked",
  });
}
