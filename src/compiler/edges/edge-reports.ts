/**
 * Writes the diagnostics of edges. A diagnostic points at the edge in peach.conf, and shows the
 * declarations of both tasks.
 */
import type { CheckedProject } from "../compile.ts";
import type { Related, Report, Warn } from "../diagnostic.ts";
import type { ResolvedMethod } from "../methods.ts";
import type { Verdict } from "./verdict.ts";
import { exportSpan } from "./export-span.ts";
import type { MethodSets } from "./method-sets.ts";
import { showSet } from "./show-set.ts";
import type { TaskShape } from "./task-inputs.ts";
import { resolved } from "./value-set.ts";

/** A verdict that is reported. */
type Doubt = Exclude<Verdict, { readonly answer: "fits" }>;

/** Writes a path as `$.segments[].start`. */
export function pathText(path: readonly string[]): string {
  return `$${path.map((step) => (step.startsWith("[") ? step : `.${step}`)).join("")}`;
}

/** Reports each edge once, with the first verdict. */
export class EdgeReports {
  readonly #project: CheckedProject;
  readonly #sets: MethodSets;
  readonly #report: Report;
  readonly #warn: Warn;
  readonly #done = new Set<string>();
  readonly #spans: ReadonlyMap<string, CheckedProject["edges"][number]>;

  constructor(project: CheckedProject, sets: MethodSets, report: Report, warn: Warn) {
    this.#project = project;
    this.#sets = sets;
    this.#report = report;
    this.#warn = warn;
    this.#spans = new Map(project.edges.map((edge) => [`${edge.parent} ${edge.child}`, edge]));
  }

  /**
   * Reports a misfit or an unknown answer. `given` is the first step of the path: for a join, the
   * name of the upstream task. Any other step is reported at the first edge of the task.
   */
  add(child: TaskShape, given: string | null, verdict: Doubt, when: string | null): void {
    const isOwn = given !== null && child.upstream.includes(given);
    const parent = isOwn ? given : (child.upstream[0] ?? "");
    const key = `${parent} ${child.name}`;
    const edge = this.#spans.get(key);
    // The first verdict of an edge is enough: a later run adds no new mistake to mend.
    if (edge === undefined || this.#done.has(key)) return;
    this.#done.add(key);
    const isJoin = child.upstream.length > 1;
    // A path without an upstream task means that the child expects no object keyed by tasks.
    const isShape = isJoin && !isOwn;
    const isCertain = verdict.answer === "misfit";
    const place = `tasks.${parent}.downstream: `;
    const passes = `what \`${parent}\` passes`;
    const title = !isCertain
      ? `cannot tell whether ${passes} fits what \`${child.name}\` takes`
      : isShape
        ? `\`${child.name}\` does not take an object keyed by its upstream tasks`
        : `${passes} does not fit what \`${child.name}\` takes`;
    const message = `${place}${title}\n${detail(verdict)}${when === null ? "" : `\n${when}`}`;
    const more = {
      hint: isCertain
        ? (this.#eachHint(parent, child.name) ?? misfitHint(parent, child.name, isShape))
        : unknownHint(parent, child.name, verdict),
      related: [
        ...this.#declared(parent, "passes", isShape),
        ...this.#declared(child.name, "takes", false),
      ],
    };
    if (isCertain) this.#report("PEACH601", edge.span, message, more);
    else this.#warn("PEACH602", edge.span, message, more);
  }

  /** The declaration of a task, with what it passes or takes. */
  #declared(name: string, verb: "passes" | "takes", isLeftOut: boolean): Related[] {
    const method: ResolvedMethod | undefined = this.#project.methods.tasks.get(name);
    const sets = this.#sets.tasks.get(name);
    if (method === undefined || sets === undefined || isLeftOut) return [];
    const set = verb === "passes" ? sets.passed : sets.taken;
    return [{ span: exportSpan(method), message: `\`${name}\` ${verb} ${showSet(set)}` }];
  }

  /** Explains the arrays of an edge with `each`; null for other edges. */
  #eachHint(parent: string, child: string): string | null {
    const { shapes } = this.#project;
    const said = [
      ...(shapes.get(parent)?.each ? [`${parent} runs once per item and passes an array`] : []),
      ...(shapes.get(child)?.each
        ? [`${child} runs once per item of the array that ${parent} passes`]
        : []),
      ...(shapes.get(parent)?.each === "continue"
        ? ["an item that fails stands as null in it"]
        : []),
    ];
    return said.length === 0 ? null : `${said.join("; ")}: make output and input agree`;
  }
}

/** Writes the path of the verdict, with both sets and the reason. */
function detail({ path, passed, taken, why }: Doubt): string {
  const expected = taken === null ? "nothing of that name" : showSet(taken);
  return `${pathText(path)}: passes ${showSet(passed)}, takes ${expected}: ${why}`;
}

/** Names the declarations to change. `isShape`: the child expects no object keyed by parents. */
function misfitHint(parent: string, child: string, isShape: boolean): string {
  return isShape
    ? "a task with several upstream tasks reads an object keyed by their names: declare its `input` so"
    : `make the \`output\` of ${parent} and the \`input\` of ${child} agree`;
}

/** Tells the author how the answer becomes certain. */
function unknownHint(parent: string, child: string, { passed, why }: Doubt): string {
  if (resolved(passed)?.kind === "any")
    return `declare what ${parent} passes: task({ output }) with a schema that names it, or .pipe(schema) after a transform`;
  if (/refinement|custom check|transform|function|codec|pipe|conversion/.test(why))
    return `only the code of ${child} decides at run time: say in its schema what it tests, or test after reading`;
  return `give the \`output\` of ${parent} the same test as the \`input\` of ${child}`;
}
