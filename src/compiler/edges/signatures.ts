/**
 * Reads the inputs and outputs of plain functions from the types of their signatures, with
 * TypeScript's own checker. All functions are read in one program, since a program is slow to
 * start.
 */
import type { Checker, NodeHandle, Symbol as TypeSymbol } from "typescript/unstable/sync";
import type { TypeScriptApi } from "./type-config.ts";
import { TypeSets } from "./type-sets.ts";
import { ABSENT, ANY, asPayload, unionOf, type ValueSet } from "./value-set.ts";

/** A function, by its file and the name of its export. */
export interface FunctionName {
  readonly file: string;
  readonly exportName: string;
}

/** The input and output of a function, by its types. */
export interface Signature {
  readonly taken: ValueSet;
  readonly passed: ValueSet;
  /** False for a class or a value. */
  readonly isCallable: boolean;
}

/**
 * Reads signatures with the files of a tsconfig.json. The key of a signature is `FILE#NAME`. A
 * function that the program does not export has no signature.
 */
export function readSignatures(
  typeScript: TypeScriptApi,
  functions: readonly FunctionName[],
  tsconfig: string,
): Map<string, Signature> {
  const found = new Map<string, Signature>();
  if (functions.length === 0) return found;
  const api = new typeScript.API();
  try {
    const [project] = api.updateSnapshot({ openProjects: [tsconfig] }).getProjects();
    if (project === undefined) return found;
    const { checker, program } = project;
    const reader = new SignatureReader(typeScript, checker);
    for (const [file, wanted] of Map.groupBy(functions, (one) => one.file)) {
      const source = program.getSourceFile(file);
      const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
      if (module === undefined) continue;
      const exported = new Map(
        checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]),
      );
      for (const one of wanted) {
        const symbol = exported.get(one.exportName);
        if (symbol !== undefined) found.set(`${file}#${one.exportName}`, reader.read(symbol));
      }
    }
    return found;
  } finally {
    api.close();
  }
}

/** Reads the exports of one program. */
class SignatureReader {
  readonly #checker: Checker;
  /** The kind of call signatures, as opposed to constructors. */
  readonly #call: TypeScriptApi["SignatureKind"]["Call"];
  readonly #passed: TypeSets;
  readonly #taken: TypeSets;

  constructor(typeScript: TypeScriptApi, checker: Checker) {
    this.#checker = checker;
    this.#call = typeScript.SignatureKind.Call;
    this.#passed = new TypeSets(typeScript, checker, "passed");
    this.#taken = new TypeSets(typeScript, checker, "taken");
  }

  /** Returns the signature of one export. The input is the type of the first parameter. */
  read(symbol: TypeSymbol): Signature {
    const checker = this.#checker;
    const type = checker.getTypeOfSymbol(symbol);
    const signatures = type === undefined ? [] : checker.getSignaturesOfType(type, this.#call);
    const [signature, ...others] = signatures;
    if (signature === undefined)
      return { taken: ANY, passed: { kind: "any", why: "no function" }, isCallable: false };
    // No single overload describes the output.
    if (others.length > 0)
      return {
        taken: ANY,
        passed: { kind: "any", why: "a function with overloads" },
        isCallable: true,
      };
    // A function with only rest parameters may ignore the payload.
    const [first] = signature.getParameters();
    const takesRest = signature.hasRestParameter && signature.parameters.length === 1;
    const taken = first === undefined || takesRest ? ANY : this.#takenBy(first);
    const nothing: ValueSet = returnsNothing(signature.declaration)
      ? ABSENT
      : { kind: "any", why: "the type void, which allows any value" };
    const result = checker.getReturnTypeOfSignature(signature);
    return {
      taken,
      passed: asPayload(this.#passed.ofAwaited(result, nothing)),
      isCallable: true,
    };
  }

  /** Returns the set of a parameter. A parameter with a default accepts no payload as well. */
  #takenBy(parameter: TypeSymbol): ValueSet {
    const set = this.#taken.of(this.#checker.getTypeOfSymbol(parameter));
    const node = parameter.valueDeclaration?.resolve();
    const hasDefault = node !== undefined && isNode(Reflect.get(node, "initializer"));
    return hasDefault ? unionOf([set, ABSENT]) : set;
  }
}

/**
 * Tests if a function has a block that returns no value. A function of type void may return any
 * value: by an arrow without a block, by a call of such a function, or behind a type.
 */
function returnsNothing(declaration: NodeHandle | undefined): boolean {
  const node = declaration?.resolve();
  const body: unknown = node === undefined ? undefined : Reflect.get(node, "body");
  return isNode(body) && body.getText().startsWith("{") && !returnsValue(body);
}

/** A node of a syntax tree. */
type Node = NonNullable<ReturnType<NodeHandle["resolve"]>>;

/** Tests if a part of a node is a node itself. Tokens and lists of nodes are none. */
function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "forEachChild" in value;
}

/** Searches for a return with a value. The functions inside return for themselves. */
function returnsValue(node: Node): boolean {
  if (Reflect.get(node, "parameters") !== undefined) return false;
  const isReturn = /^return\b/.test(node.getText()) && isNode(Reflect.get(node, "expression"));
  return isReturn || node.forEachChild((child) => returnsValue(child) || undefined) === true;
}
