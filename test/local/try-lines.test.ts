import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { SchemaSets } from "../../src/compiler/edges/schema-sets.ts";
import { exampleOf } from "../../src/local/example-value.ts";
import { exampleTrigger, tryLines } from "../../src/local/try-lines.ts";
import { planOf, withProject } from "../compiler/project.ts";

const URL = "http://127.0.0.1:8787";
const IMPORTS = `import { task } from "peach/task-helpers";\nimport { z } from "zod";\n`;

it.each<[z.ZodType, unknown]>([
  [z.string(), "an example"],
  [z.string().min(12).max(14), "an exampleee"],
  [z.email(), "ada@news.example"],
  [z.uuid(), "5f0c2b8e-6a54-4b1e-9d3a-2f7c1e8b4a90"],
  [z.iso.datetime(), "2026-11-30T10:00:00Z"],
  [z.string().startsWith("s3://"), "s3://an example"],
  [z.string().regex(/^[a-z]{2}$/), "en"],
  [z.number(), 1],
  [z.int().min(10), 10],
  [z.number().gt(10).multipleOf(4), 12],
  [z.number().negative(), -1],
  [z.boolean(), true],
  [z.enum(["high", "low"]), "high"],
  [z.array(z.string()), ["an example"]],
  [z.array(z.int()).min(2), [1, 1]],
  [z.tuple([z.string(), z.int()]), ["an example", 1]],
  [z.record(z.string(), z.int()), { "an example": 1 }],
  [z.object({ text: z.string(), tags: z.array(z.string()).optional() }), { text: "an example", tags: ["an example"] }],
  [z.object({ a: z.null(), b: z.literal(7) }), { a: null, b: 7 }],
  [z.object({ a: z.int() }).and(z.object({ b: z.int() })), { a: 1, b: 1 }],
  [z.union([z.null(), z.object({ name: z.string() })]), { name: "an example" }],
])("an example of a schema is accepted by the schema (%#)", (schema, expected) => {
  const example = exampleOf(new SchemaSets().taken(schema));
  expect(example).toEqual({ value: expected });
  expect(schema.safeParse(expected).success).toBe(true);
});

async function triggerOf(pipeline: string, task = "{method: first}") {
  const conf = `tasks:\n  first: ${task}\n`;
  return withProject({ conf, pipelines: { "tasks.ts": IMPORTS + pipeline } }, exampleTrigger);
}

it.each([
  ["a function of a text", "export const first = (text: string) => text;", ["--text", "'an example'"]],
  [
    "a function of an object",
    "export async function first({ name }: { name: string }) { return name; }",
    ["--json-payload", `'{"name":"an example"}'`],
  ],
  ["a function without a payload", "export const first = async () => 1;", []],
  ["a function of anything", "export const first = (payload: unknown) => payload;", []],
  [
    "a typed task",
    "export const first = task({ input: z.object({ count: z.int() }), run: async () => {} });",
    ["--json-payload", `'{"count":1}'`],
  ],
  [
    "a schema with examples",
    `export const first = task({ input: z.string().meta({ examples: ["it's"] }), run: async () => {} });`,
    ["--text", String.raw`'it'\''s'`],
  ],
])("the suggested trigger of %s carries what the task takes", async (_, pipeline, payload) => {
  expect(await triggerOf(pipeline)).toEqual({ task: "first", payload });
});

it("the suggested trigger of a scheduled task carries the payload of its schedule", async () => {
  const task = '{method: first, schedule: {cron: "0 3 * * *", payload: {day: 1}}}';
  const pipeline = "export const first = (payload: { day: number }) => payload;";
  expect(await triggerOf(pipeline, task)).toEqual({ task: "first", payload: ["--json-payload", `'{"day":1}'`] });
});

it("a trigger is not suggested where no example is known: a refinement refuses it, or the task takes bytes", async () => {
  const refined =
    "export const first = task({ input: z.string().refine((text) => text === 'x'), run: async () => {} });";
  expect(await triggerOf(refined)).toBeNull();
  expect(await triggerOf("export const first = (bytes: Uint8Array) => bytes.length;")).toBeNull();
});

it("an upload is suggested with a sample of the project and the files beside it, else with a short text", async () => {
  const project = mkdtempSync(join(tmpdir(), "peach-try-"));
  onTestFinished(() => rmSync(project, { recursive: true }));
  const plan = await planOf("tasks:\n  a: {method: a, on: {r2: {bucket: uploads, prefix: in/, suffix: .mp3}}}\n");
  expect(tryLines(URL, plan, project, null)).toEqual([
    `echo "an example" | curl -T - ${URL}/dev/r2/uploads/in/example.mp3`,
  ]);
  mkdirSync(join(project, "sample"));
  for (const name of ["a talk.mp3", "a talk.vtt", "README.md"]) writeFileSync(join(project, "sample", name), "");
  const trigger = { task: "b", payload: ["--text", "x"] };
  expect(tryLines(URL, plan, project, trigger)).toEqual([
    `curl -T 'sample/a talk.vtt' ${URL}/dev/r2/uploads/in/a%20talk.vtt`,
    `curl -T 'sample/a talk.mp3' ${URL}/dev/r2/uploads/in/a%20talk.mp3`,
    `npm run peach -- trigger b --text x --watch --url ${URL}`,
  ]);
});
