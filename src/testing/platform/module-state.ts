/**
 * Separates the state of the worker's modules from the code. An isolate has its own state, and all
 * isolates share the classes and functions. Code evaluated anew for every isolate would never be
 * optimised by the engine.
 *
 * State is each variable of a module with a later assignment (also to a part of the value), or with
 * a mutable initial value. A name in capitals is a constant, as everywhere in the source.
 * Constants, classes and functions are frozen: no isolate can pass a value to another isolate
 * unseen.
 */
import { parseSync, Visitor, type Expression } from "oxc-parser";

/** A variable of a module. Names are unique in a bundle. */
interface Variable {
  readonly name: string;
  readonly init: Expression | null;
  /** The range of the initial value in the text, with the ` =`. */
  readonly from: number;
  readonly to: number;
  /** Names that the initial value reads. */
  readonly uses: Set<string>;
}

/**
 * Prepares the module state of a bundle's text for `ModuleState`. `constants` matches the paths of
 * modules with immutable objects, such as schemas.
 */
export function prepareModuleState(text: string, constants: RegExp | null = null): string {
  const { variables, functions, assigned } = topLevelOf(text);
  const libraries = librariesAmong(variables);
  const isConstant = constants === null ? () => false : inModules(text, constants);
  const state = stateAmong(variables, assigned, libraries, isConstant);
  let [prepared, at] = ["", 0];
  for (const { name, from, to } of variables) {
    if (!state.has(name)) continue;
    prepared += text.slice(at, from);
    at = to;
  }
  prepared += text.slice(at);
  const mine = variables.filter(({ name }) => state.has(name));
  const names = mine.map(({ name }) => name);
  const begin = mine.map(({ name, from, to }) =>
    from === to ? `${name} = undefined;` : `${name}${text.slice(from, to)};`,
  );
  const shared = [
    ...functions,
    ...variables.flatMap((variable) =>
      state.has(variable.name) || isForeign(variable, libraries) ? [] : [variable.name],
    ),
  ];
  return `${prepared}
module.state = {
  fresh() { ${begin.join("\n")} },
  save(into) { ${names.map((name) => `into.${name} = ${name};`).join(" ")} },
  restore(from) { ${names.map((name) => `${name} = from.${name};`).join(" ")} },
  shared: [${shared.join(", ")}],
};
`;
}

function topLevelOf(text: string): {
  readonly variables: readonly Variable[];
  readonly functions: readonly string[];
  readonly assigned: ReadonlySet<string>;
} {
  const { program, errors } = parseSync("worker.js", text, { sourceType: "script" });
  if (errors.length > 0) throw new Error(`the worker's code cannot be read: ${errors[0]?.message}`);
  const [variables, functions]: [Variable[], string[]] = [[], []];
  for (const statement of program.body) {
    if (statement.type === "FunctionDeclaration" && statement.id !== null)
      functions.push(statement.id.name);
    if (statement.type !== "VariableDeclaration") continue;
    for (const { id, init, end } of statement.declarations)
      if (id.type === "Identifier")
        variables.push({ name: id.name, init, from: id.end, to: end, uses: new Set() });
  }
  const assigned = new Set<string>();
  // Every name on the left of an assignment counts, also inside a pattern.
  let assignedUntil = 0;
  const assign = ({ end }: { readonly end: number }): void => {
    assignedUntil = Math.max(assignedUntil, end);
  };
  let [depth, next] = [0, 0];
  // The positions of member names, which are no variables.
  const members = new Set<number>();
  const member = (
    isComputed: boolean,
    { type, start }: { readonly type: string; readonly start: number },
  ): void => {
    if (!isComputed && type === "Identifier") members.add(start);
  };
  const enter = (): void => void (depth += 1);
  const exit = (): void => void (depth -= 1);
  new Visitor({
    MemberExpression: ({ computed, property }) => member(computed, property),
    Property: ({ computed, shorthand, key }) => member(computed || shorthand, key),
    MethodDefinition: ({ computed, key }) => member(computed, key),
    PropertyDefinition: ({ computed, key }) => member(computed, key),
    AssignmentExpression: ({ left }) => assign(left),
    UpdateExpression: ({ argument }) => assign(argument),
    ForOfStatement: ({ left }) => assign(left),
    ForInStatement: ({ left }) => assign(left),
    FunctionDeclaration: enter,
    "FunctionDeclaration:exit": exit,
    FunctionExpression: enter,
    "FunctionExpression:exit": exit,
    ArrowFunctionExpression: enter,
    "ArrowFunctionExpression:exit": exit,
    Identifier({ name, start }) {
      if (members.has(start)) return;
      if (start < assignedUntil) assigned.add(name);
      if (depth > 0) return;
      // Both are in the order of the text.
      while ((variables[next]?.to ?? Number.POSITIVE_INFINITY) < start) next += 1;
      const variable = variables[next];
      if (variable !== undefined && start > variable.from) variable.uses.add(name);
    },
  }).visit(program);
  return { variables, functions, assigned };
}

/** Tests if the module of a variable has a matching path. esbuild writes each path as a comment. */
function inModules(text: string, paths: RegExp): (variable: Variable) => boolean {
  const modules = [...text.matchAll(/^\/\/ (\S+\.\w+)$/gm)].map(({ index, 1: path = "" }) => ({
    index,
    isConstant: paths.test(path),
  }));
  return ({ from }) => modules.findLast(({ index }) => index < from)?.isConstant === true;
}

/** Finds the variables with state, also variables initialised from other state. */
function stateAmong(
  variables: readonly Variable[],
  assigned: ReadonlySet<string>,
  libraries: Libraries,
  isConstant: (variable: Variable) => boolean,
): ReadonlySet<string> {
  const state = new Set<string>();
  for (const variable of variables) {
    const { name, init, uses } = variable;
    const isMade = init === null || (init.type === "NewExpression" && !CAPITALS.test(name));
    const mayChange = isConstant(variable) ? isMade : canChange(variable, libraries);
    if (assigned.has(name) || mayChange || [...uses].some((used) => state.has(used)))
      state.add(name);
  }
  return state;
}

/** Names of the variables that hold a library. */
type Libraries = ReadonlySet<string>;

function librariesAmong(variables: readonly Variable[]): Libraries {
  return new Set(variables.flatMap(({ name, init }) => (isLibrary(init) ? [name] : [])));
}

/** Tests for a library. All isolates share libraries. */
function isLibrary(init: Expression | null): boolean {
  if (init?.type !== "CallExpression" || init.callee.type !== "Identifier") return false;
  const [first] = init.arguments;
  if (first === undefined || first.type === "SpreadElement") return false;
  if (init.callee.name === "__toESM") return isLibrary(first);
  return (
    init.callee.name === "require" &&
    first.type === "Literal" &&
    !String(first.value).startsWith("#generated/")
  );
}

/** The name of a constant. */
const CAPITALS = /^[A-Z][A-Z0-9_]*$/;

/** Classes whose instances have no state. */
const STATELESS = /^(TextEncoder|TextDecoder)$/;
/** The exports object, which esbuild makes for the whole bundle. */
const EXPORTS = "stdin_exports";

function canChange({ name, init }: Variable, libraries: Libraries): boolean {
  if (init === null) return true;
  if (init.type === "NewExpression")
    return !(init.callee.type === "Identifier" && STATELESS.test(init.callee.name));
  if (init.type === "CallExpression") return !isForeign({ name, init }, libraries);
  if (init.type === "ObjectExpression" || init.type === "ArrayExpression")
    return !CAPITALS.test(name) && name !== EXPORTS;
  return false;
}

/** Tests for a library, or for a value made by a library, such as a schema. */
function isForeign({ name, init }: Pick<Variable, "name" | "init">, libraries: Libraries): boolean {
  return /Schema\d*$/.test(name) || isOfLibrary(init, libraries);
}

function isOfLibrary(init: Expression | null, libraries: Libraries): boolean {
  if (init === null) return false;
  if (init.type === "MemberExpression") return isOfLibrary(init.object, libraries);
  if (init.type === "Identifier") return libraries.has(init.name);
  return init.type === "CallExpression" && (isLibrary(init) || isOfLibrary(init.callee, libraries));
}
