/**
 * `peach/waits`: each wait for a condition says how long it waits at most. The test runner's own limit is a second, which a busy machine
 * outlasts: a test would then fail by luck.
 */
import type { Context, Visitor } from "./rule.ts";

type Call = Parameters<NonNullable<Visitor["CallExpression"]>>[0];

/** Objects and their methods that wait for what their first argument says. */
const WAITS: Readonly<Record<string, readonly string[]>> = {
  vi: ["waitFor", "waitUntil"],
  expect: ["poll"],
};

/** Reports each wait whose second argument is no limit. */
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

/** A number, or options with a `timeout`. What has a name is believed. */
function hasLimit({ arguments: [, limit] }: Call): boolean {
  if (limit === undefined) return false;
  if (limit.type !== "ObjectExpression") return true;
  return limit.properties.some(
    (property) =>
      property.type === "SpreadElement" ||
      (property.key.type === "Identifier" && property.key.name === "timeout"),
  );
}
