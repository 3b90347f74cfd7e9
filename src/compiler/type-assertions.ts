/**
 * Makes the TypeScript file that `check-types.ts` checks, with an assertion per line.
 *
 * Methods must be tasks or endpoints, and the output type of a parent must fit the input type of
 * the child. Payloads travel as JSON: types are compared after a round trip through JSON. A side
 * without a declared type fits every type.
 */
import type { EachTasks } from "./check-each.ts";
import type { CheckedProject } from "./compile.ts";
import { methodTypes } from "./emit.ts";
import type { ResolvedMethod } from "./methods.ts";
import type { Span } from "./source.ts";

/** A line of the file, and the diagnostic if TypeScript refuses it. */
export interface Assertion {
  /** The code of the line, after the name of its variable. */
  readonly code: string;
  /** The place in peach.conf that the assertion checks. */
  readonly span: Span;
  readonly message: string;
  readonly hint: string;
  /** True adds TypeScript's reason to the message. */
  readonly detailed: boolean;
  /** A more general assertion. If both fail, only the general one is reported. */
  readonly after: Assertion | null;
}

/**
 * Types of the assertions. `AsJson` is a type after `JSON.stringify` and `JSON.parse`; bytes are
 * kept, since they travel as they are. `any` fits every type.
 */
const PRELUDE = `
type Bytes = ArrayBuffer | ArrayBufferView | Blob | ReadableStream;
type IsAny<T> = 0 extends 1 & T ? true : false;
type AsJson<T> = IsAny<T> extends true ? any : unknown extends T ? any
  : T extends string | number | boolean | null | undefined | Bytes ? T
  : T extends { toJSON(): infer Json } ? AsJson<Json>
  : T extends object ? { -readonly [Key in keyof T]: AsJson<T[Key]> } : T;
type Takes<Method> = IsAny<Method> extends true ? any : Method extends TypedTask<infer Input, infer _> ? input<Input> : any;
type Passes<Method> = IsAny<Method> extends true ? any : Method extends TypedTask<infer _, infer Output> ? AsJson<output<Output>> : any;
type Endpoint = (...given: never) => unknown;
type Task = Endpoint | TypedTask<any, any>;
declare function given<T>(): T;
`;

/**
 * Makes the file for `folder` and its assertions. The first assertion is in line `firstLine`,
 * counted from 1.
 */
export function emitAssertions(
  project: CheckedProject,
  folder: string,
): {
  readonly text: string;
  readonly assertions: readonly Assertion[];
  readonly firstLine: number;
} {
  const { methods } = project;
  const all = [
    ...methods.tasks.values(),
    ...methods.endpoints.values(),
    ...methods.fallbacks.values(),
  ];
  const { imports, typeOf } = methodTypes(all, folder);
  const head = `import type { input, output } from "zod";
import type { TypedTask } from "peach/task-helpers";
${imports}${PRELUDE}`;
  const assertions = [...methodAssertions(project, typeOf), ...edgeAssertions(project, typeOf)];
  const lines = assertions.map(({ code }, index) => `export const assertion${index}: ${code}\n`);
  return { text: head + lines.join(""), assertions, firstLine: head.split("\n").length };
}

type TypeOf = (method: ResolvedMethod) => string;

/** Asserts the kind of each method: task or endpoint, as peach.conf uses it. */
function methodAssertions({ methods }: CheckedProject, typeOf: TypeOf): Assertion[] {
  const assert = (method: ResolvedMethod, kind: "Task" | "Endpoint"): Assertion => ({
    code: `${kind} = given<${typeOf(method)}>();`,
    span: method.span,
    message: `${method.place}\`${method.exportName}\` is no ${kind.toLowerCase()}`,
    hint:
      kind === "Task"
        ? "a task is a function, or made by task({...})"
        : "an endpoint is a function",
    detailed: false,
    after: null,
  });
  return [
    ...[...methods.tasks.values()].map((method) => assert(method, "Task")),
    ...[...methods.endpoints.values(), ...methods.fallbacks.values()].map((method) =>
      assert(method, "Endpoint"),
    ),
  ];
}

/**
 * Asserts the types of each edge. A child with several parents reads an object keyed by their
 * names: one assertion checks the shape of the object, and one per parent checks its part.
 */
function edgeAssertions({ methods, edges, eaches }: CheckedProject, typeOf: TypeOf): Assertion[] {
  const byChild = Map.groupBy(edges, ({ child }) => child);
  const shapes = new Map<string, Assertion>();
  return edges.flatMap(({ parent, child, span }): Assertion[] => {
    const parentMethod = methods.tasks.get(parent);
    const childMethod = methods.tasks.get(child);
    if (parentMethod === undefined || childMethod === undefined) return [];
    const takes = `Takes<${typeOf(childMethod)}>${eaches.has(child) ? "[]" : ""}`;
    const passes = passedBy(`Passes<${typeOf(parentMethod)}>`, eaches.get(parent));
    const parents = (byChild.get(child) ?? []).map((edge) => edge.parent);
    const fits = (given: string, after: Assertion | null): Assertion => ({
      code: `${takes} = given<${given}>();`,
      span,
      message: `tasks.${parent}.downstream: what \`${parent}\` passes does not fit what \`${child}\` takes`,
      hint:
        eachHint(eaches, parent, child) ??
        `make the \`output\` of ${parent} and the \`input\` of ${child} agree`,
      detailed: true,
      after,
    });
    if (parents.length < 2) return [fits(passes, null)];
    const known = shapes.get(child);
    const shape: Assertion = known ?? {
      code: `${takes} = given<${keyed(parents, () => "any")}>();`,
      span,
      message: `tasks.${parent}.downstream: \`${child}\` does not take an object keyed by its upstream tasks`,
      hint: "a task with several upstream tasks reads an object keyed by their names: declare its `input` so",
      detailed: true,
      after: null,
    };
    shapes.set(child, shape);
    // All further parents are `any`: an edge is reported for the edge's part only.
    const own = fits(
      keyed(parents, (name) => (name === parent ? passes : "any")),
      shape,
    );
    return known === undefined ? [shape, own] : [own];
  });
}

/**
 * The type that a task passes on. With `each` it is the array of its items' outputs; with
 * `on_error: continue` a failed item is null.
 */
function passedBy(passes: string, each: "fail" | "continue" | undefined): string {
  if (each === undefined) return passes;
  return each === "continue" ? `(${passes} | null)[]` : `${passes}[]`;
}

/** Explains the arrays of an edge with `each`; null for other edges. */
function eachHint(eaches: EachTasks, parent: string, child: string): string | null {
  const said = [
    ...(eaches.has(parent) ? [`${parent} runs once per item and passes an array`] : []),
    ...(eaches.has(child)
      ? [`${child} runs once per item of the array that ${parent} passes`]
      : []),
    ...(eaches.get(parent) === "continue" ? ["an item that fails stands as null in it"] : []),
  ];
  return said.length === 0 ? null : `${said.join("; ")}: make output and input agree`;
}

/** Writes the type of an object with one key per parent. */
function keyed(parents: readonly string[], typeOfPart: (parent: string) => string): string {
  return `{ ${parents.map((name) => `${JSON.stringify(name)}: ${typeOfPart(name)}`).join("; ")} }`;
}
