import { type Expression, type Program, Visitor } from "oxc-parser";
import type { LintedFile, LintedProject } from "./linted-project.ts";

/** The helpers that start runs. */
const TRIGGERING: ReadonlySet<string> = new Set([
  "triggerTaskWithEvent",
  "triggerBatch",
  "emitEvent",
]);
/** A mention of a helper; a file without one is not parsed. */
const MENTION = /\b(?:triggerTaskWithEvent|triggerBatch|emitEvent)\b/;

/**
 * Warns of a trigger whose promise nothing awaits: later code does not know the run, and cannot
 * catch the error. `void` before the call states the intention, and silences the lint.
 */
export function lintTriggers({ files, warn }: LintedProject): void {
  for (const file of files) {
    if (!MENTION.test(file.source.text)) continue;
    for (const { start, end, helper } of floatingTriggers(file))
      warn("PEACH727", { source: file.source, start, end }, `nothing awaits this ${helper}`, {
        hint:
          "write `await` before it, or `void` if it is meant so: Peach then still waits " +
          "for the trigger before the attempt ends or the endpoint answers",
      });
  }
}

type Call = Extract<Expression, { type: "CallExpression" }>;

/** A call of a helper. The span is that of the callee. */
interface FloatingTrigger {
  readonly start: number;
  readonly end: number;
  readonly helper: string;
}

/**
 * Finds calls whose promise is dropped: as a statement, or returned to `forEach`. A promise that is
 * stored, passed on or given a handler is not dropped.
 */
function floatingTriggers({ program: read }: LintedFile): FloatingTrigger[] {
  const program = read();
  if (program === null) return [];
  const helpers = namesOfHelpers(program);
  const found: FloatingTrigger[] = [];
  const look = (expression: Expression): void => {
    for (const call of droppedCalls(expression)) {
      const { callee } = call;
      const name = helperOf(callee, helpers);
      if (TRIGGERING.has(name)) found.push({ start: callee.start, end: callee.end, helper: name });
    }
  };
  new Visitor({
    ExpressionStatement({ expression }) {
      look(expression);
    },
    CallExpression({ callee, arguments: [each] }) {
      if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
      if (callee.property.name !== "forEach" || each?.type !== "ArrowFunctionExpression") return;
      const { body } = each;
      if (body.type !== "BlockStatement") look(body);
    },
  }).visit(program);
  return found;
}

/**
 * Lists the calls whose value an expression statement drops: `a && b()` drops the value of `b()`,
 * and `await b()` drops no promise.
 */
function droppedCalls(expression: Expression): Call[] {
  if (expression.type === "CallExpression") return droppedIn(expression);
  if (expression.type === "ParenthesizedExpression") return droppedCalls(expression.expression);
  if (expression.type === "ChainExpression")
    return expression.expression.type === "CallExpression" ? [expression.expression] : [];
  if (expression.type === "LogicalExpression") return droppedCalls(expression.right);
  if (expression.type === "ConditionalExpression")
    return [...droppedCalls(expression.consequent), ...droppedCalls(expression.alternate)];
  return expression.type === "SequenceExpression"
    ? expression.expressions.flatMap(droppedCalls)
    : [];
}

/**
 * Follows `a().then(b)` and `a().finally(b)` to `a()`: both pass an error of `a()` on. A `catch`,
 * and a second argument of `then`, take the error.
 */
function droppedIn(call: Call): Call[] {
  const { callee, arguments: given } = call;
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return [call];
  const { name } = callee.property;
  const isPassing = name === "finally" || (name === "then" && given.length < 2);
  return isPassing ? droppedCalls(callee.object) : [call];
}

/**
 * Finds the helper that is called, by its name or as a method of the task. The method of another
 * object of the file, such as a bus of the user's own, is no helper.
 */
function helperOf(callee: Expression, helpers: ReadonlyMap<string, string>): string {
  if (callee.type === "Identifier") return helpers.get(callee.name) ?? callee.name;
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return "";
  const { object, property } = callee;
  const isOwn = object.type === "Identifier" && helpers.get(object.name) === "";
  return isOwn || object.type === "ThisExpression" ? "" : property.name;
}

/**
 * Maps local names to the names of the helpers of Peach. A name that the file declares, or imports
 * from elsewhere, maps to an empty text: it is another function, or cannot be followed.
 */
function namesOfHelpers(program: Program): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const statement of program.body) {
    if (statement.type === "ImportDeclaration")
      for (const specifier of statement.specifiers) {
        const isOwn = statement.source.value !== "peach/task-helpers";
        if (isOwn) found.set(specifier.local.name, "");
        else if (specifier.type === "ImportSpecifier" && specifier.imported.type === "Identifier")
          found.set(specifier.local.name, specifier.imported.name);
      }
    const declared =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declared?.type === "FunctionDeclaration" && declared.id !== null)
      found.set(declared.id.name, "");
    if (declared?.type === "VariableDeclaration")
      for (const { id } of declared.declarations)
        if (id.type === "Identifier") found.set(id.name, "");
  }
  return found;
}
