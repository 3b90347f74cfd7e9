/**
 * Finds the places where a pipeline file writes objects into buckets, and reads how the keys of the
 * objects begin and end. Reads the disk.
 */
import { Visitor, type Expression } from "oxc-parser";
import { displayPath } from "./project-paths.ts";
import { readProgram } from "./read-file.ts";
import type { SourceFile, Span } from "./source.ts";

/** The known beginning and end of a text. An empty `head` or `tail` stands for an unknown end. */
interface KnownText {
  readonly head: string;
  readonly tail: string;
  /** True if the whole text is known. `head` and `tail` are then both the text. */
  readonly isWhole: boolean;
}

/** A call of `put` or `createMultipartUpload` on a bucket. */
export interface BucketWrite {
  /** The name of the bucket's binding in wrangler.toml. */
  readonly binding: string;
  /** The first argument of the call, the object's key. */
  readonly key: KnownText;
  /** The whole call, for diagnostics. */
  readonly span: Span;
}

/** Stands for an expression whose value is computed at run time. */
const NOTHING: KnownText = { head: "", tail: "", isWhole: false };
/** The methods of a bucket that create an object. */
const WRITES = ["put", "createMultipartUpload"];

/**
 * Finds the writes of a file into the buckets of these bindings: `env.UPLOADS.put(...)`, also where
 * a constant was assigned from `env.UPLOADS` before. Returns an empty list for a file that cannot
 * be read or parsed; another check reports it.
 */
export function findBucketWrites(file: string, bindings: ReadonlySet<string>): BucketWrite[] {
  const read = readProgram(file);
  if (read === null) return [];
  const { program, text } = read;
  const source: SourceFile = { path: displayPath(file), text };
  const constants = new Map<string, Expression>();
  new Visitor({
    VariableDeclarator({ id, init }) {
      if (id.type === "Identifier" && init !== null) constants.set(id.name, init);
    },
  }).visit(program);
  const writes: BucketWrite[] = [];
  new Visitor({
    CallExpression({ callee, arguments: [key], start, end }) {
      if (callee.type !== "MemberExpression" || !WRITES.includes(nameOf(callee) ?? "")) return;
      const binding = lastName(callee.object, constants);
      if (binding === null || !bindings.has(binding)) return;
      const known =
        key === undefined || key.type === "SpreadElement" ? NOTHING : knownText(key, constants);
      writes.push({ binding, key: known, span: { source, start, end } });
    },
  }).visit(program);
  return writes;
}

/**
 * Finds the binding's name in `UPLOADS`, `env.UPLOADS` or `task.env["UPLOADS"]`, or in a constant
 * that was assigned from these. Follows at most `hops` constants.
 */
function lastName(
  expression: Expression,
  constants: ReadonlyMap<string, Expression>,
  hops = 3,
): string | null {
  if (expression.type === "MemberExpression") return nameOf(expression);
  if (expression.type !== "Identifier") return null;
  const init = constants.get(expression.name);
  return init === undefined || hops === 0
    ? expression.name
    : (lastName(init, constants, hops - 1) ?? expression.name);
}

/** The name of a property; null if it is computed. */
function nameOf(member: Extract<Expression, { readonly type: "MemberExpression" }>): string | null {
  const { property } = member;
  if (property.type === "Identifier" && !member.computed) return property.name;
  return property.type === "Literal" && typeof property.value === "string" ? property.value : null;
}

/** Reads the known ends of a text from literals, `+`, templates and constants. */
function knownText(
  expression: Expression,
  constants: ReadonlyMap<string, Expression>,
  hops = 8,
): KnownText {
  if (hops === 0) return NOTHING;
  const known = (inner: Expression): KnownText => knownText(inner, constants, hops - 1);
  if (expression.type === "Literal")
    return typeof expression.value === "string" ? whole(expression.value) : NOTHING;
  if (expression.type === "ParenthesizedExpression") return known(expression.expression);
  if (expression.type === "BinaryExpression" && expression.operator === "+")
    return joined(known(expression.left), known(expression.right));
  if (expression.type === "TemplateLiteral") {
    return expression.quasis.reduce((text, { value }, index) => {
      const hole = expression.expressions[index - 1];
      const filled = hole === undefined ? text : joined(text, known(hole));
      return joined(filled, whole(value.cooked ?? ""));
    }, whole(""));
  }
  const init = expression.type === "Identifier" ? constants.get(expression.name) : undefined;
  return init === undefined ? NOTHING : known(init);
}

/** A text that is known as a whole. */
function whole(text: string): KnownText {
  return { head: text, tail: text, isWhole: true };
}

/** Joins two texts. An end of the result is known as far as the texts on that side are. */
function joined(left: KnownText, right: KnownText): KnownText {
  return {
    head: left.isWhole ? left.head + right.head : left.head,
    tail: right.isWhole ? left.tail + right.tail : right.tail,
    isWhole: left.isWhole && right.isWhole,
  };
}
