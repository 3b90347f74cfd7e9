import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { compareSets } from "../../../src/compiler/edges/compare-sets.ts";
import { lostValue } from "../../../src/compiler/edges/lost-values.ts";
import { SchemaSets } from "../../../src/compiler/edges/schema-sets.ts";
import { asPayload } from "../../../src/compiler/edges/value-set.ts";

const FOLDER = join(import.meta.dirname, "pairs");

/** A node with a value and children of its own kind. */
function tree(value: z.ZodType): z.ZodType {
  const node: z.ZodType = z.lazy(() => z.object({ v: value, children: z.array(node) }));
  return node;
}

/** The schema that a line of a table writes. */
function schemaOf(code: string): z.ZodType {
  const make: (zod: typeof z, makeTree: typeof tree) => z.ZodType = runInThisContext(`(z, tree) => ${code}`);
  return make(z, tree);
}

/** The answer of the check: `refused` also if what is passed can be no payload. */
function answerTo(passes: string, takes: string): string {
  const sets = new SchemaSets();
  const passed = asPayload(sets.passed(schemaOf(passes)));
  if (lostValue(passed, true) !== null) return "refused";
  const { answer } = compareSets(passed, sets.taken(schemaOf(takes)));
  return answer === "misfit" ? "refused" : answer;
}

describe.each(readdirSync(FOLDER))("the pairs of %s", (file) => {
  const lines = readFileSync(join(FOLDER, file), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

  it.each(lines)("are answered as the table says: %s", (line) => {
    const [expected, passes = "", takes = ""] = line.split(" | ");
    expect(answerTo(passes, takes)).toBe(expected);
  });
});
