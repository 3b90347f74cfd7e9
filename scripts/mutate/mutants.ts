/**
 * Small changes to a source file, each of which some test should notice. All of a file's are built into it at once, behind a switch:
 * so its tests run against one after the other in the same runtime, which costs much more to start than a test does.
 *
 * Only what runs when a function is called is changed: what a module does once, when it is loaded, cannot be switched later. Its
 * constants can, where they are used.
 */
import { type Node, parseSync } from "oxc-parser";

export interface Mutant {
  /** Counts from 1 in its file. */
  readonly id: number;
  /** From the root of the project. */
  readonly file: string;
  readonly line: number;
  /** The code as it is, and what it becomes. */
  readonly was: string;
  readonly becomes: string;
}

export interface MutatedFile {
  readonly mutants: readonly Mutant[];
  /** The file with all of them built in. */
  readonly code: string;
}

/** Another operator that is nearly right. */
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ["===", "!=="],
  ["!==", "==="],
  ["<", "<="],
  ["<=", "<"],
  [">", ">="],
  [">=", ">"],
  ["+", "-"],
  ["-", "+"],
  ["*", "/"],
  ["/", "*"],
  ["%", "*"],
  ["&&", "||"],
  ["||", "&&"],
]);
const METHODS: ReadonlyMap<string, string> = new Map([
  ["some", "every"],
  ["every", "some"],
  ["min", "max"],
  ["max", "min"],
]);
/** Stands for what a changed expression is otherwise. */
const REST = "\0";
const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** Says whether the mutant of this id is switched on, and notes that it was reached. */
const SWITCH = `
function mutant$(id) {
  const state = (globalThis.mutation$ ??= { active: null, reached: new Set(), hits: 0 });
  const name = FILE + id;
  if (state.active === null) state.reached.add(name);
  if (state.active !== name) return false;
  if ((state.hits += 1) > 1e6) throw new Error("with this change the code runs in a circle");
  return true;
}
`;

/** The name of a mutant among those of all files. */
export function nameOf({ file, id }: Pick<Mutant, "file" | "id">): string {
  return `${file}:${id}`;
}

/** Finds what can be changed in this file. */
export function mutate(file: string, text: string): MutatedFile {
  const { program } = parseSync(file, text);
  const mutator = new Mutator(file, text, constantsOf(program));
  const code = mutator.render(program, false);
  return {
    mutants: mutator.mutants,
    code: code + SWITCH.replace("FILE", JSON.stringify(`${file}:`)),
  };
}

class Mutator {
  readonly mutants: Mutant[] = [];
  readonly #file: string;
  readonly #text: string;
  readonly #constants: ReadonlySet<string>;

  constructor(file: string, text: string, constants: ReadonlySet<string>) {
    this.#file = file;
    this.#text = text;
    this.#constants = constants;
  }

  /** The text of this node with all that can be changed in it. `isCalled`: it runs when a function is called. */
  render(node: Node, isCalled: boolean): string {
    const changes = isCalled ? this.#changesOf(node) : [];
    const inside = isCalled || FUNCTIONS.has(node.type);
    let code = "";
    let at = node.start;
    for (const child of childrenOf(node)) {
      // In `import {a}` the same text is two parts.
      if (child.start < at) continue;
      code +=
        this.#text.slice(at, child.start) + this.render(child, inside && !isSteering(node, child));
      at = child.end;
    }
    code += this.#text.slice(at, node.end);
    const [first] = changes;
    if (first === undefined) return code;
    if (node.type === "ExpressionStatement") return `{ if (!${first}) { ${code} } }`;
    return changes.reduce((rest, change) => change.replace(REST, () => rest), `(${code})`);
  }

  /** How the node may be changed: conditional expressions of which the last part is what it is. */
  #changesOf(node: Node): string[] {
    const of = (becomes: string): string =>
      `(${this.#note(node, becomes)} ? (${becomes}) : ${REST})`;
    const text = (part: Node): string => this.#text.slice(part.start, part.end);
    if (node.type === "BinaryExpression" || node.type === "LogicalExpression") {
      if (node.left.type === "PrivateIdentifier") return [];
      const [left, right] = [text(node.left), text(node.right)];
      if (node.operator === "??") return [of(left)];
      const operator = OPERATORS.get(node.operator);
      return operator === undefined ? [] : [of(`(${left}) ${operator} (${right})`)];
    }
    if (node.type === "ConditionalExpression")
      return [of(text(node.consequent)), of(text(node.alternate))];
    if (node.type === "UnaryExpression")
      return node.operator === "!" ? [of(text(node.argument))] : [];
    if (node.type === "Literal" && typeof node.value === "boolean")
      return [of(String(!node.value))];
    if (node.type === "Literal" && typeof node.value === "number")
      return [of(otherNumber(node.value))];
    if (node.type === "Identifier" || node.type === "MemberExpression")
      return this.#constants.has(text(node)) ? [of(`${text(node)} * 10`)] : [];
    if (node.type === "CallExpression") {
      const { callee } = node;
      if (callee.type !== "MemberExpression" || callee.computed || callee.optional) return [];
      const other = METHODS.get(callee.property.type === "Identifier" ? callee.property.name : "");
      return other === undefined
        ? []
        : [of(`${text(callee.object)}.${other}${this.#text.slice(callee.end, node.end)}`)];
    }
    if (node.type !== "ExpressionStatement") return [];
    const { expression } = node;
    const call = expression.type === "AwaitExpression" ? expression.argument : expression;
    if (call.type !== "CallExpression" || call.callee.type === "Super") return [];
    return text(call).startsWith("console.") ? [] : [this.#note(node, "left out")];
  }

  /** Numbers a change; the code that asks whether it is switched on. */
  #note(node: Node, becomes: string): string {
    const id = this.mutants.length + 1;
    const line = this.#text.slice(0, node.start).split("\n").length;
    const was = this.#text.slice(node.start, node.end);
    this.mutants.push({ id, file: this.#file, line, was, becomes });
    return `mutant$(${id})`;
  }
}

/** A number that is not far, of those that count; far enough, of those that measure. */
function otherNumber(value: number): string {
  return String(value < 10 ? value + 1 : value * 10);
}

/** Constants of the module that are numbers, also as properties of an object (`LIMITS.most`): what is read of them can be changed. */
function constantsOf(program: Node & { readonly type: "Program" }): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of program.body) {
    const declared =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declared?.type !== "VariableDeclaration") continue;
    for (const { id, init } of declared.declarations) {
      if (id.type !== "Identifier" || init === null) continue;
      const value = init.type === "TSAsExpression" ? init.expression : init;
      if (isNumber(value)) names.add(id.name);
      if (value.type !== "ObjectExpression") continue;
      for (const property of value.properties)
        if (
          property.type === "Property" &&
          property.key.type === "Identifier" &&
          isNumber(property.value)
        )
          names.add(`${id.name}.${property.key.name}`);
    }
  }
  return names;
}

function isNumber(node: Node): boolean {
  if (node.type === "BinaryExpression") return isNumber(node.left) && isNumber(node.right);
  return node.type === "Literal" && typeof node.value === "number";
}

/** Whether this part is no value that could be another: a name, a type, what ends a loop, or a key. */
function isSteering(node: Node, child: Node): boolean {
  if (node.type === "ForStatement") return child === node.test || child === node.update;
  if (node.type === "WhileStatement" || node.type === "DoWhileStatement")
    return child === node.test;
  if (node.type === "Property") return child === node.key;
  if (node.type === "MemberExpression") return child === node.property && !node.computed;
  if (node.type === "AssignmentExpression") return child === node.left;
  if (node.type === "VariableDeclarator") return child === node.id;
  return (
    (node.type === "UpdateExpression" || FUNCTIONS.has(node.type)) && child.type === "Identifier"
  );
}

/** In the order of the text. Types are none: nothing is left of them. */
function childrenOf(node: Node): Node[] {
  if (node.type.startsWith("TS") && !/^TS(As|Satisfies|NonNull)/.test(node.type)) return [];
  const children = Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    key === "parent" ? [] : [value].flat(),
  );
  const nodes = children
    .filter(isNode)
    .filter(({ type }) => !/^TS(?!As|Satisfies|NonNull)/.test(type));
  // `{a}` stands for both its key and its value: it cannot be cut.
  const whole = node.type === "Property" && node.shorthand ? [] : nodes;
  return whole.toSorted((one, other) => one.start - other.start);
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    "start" in value &&
    "end" in value
  );
}
