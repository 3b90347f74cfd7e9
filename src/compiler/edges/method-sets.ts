/**
 * Reads the inputs and outputs of the tasks of a project. Typed tasks have schemas; plain functions
 * have TypeScript types. Reading types is slow, so only functions on a checked edge are read.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CheckedProject } from "../compile.ts";
import type { ResolvedMethod } from "../methods.ts";
import { answeringMethods } from "../plan.ts";
import type { ProjectPaths } from "../project-paths.ts";
import { askReader } from "./ask-reader.ts";
import { PassingCalls } from "./passing-calls.ts";
import type { KnownValue, MethodAnswer, SchemaAnswer, WantedMethod } from "./reader-questions.ts";
import { readSchemas } from "./read-schemas.ts";
import type { SchemaCache } from "./schema-cache.ts";
import type { Signature } from "./signatures.ts";
import { requireTypeScript, tsconfigFor } from "./type-config.ts";
import { ANY, asPayload, resolved, type ValueSet } from "./value-set.ts";

/** The input and output of a task as sets. A task with `each` has the sets of one item. */
export interface TaskSets {
  /** The values that the task accepts. */
  readonly taken: ValueSet;
  /** The values that the task may return. */
  readonly passed: ValueSet;
  /** True if a schema, or the type of a plain function, declares the output. */
  readonly isDeclared: boolean;
}

/** The result of reading the methods of a project. */
export interface MethodSets {
  /** The sets of each task, by name. */
  readonly tasks: ReadonlyMap<string, TaskSets>;
  /** The kind of each method, by `methodKey`. */
  readonly answers: ReadonlyMap<string, MethodAnswer>;
  /** Faults of known payloads, by the payload's id. */
  readonly refused: SchemaAnswer["refused"];
  /** Errors of the bundler. With an error, no method was read. */
  readonly errors: SchemaAnswer["errors"];
}

/** Identifies the export behind a method. */
export function methodKey({ file, exportName }: ResolvedMethod): string {
  return `${file}#${exportName}`;
}

/**
 * Reads all methods of a project, and parses the known payloads. Writes to a folder under `.peach`
 * of the project and removes the folder.
 */
export async function readMethods(
  project: CheckedProject,
  paths: ProjectPaths,
  values: readonly KnownValue[],
  read: "edges" | "all" = "edges",
  cache?: SchemaCache,
): Promise<MethodSets> {
  const { methods } = project;
  const all = [...methods.tasks.values(), ...answeringMethods(methods)];
  const wanted = new Map(
    all.map((method): [string, WantedMethod] => [
      methodKey(method),
      { ...method, key: methodKey(method) },
    ]),
  );
  const schemas = await readSchemas([...wanted.values()], values, paths.projectRoot, cache);
  const reader = new TaskReader(project, schemas.methods);
  const signatures = await reader.signaturesIn(paths, read);
  const tasks = new Map(
    [...project.shapes.keys()].map((name) => [name, reader.read(name, signatures)]),
  );
  return { tasks, answers: schemas.methods, refused: schemas.refused, errors: schemas.errors };
}

/** Combines schemas and signatures into the sets of tasks. */
class TaskReader {
  readonly #project: CheckedProject;
  readonly #answers: ReadonlyMap<string, MethodAnswer>;
  readonly #calls: PassingCalls;

  constructor(project: CheckedProject, answers: ReadonlyMap<string, MethodAnswer>) {
    this.#project = project;
    this.#answers = answers;
    this.#calls = new PassingCalls(project.modules);
  }

  /**
   * Reads the types of plain functions on checked edges. A function matters if a child declares an
   * input, or if the function itself has a parameter and an upstream task. "all" reads every
   * function.
   */
  async signaturesIn(
    paths: ProjectPaths,
    read: "edges" | "all",
  ): Promise<ReadonlyMap<string, Signature>> {
    const needed = new Map<string, ResolvedMethod>();
    for (const [name, { upstream, downstream }] of this.#project.shapes) {
      const method = this.#project.methods.tasks.get(name);
      if (method === undefined || this.#answerOf(name)?.type !== "function") continue;
      const isAsked = upstream.length > 0 && this.#readsPayload(name);
      const isTold = downstream.some((child) => this.#readsPayload(child));
      if (read === "all" || isAsked || isTold) needed.set(methodKey(method), method);
    }
    if (needed.size === 0) return new Map();
    requireTypeScript(paths.projectRoot);
    const functions = [...needed.values()].map(({ file, exportName }) => ({ file, exportName }));
    const files = [...new Set(functions.map(({ file }) => file))];
    return withTsconfig(paths, files, async (tsconfig) => {
      const { projectRoot } = paths;
      const asked = await askReader<"signatures">({
        type: "signatures",
        ask: { projectRoot, functions, tsconfig },
      });
      return asked.ok ? asked.answer : new Map();
    });
  }

  /** Returns the sets of one task. An unknown output carries the reason. */
  read(name: string, signatures: ReadonlyMap<string, Signature>): TaskSets {
    const method = this.#project.methods.tasks.get(name);
    const answer = this.#answerOf(name);
    if (method === undefined || answer === undefined) return unread("a method that was not found");
    if (answer.type === "task") return declared(answer);
    if (answer.type !== "function") return unread("a file that cannot be evaluated here");
    const signature = signatures.get(methodKey(method));
    if (signature === undefined) return unread("a type that was not read");
    const { taken, passed } = signature;
    const why = this.#project.shapes.get(name)?.isExternal
      ? "what completes an external task"
      : this.#calls.isIn(method.file, method.exportName)
        ? "a call of passToChildTask"
        : null;
    if (why !== null) return { taken, passed: { kind: "any", why }, isDeclared: false };
    return { taken, passed, isDeclared: resolved(passed)?.kind !== "any" };
  }

  /** Tests if a task declares, or may declare, its payload. */
  #readsPayload(name: string): boolean {
    const answer = this.#answerOf(name);
    if (answer?.type === "task") return answer.taken !== null;
    return answer?.type === "function" && answer.takesPayload;
  }

  /** Returns the answer about the method of a task. */
  #answerOf(name: string): MethodAnswer | undefined {
    const method = this.#project.methods.tasks.get(name);
    return method === undefined ? undefined : this.#answers.get(methodKey(method));
  }
}

/** Returns the sets of a task with schemas. */
function declared({ taken, passed }: Extract<MethodAnswer, { readonly type: "task" }>): TaskSets {
  return {
    taken: taken ?? ANY,
    passed: passed === null ? { kind: "any", why: "no output" } : asPayload(passed),
    isDeclared: passed !== null,
  };
}

/** Returns the sets of an unknown task, with the reason. */
function unread(why: string): TaskSets {
  return { taken: ANY, passed: { kind: "any", why }, isDeclared: false };
}

/** Runs a function with a temporary tsconfig.json for the files. */
export async function withTsconfig<T>(
  paths: ProjectPaths,
  files: readonly string[],
  use: (tsconfig: string) => Promise<T>,
): Promise<T> {
  // The folder is inside the project: packages and types then resolve as for pipelines.
  const parent = join(paths.projectRoot, ".peach");
  mkdirSync(parent, { recursive: true });
  const folder = realpathSync(mkdtempSync(join(parent, "types-")));
  try {
    const tsconfig = join(folder, "tsconfig.json");
    writeFileSync(tsconfig, JSON.stringify(tsconfigFor(paths, files, folder)));
    return await use(tsconfig);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
