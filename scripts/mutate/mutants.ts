/**
 * Makes small changes to a source file; a test should notice each change. All changes are built
 * into the file at once, each behind a switch. The tests then run against one change after another
 * in the same runtime, whose start costs far more than a test.
 *
 * Only code inside functions is changed: the work of a module during loading cannot be switched
 * later. Constants of a module are changed at the places of use.
 */
import { type Node, parseSync } from "oxc-parser";

export interface Mutant {
  /** The number of the change in its file, from 1. */
  readonly id: number;
  /** The path from the root of the project. */
  readonly file: string;
  readonly line: number;
  /** The code of this line. */
  readonly inLine: string;
  /** The original and the changed code. */
  readonly was: string;
  readonly becomes: string;
}

export interface MutatedFile {
  readonly mutants: readonly Mutant[];
  /** The text of the file with all changes. */
  readonly code: string;
}

/** Replacements for operators, each nearly right. */
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
/** The placeholder for the original expression. */
const REST = "\0";
const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** The function that tests if a mutant is switched on, and records the visit. */
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

/** The name of a mutant, unique among all files. */
export function nameOf({ file, id }: Pick<Mutant, "file" | "id">): string {
  return `${file}:${id}`;
}

/** Builds all possible changes into a file. */
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

  /** Renders a node with all changes in it. `isCalled`: the node runs when a function is called. */
  render(node: Node, isCalled: boolean): string {
    const changes = isCalled ? this.#changesOf(node) : [];
    const inside = isCalled || FUNCTIONS.has(node.type);
    let code = "";
    let at = node.start;
    for (const child of childrenOf(node)) {
      // The name in `import {a}` is two nodes with the same text.
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

  /** Lists the changes of a node as conditional expressions. Their last part is the original. */
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

  /** Numbers a change and returns the code that tests its switch. */
  #note(node: Node, becomes: string): string {
    const id = this.mutants.length + 1;
    const line = this.#text.slice(0, node.start).split("\n").length;
    const inLine = this.#text.split("\n")[line - 1]?.trim() ?? "";
    const was = this.#text.slice(node.start, node.end);
    this.mutants.push({ id, file: this.#file, line, inLine, was, becomes });
    return `mutant$(${id})`;
  }
}

/** Changes a number: a count by one, a large measure tenfold. */
function otherNumber(value: number): string {
  return String(value < 10 ? value + 1 : value * 10);
}

/**
 * Finds numeric constants of the module, also as properties of an object (`LIMITS.most`), so that
 * their uses can be changed.
 */
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

/** Tests if a child is no replaceable value: a name, a type, the end of a loop, or a key. */
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

/** Lists the children of a node in the order of the text, without types, which are erased. */
function childrenOf(node: Node): Node[] {
  if (node.type.startsWith("TS") && !/^TS(As|Satisfies|NonNull)/.test(node.type)) return [];
  const children = Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    key === "parent" ? [] : [value].flat(),
  );
  const nodes = children
    .filter(isNode)
    .filter(({ type }) => !/^TS(?!As|Satisfies|NonNull)/.test(type));
  // The name in `{a}` is both key and value and cannot be divided.
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
