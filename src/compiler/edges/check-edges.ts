/**
 * Checks each edge of peach.conf: the output of the parent must fit the input of the child.
 *
 *     zod schemas ──► passed-sets, taken-sets ──┐
 *                                               ├──► compare-sets ──► edge-reports
 *     TypeScript types ──► type-sets ───────────┤
 *     peach.conf ──► task-shapes, task-inputs ──┘
 *
 * The answer to an edge is one of three. "Fits" is a promise and reports nothing. "Misfit" is
 * certain and an error. "Unknown" is a warning with the reason. The check never guesses.
 */
import { resolve } from "node:path";
import type { Message } from "esbuild";
import type { CheckedProject } from "../compile.ts";
import { type Diagnostic, type Report, reportInto, type Warn } from "../diagnostic.ts";
import { answeringMethods } from "../plan.ts";
import { displayPath, type ProjectPaths } from "../project-paths.ts";
import { readText } from "../read-file.ts";
import { offsetAt, type SourceFile, type Span } from "../source.ts";
import { checkComponents } from "./check-components.ts";
import { compareSets } from "./compare-sets.ts";
import { EdgeReports, pathText } from "./edge-reports.ts";
import { adviceFor, lostValue } from "./lost-values.ts";
import { methodKey, type MethodSets, readMethods } from "./method-sets.ts";
import type { SourcePlace } from "./reader-questions.ts";
import { readSchemas } from "./read-schemas.ts";
import type { SchemaCache } from "./schema-cache.ts";
import { TaskInputs, type TaskShape } from "./task-inputs.ts";
import { checkTriggers, knownPayloads } from "./check-triggers.ts";
import { ANY, arrayOf, resolved, type ValueSet } from "./value-set.ts";

/** The reports about the edges of a project. */
export interface EdgeAnswers {
  /** Certain faults. */
  readonly problems: readonly Diagnostic[];
  /** Edges without an answer, and files that cannot be evaluated. */
  readonly warnings: readonly Diagnostic[];
}

/** Limit of upstream tasks of a join whose edges are compared one by one. */
const MAX_JOINED = 50;

/**
 * Checks the edges and triggers of a project. Evaluates the pipeline files in a separate process,
 * except for those that `cache` knows of an earlier check. A project without methods has no edges
 * to check.
 */
export async function checkEdges(
  project: CheckedProject,
  paths: ProjectPaths,
  cache?: SchemaCache,
): Promise<EdgeAnswers> {
  const problems: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  const [report, warn] = [reportInto(problems), reportInto(warnings)];
  // A file that hangs or ends the process affects only the answers of its own process.
  const others = checkOtherFiles(project, paths, { report, warn }, cache);
  if (project.methods.tasks.size + answeringMethods(project.methods).length === 0) {
    await others;
    return { problems, warnings };
  }
  const sets = await readMethods(project, paths, knownPayloads(project), "edges", cache);
  await others;
  // Without a bundle there are no sets to compare. The bundler finds syntax errors again.
  if (isParsed(project)) for (const error of sets.errors) reportBroken(error, paths, report);
  if (sets.errors.length > 0) return { problems, warnings };
  const wrong = checkMethods(project, sets, { report, warn });
  const edges = new EdgeChecker(project, sets, new EdgeReports(project, sets, report, warn), wrong);
  edges.checkOutputs(report);
  edges.checkAll();
  checkTriggers(project, sets, report);
  await checkComponents(project, paths, report);
  return { problems, warnings };
}

/** Tests if all pipeline files parse. */
function isParsed({ diagnostics }: CheckedProject): boolean {
  return !diagnostics.some(({ code }) => code === "PEACH304");
}

/** Reports an error of the bundler at its place in the pipelines. */
function reportBroken(
  { text, location }: Message,
  { projectRoot }: ProjectPaths,
  report: Report,
): void {
  const file = location === null ? projectRoot : resolve(location.file);
  const source: SourceFile = { path: displayPath(file), text: readText(file) ?? "" };
  const { line = 1, column = 0, length = 0, lineText = "" } = location ?? {};
  // The bundler counts the bytes of a line, in UTF-8.
  const bytes = new TextEncoder().encode(lineText);
  const widthOf = (from: number, to: number): number =>
    new TextDecoder().decode(bytes.subarray(from, to)).length;
  const start = offsetAt(source, { line, column: widthOf(0, column) + 1 });
  const end = start + Math.max(1, widthOf(column, column + length));
  report("PEACH308", { source, start, end }, text, {
    hint: "with this, the schemas of the tasks cannot be read and their edges cannot be checked",
  });
}

/** The span of a place, one character long. */
function spanAt({ file, ...position }: SourcePlace): Span {
  const source: SourceFile = { path: displayPath(file), text: readText(file) ?? "" };
  const start = offsetAt(source, position);
  return { source, start, end: start + 1 };
}

/**
 * Evaluates the files with exports that peach.conf does not name. They are deployed as well: runs
 * of an earlier peach.conf find their methods there. Warns of each file that throws.
 */
async function checkOtherFiles(
  project: CheckedProject,
  paths: ProjectPaths,
  { report, warn }: { readonly report: Report; readonly warn: Warn },
  cache?: SchemaCache,
): Promise<void> {
  const { methods, modules } = project;
  const named = new Set(
    [...methods.tasks.values(), ...answeringMethods(methods)].map(({ file }) => file),
  );
  const evaluated = new Set(
    modules.flatMap(({ file, evaluates }) => (named.has(file) ? [...evaluates] : [])),
  );
  const others = modules.flatMap(({ file, exports }) => {
    const [exportName] = exports.keys();
    return evaluated.has(file) || exportName === undefined ? [] : [{ key: file, file, exportName }];
  });
  const { methods: answers, errors } = await readSchemas(others, [], paths.projectRoot, cache);
  if (isParsed(project)) for (const error of errors) reportBroken(error, paths, report);
  for (const [file, answer] of answers) {
    if (answer.type !== "unread") continue;
    const at = answer.at ?? { file, line: 1, column: 1 };
    warn("PEACH606", spanAt(at), `${displayPath(file)} cannot be evaluated here: ${answer.why}`, {
      hint:
        "peach.conf names nothing of this file, but runs of an earlier peach.conf may: " +
        "mend the file, or delete it",
    });
  }
}

/**
 * Reports methods that are no task or no endpoint. Returns the names of the wrong tasks: their
 * edges are not compared. A file that cannot be evaluated is reported once.
 */
function checkMethods(
  { methods }: CheckedProject,
  { answers }: MethodSets,
  { report, warn }: { readonly report: Report; readonly warn: Warn },
): ReadonlySet<string> {
  const wrong = new Set<string>();
  const told = new Set<string>();
  for (const [name, method] of methods.tasks) {
    const answer = answers.get(methodKey(method));
    if (answer?.type === "other") {
      wrong.add(name);
      report("PEACH306", method.span, `${method.place}\`${method.exportName}\` is no task`, {
        hint: "a task is a function, or made by task({...})",
      });
    }
    if (answer?.type === "unread" && !told.has(method.file)) {
      told.add(method.file);
      warn(
        "PEACH606",
        method.span,
        `${method.place}the edges of the tasks in ${displayPath(method.file)} are not checked: the file cannot be evaluated here`,
        {
          hint: answer.why,
          related:
            answer.at === null ? [] : [{ span: spanAt(answer.at), message: "it throws here" }],
        },
      );
    }
  }
  for (const method of answeringMethods(methods)) {
    const type = answers.get(methodKey(method))?.type;
    if (type === "other" || type === "task")
      report("PEACH307", method.span, `${method.place}\`${method.exportName}\` is no endpoint`, {
        hint: "an endpoint is a function",
      });
  }
  return wrong;
}

/** Compares the sets at both ends of each edge. */
class EdgeChecker {
  readonly #project: CheckedProject;
  readonly #sets: MethodSets;
  readonly #reports: EdgeReports;
  /** The names of tasks whose method is no task. */
  readonly #wrong: ReadonlySet<string>;

  constructor(
    project: CheckedProject,
    sets: MethodSets,
    reports: EdgeReports,
    wrong: ReadonlySet<string>,
  ) {
    this.#project = project;
    this.#sets = sets;
    this.#reports = reports;
    this.#wrong = wrong;
  }

  /** Reports tasks whose declared output no payload can hold, such as a date. */
  checkOutputs(report: Report): void {
    const { shapes, methods } = this.#project;
    for (const [name, shape] of shapes) {
      const method = methods.tasks.get(name);
      const set = this.#sets.tasks.get(name)?.passed;
      const lost = set === undefined ? null : lostValue(set, shape.each === null);
      if (method === undefined || lost === null) continue;
      const advice = adviceFor(lost.what);
      report(
        "PEACH603",
        method.span,
        `tasks.${name}.method: what \`${name}\` is declared to pass is no payload: ${pathText(lost.path)} is ${lost.what}`,
        { hint: advice ?? "payloads are JSON values, texts, and, alone, bytes or a stream" },
      );
    }
  }

  /** Compares each task that declares an input with its upstream tasks. */
  checkAll(): void {
    const { shapes } = this.#project;
    const asked = [...shapes.values()].filter(
      ({ name, upstream }) =>
        upstream.length > 0 && !this.#wrong.has(name) && !this.#takesAll(name),
    );
    const joins = new Set(
      asked.filter(({ upstream }) => upstream.length > 1).map(({ name }) => name),
    );
    const passedBy = (name: string): ValueSet => this.#sets.tasks.get(name)?.passed ?? ANY;
    const inputs = new TaskInputs(shapes, passedBy, joins);
    for (const task of asked) this.#check(task, inputs);
  }

  /** Tests if a task accepts every value. */
  #takesAll(name: string): boolean {
    const set = this.#sets.tasks.get(name)?.taken;
    return set === undefined || resolved(set)?.kind === "any";
  }

  /**
   * Compares the inputs of one task, one for each group of runs. A join without an answer is
   * compared again for each upstream task alone, so that a report names every wrong edge.
   */
  #check(task: TaskShape, inputs: TaskInputs): void {
    const taken = this.#sets.tasks.get(task.name)?.taken ?? ANY;
    // The engine passes one item of the array to each run of a task with `each`.
    const wanted = task.each === null ? taken : arrayOf(taken);
    for (const { set, when } of inputs.readingsOf(task)) {
      const verdict = compareSets(set, wanted);
      if (verdict.answer === "fits") continue;
      const isJoin = task.upstream.length > 1;
      if (!isJoin || verdict.path.length === 0 || task.upstream.length > MAX_JOINED) {
        this.#reports.add(task, verdict.path[0] ?? null, verdict, when);
        continue;
      }
      for (const parent of task.upstream)
        for (const own of inputs.readingsOf(task, parent)) {
          const part = compareSets(own.set, wanted);
          if (part.answer !== "fits")
            this.#reports.add(task, part.path[0] ?? parent, part, own.when);
        }
      break;
    }
  }
}
