import { expect, it } from "vitest";
import { checkAll } from "../../../src/compiler/check.ts";
import { renderDiagnostic } from "../../../src/compiler/diagnostic.ts";
import { withProject } from "../project.ts";

/** A schema of no library that offers a JSON Schema too; the second one is a function, as arktype makes them. */
const PIPELINES = `
import { task } from "peach/task-helpers";
import { z } from "zod";
const standard = {
  version: 1,
  vendor: "own",
  validate: async (value) => (value === 1 ? { value } : { issues: [{ message: "expected 1", path: [{ key: "n" }] }] }),
  jsonSchema: { input: () => ({ type: "number" }), output: () => ({ type: "number" }) },
};
export const own = task({ input: { "~standard": standard }, output: Object.assign(() => {}, { "~standard": standard }), run: async (n) => n });
export const text = task({ input: z.string(), output: z.string(), run: async (given) => given });
`;

/** Schemas that answer at random, or are made by an older zod. */
const ODD = `
import { task } from "peach/task-helpers";
import { z } from "zod/v3";
const answering = (answer, vendor) => ({ "~standard": { version: 1, vendor, validate: () => answer } });
export const junk = task({ input: answering(5, "\\u001b[1m"), output: z.string(), run: async () => "x" });
export const steps = task({ input: answering({ issues: [{ message: "wrong", path: [null] }] }, "own"), run: async () => {} });
`;

function checked(conf: string, more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  return withProject({ conf, pipelines: { "tasks.ts": PIPELINES, ...more } }, async (paths) => {
    const { diagnostics, warnings } = await checkAll(paths);
    return [...diagnostics, ...warnings].map(renderDiagnostic);
  });
}

it(
  "an edge cannot be told about where another library has made a schema, and says which",
  { timeout: 60_000 },
  async () => {
    const [into, ...others] = await checked("tasks:\n  text: {method: text, downstream: own}\n  own: {method: own}\n");
    expect(others).toEqual([]);
    expect(into).toContain("cannot tell whether what `text` passes fits what `own` takes [PEACH602]");
    expect(into).toContain("a schema that is made by own, and not by zod 4");
    const [out] = await checked("tasks:\n  own: {method: own, downstream: text}\n  text: {method: text}\n");
    expect(out).toContain("a schema that is made by own, and not by zod 4");
  },
);

it("a schedule's payload is held against the schema of any library", { timeout: 60_000 }, async () => {
  const conf = (payload: number): string =>
    `tasks:\n  own: {method: own, schedule: {cron: "0 3 * * *", payload: ${payload}}}\n  text: {method: text}\n`;
  expect(await checked(conf(1))).toEqual([]);
  const [refused] = await checked(conf(2));
  expect(refused).toContain("$.n: expected 1");
});

it("what a library answers at random is a fault of that payload alone", { timeout: 60_000 }, async () => {
  const of = (method: string): string =>
    `  ${method}: {method: ${method}, schedule: {cron: "0 3 * * *", payload: 2}}\n`;
  const conf = `tasks:\n${of("junk")}${of("steps")}${of("own")}`;
  const [junk = "", steps = "", own = "", ...others] = await checked(conf, { "odd.ts": ODD });
  expect(others).toEqual([]);
  expect(junk).toContain("neither a value nor issues");
  expect(steps).toContain("$.null: wrong");
  expect(own).toContain("$.n: expected 1");
});

it("an older zod is told from zod 4, and a strange name of a library is not shown", { timeout: 60_000 }, async () => {
  const conf =
    "tasks:\n  junk: {method: junk, downstream: text}\n  text: {method: text, downstream: last}\n  last: {method: junk}\n";
  const [old = "", strange = ""] = await checked(conf, { "odd.ts": ODD });
  expect(old).toContain("a schema that is made by an older zod, and not by zod 4");
  expect(strange).toContain("a schema that is made by another library, and not by zod 4");
});
