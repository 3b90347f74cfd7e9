/**
 * `peach/waits`: requires a time limit for each wait for a condition. The test runner's default is
 * one second, which a busy machine exceeds: the test would fail by chance.
 */
import type { Context, Visitor } from "./rule.ts";

type Call = Parameters<NonNullable<Visitor["CallExpression"]>>[0];

/** Methods that wait for the condition in their first argument, by object. */
const WAITS: Readonly<Record<string, readonly string[]>> = {
  vi: ["waitFor", "waitUntil"],
  expect: ["poll"],
};

/** Reports each wait without a limit in its second argument. */
export function visitWaits(context: Context): Visitor {
  return {
    CallExpression(node) {
      const name = waitOf(node);
      if (name === null || hasLimit(node)) return;
      context.report({
        node,
        message: `${name} waits for a second, which a busy machine outlasts: say how long.`,
      });
    },
  };
}

function waitOf({ callee }: Call): string | null {
  if (callee.type !== "MemberExpression" || callee.computed || callee.object.type !== "Identifier")
    return null;
  const [object, method] = [callee.object.name, callee.property.name];
  return (Object.hasOwn(WAITS, object) ? WAITS[object] : undefined)?.includes(method) === true
    ? `${object}.${method}`
    : null;
}

/**
 * Tests for a number, or options with a `timeout`. The value of a variable is not known and
 * accepted.
 */
function hasLimit({ arguments: [, limit] }: Call): boolean {
  if (limit === undefined) return false;
  if (limit.type !== "ObjectExpression") return true;
  return limit.properties.some(
    (property) =>
      property.type === "SpreadElement" ||
      (property.key.type === "Identifier" && property.key.name === "timeout"),
  );
}
