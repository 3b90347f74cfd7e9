import { type BindingPattern, type Expression, type ParamPattern, Visitor } from "oxc-parser";
import type { LintedFile, LintedProject } from "./linted-project.ts";

/** A mention of a step in a text; a file without one is not parsed. */
const MENTION = /\bstep\s*(?:<[^>]*>)?\(/;
/** Functions without arguments that return another value each time, by object and name. */
const VARYING: ReadonlySet<string> = new Set([
  "Date.now",
  "performance.now",
  "Math.random",
  "crypto.randomUUID",
  "crypto.getRandomValues",
]);

/**
 * Warns of a step whose name differs from attempt to attempt, because the name contains the time, a
 * random value or the number of the attempt. A later attempt does not find such a step, and runs
 * the step again. Names from the payload or from a loop are stable.
 */
export function lintSteps({ files, warn }: LintedProject): void {
  for (const file of files) {
    if (!MENTION.test(file.source.text)) continue;
    for (const { start, end } of varyingNames(file)) {
      const written = file.source.text.slice(start, end);
      warn(
        "PEACH726",
        { source: file.source, start, end },
        `the name of this step is another one in each attempt: ${shortened(written)}`,
        {
          hint:
            "a later attempt finds a step by its name: " +
            "make the name from the payload, or from the index of a loop",
        },
      );
    }
  }
}

/**
 * Finds the names of steps that vary, in a file. Calls of `step` with a name and a function count,
 * also as a method of the task; a `step` with a single argument belongs to something else.
 */
function varyingNames({ program: read }: LintedFile): { start: number; end: number }[] {
  const program = read();
  if (program === null) return [];
  const constants = new Map<string, Expression | null>();
  const names: Expression[] = [];
  // Two declarations of the same name cannot be told apart.
  const declare = (name: string, init: Expression | null): void => {
    constants.set(name, constants.has(name) ? null : init);
  };
  const declareParts = (pattern: BindingPattern | ParamPattern): void => {
    for (const name of boundNames(pattern)) declare(name, null);
  };
  const declareParams = ({ params }: { readonly params: readonly ParamPattern[] }): void => {
    for (const param of params) declareParts(param);
  };
  new Visitor({
    VariableDeclarator({ id, init }) {
      if (id.type === "Identifier") declare(id.name, init);
      else declareParts(id);
    },
    FunctionDeclaration: declareParams,
    FunctionExpression: declareParams,
    ArrowFunctionExpression: declareParams,
    CallExpression({ callee, arguments: [name, fn] }) {
      const isStep =
        (callee.type === "Identifier" && callee.name === "step") ||
        (callee.type === "MemberExpression" &&
          callee.property.type === "Identifier" &&
          callee.property.name === "step");
      if (!isStep || name === undefined || name.type === "SpreadElement" || fn === undefined)
        return;
      names.push(name);
    },
  }).visit(program);
  return names.filter((name) => varies(name, constants));
}

/** Lists the names that a parameter or the left side of a declaration declares. */
function boundNames(pattern: BindingPattern | ParamPattern): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((one) =>
        boundNames(one.type === "RestElement" ? one.argument : one.value),
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((one) =>
        one === null ? [] : boundNames(one.type === "RestElement" ? one.argument : one),
      );
    case "AssignmentPattern":
      return boundNames(pattern.left);
    case "RestElement":
      return boundNames(pattern.argument);
    case "TSParameterProperty":
      return boundNames(pattern.parameter);
  }
}

/** Tests if an expression has another value in each attempt. Follows at most `hops` constants. */
function varies(
  expression: Expression,
  constants: ReadonlyMap<string, Expression | null>,
  hops = 8,
): boolean {
  if (hops === 0) return false;
  const inner = (one: Expression): boolean => varies(one, constants, hops - 1);
  if (expression.type === "TemplateLiteral") return expression.expressions.some(inner);
  if (expression.type === "BinaryExpression") {
    const { left, right } = expression;
    return (left.type !== "PrivateIdentifier" && inner(left)) || inner(right);
  }
  if (expression.type === "ParenthesizedExpression" || expression.type === "TSAsExpression")
    return inner(expression.expression);
  if (expression.type === "NewExpression") {
    const { callee, arguments: given } = expression;
    return callee.type === "Identifier" && callee.name === "Date" && given.length === 0;
  }
  if (expression.type === "CallExpression") {
    const { callee, arguments: given } = expression;
    if (VARYING.has(pathOf(callee) ?? "")) return true;
    // A method of a varying value, such as `new Date().toISOString()`, or a conversion of one.
    if (callee.type === "MemberExpression" && inner(callee.object)) return true;
    const values = given.filter((one) => one.type !== "SpreadElement");
    return callee.type === "Identifier" && values.some(inner);
  }
  if (expression.type === "MemberExpression")
    return pathOf(expression)?.endsWith(".attempt") === true;
  const init = expression.type === "Identifier" ? constants.get(expression.name) : undefined;
  return init !== undefined && init !== null && inner(init);
}

/** Writes `Math.random`, or `task.attempt`, as text; null for another expression. */
function pathOf(expression: Expression): string | null {
  if (expression.type !== "MemberExpression" || expression.computed) return null;
  const { object, property } = expression;
  if (property.type !== "Identifier") return null;
  if (object.type === "Identifier") return `${object.name}.${property.name}`;
  const isCurrent =
    object.type === "CallExpression" &&
    object.callee.type === "Identifier" &&
    object.callee.name === "currentTask";
  return isCurrent ? `currentTask().${property.name}` : null;
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 60)}...` : line;
}
