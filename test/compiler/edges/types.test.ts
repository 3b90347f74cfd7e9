import { beforeAll, describe, expect, it } from "vitest";
import { checkProject } from "../../../src/compiler/compile.ts";
import { checkEdges } from "../../../src/compiler/edges/check-edges.ts";
import { withProject } from "../project.ts";

const HEAD = `import { task } from "peach/task-helpers";
import { z } from "zod";
const takes = (input: z.ZodType) => task({ input, run: async () => null });
const passes = (output: z.ZodType) => task({ output, run: async () => null as never });
class Point { x = 1; y = 2; }
class Secret { readonly #key = 1; private code = 2; name = "n"; }
interface Blob { readonly id: string }
interface Map { readonly id: string }
const point: { x: number; y: number } = { x: 1, y: 2 };
const log = (text: unknown): void => { globalThis.console.log(text); };
const seven: () => void = () => 7;
`;

/** What the check answers about a parent and its child. */
const EDGES: readonly (readonly [answer: "fits" | "refused" | "unknown", parent: string, child: string])[] = [
  // Types that other values have too.
  ["unknown", "passes(z.string())", "(payload: { length: number }) => payload.length"],
  ["unknown", "passes(z.array(z.string()))", "(payload: { length: number }) => payload.length"],
  ["fits", "passes(z.object({ length: z.number() }))", "(payload: { length: number }) => payload.length"],
  ["refused", "passes(z.string())", "(payload: { a: number }) => payload.a"],
  ["refused", "passes(z.string())", "(payload: { length: number; a: number }) => payload.a"],
  ["unknown", "passes(z.number())", "(payload: {}) => payload"],
  ["unknown", "passes(z.array(z.string()))", "(payload: { [at: number]: string }) => payload"],
  ["unknown", "(): { length: number } => 'text'", "takes(z.object({ length: z.number() }))"],
  ["unknown", "(): { [at: number]: string } => ['text']", "takes(z.object({}))"],
  ["fits", "(): { length: number; a: string } => ({ length: 1, a: '' })", "takes(z.object({ length: z.number() }))"],
  // Results of type void.
  ["fits", "(): void => {}", "takes(z.null())"],
  ["fits", "async () => { log('x'); [1].map((n) => { return n; }); }", "takes(z.null())"],
  ["refused", "async () => { log('x'); }", "takes(z.string())"],
  ["unknown", "() => seven()", "takes(z.null())"],
  ["unknown", "(): void => { return seven(); }", "takes(z.null())"],
  ["unknown", "seven", "takes(z.null())"],
  ["unknown", "(): { a: void } => ({ a: seven() })", "takes(z.object({ a: z.undefined() }))"],
  // Instances of classes.
  ["unknown", "() => new Point()", "takes(z.object({ x: z.number() }))"],
  ["unknown", "(): Point => point", "takes(z.object({ x: z.string() }))"],
  ["unknown", "(): { at: Point } => ({ at: point })", "takes(z.object({ at: z.object({ x: z.number() }) }))"],
  ["unknown", "passes(z.object({ x: z.number(), y: z.number() }))", "(payload: Point) => payload.x"],
  ["unknown", "() => new Secret()", "takes(z.object({ name: z.string() }))"],
  // A project's own types may have the names of the platform's.
  ["fits", "(): Blob => ({ id: '' })", "takes(z.object({ id: z.string() }))"],
  ["fits", "(): Map => ({ id: '' })", "takes(z.object({ id: z.string() }))"],
  ["refused", "(): globalThis.Map<string, string> => new globalThis.Map()", "takes(z.object({ id: z.string() }))"],
  ["fits", "() => new Uint8Array(1)", "takes(z.instanceof(Uint8Array))"],
  [
    "unknown",
    "(): Uint8Array => new Uint8Array(1)",
    "takes(z.instanceof(Int8Array).or(z.instanceof(Uint8Array).refine(Boolean)))",
  ],
  // Values that may be undefined, which JSON leaves out.
  ["unknown", "(): { a: unknown } => ({ a: undefined })", "takes(z.object({ a: z.unknown() }))"],
  ["fits", "(): { a?: string } => ({})", "takes(z.object({ a: z.string().optional() }))"],
  ["refused", "(): { a: string | undefined } => ({ a: undefined })", "takes(z.object({ a: z.string() }))"],
  // Properties that have the name of a method of texts and arrays.
  ["fits", "(): { at: string } => ({ at: '' })", "takes(z.object({ at: z.string() }))"],
  ["fits", "(): { link: string; keys: number[] } => ({ link: '', keys: [] })", "takes(z.object({ link: z.string() }))"],
  ["refused", "(): { at: Date } => ({ at: new Date() })", "takes(z.object({ at: z.string() }))"],
  ["unknown", "(): { at: unknown } => 'text'", "takes(z.object({ at: z.string() }))"],
  // Tuples with optional and further items.
  ["fits", "(): [string, number?] => ['a']", "takes(z.tuple([z.string(), z.number().optional()]))"],
  ["refused", "(): [string, number?] => ['a']", "takes(z.tuple([z.string(), z.number()]))"],
  ["fits", "(): [string, ...number[]] => ['a']", "takes(z.tuple([z.string()], z.number()))"],
  [
    "fits",
    "(): [string, number?, ...boolean[]] => ['a']",
    "takes(z.array(z.union([z.string(), z.number(), z.boolean()])))",
  ],
  [
    "fits",
    "(): [string, ...number[], string] => ['a', 'b']",
    "takes(z.tuple([z.string()], z.union([z.number(), z.string()])))",
  ],
  ["fits", "passes(z.tuple([z.string()]))", "(payload: [string, number?]) => payload"],
  ["refused", "passes(z.tuple([z.number()]))", "(payload: [string, number?]) => payload"],
  // Types that accept every value, or every object.
  ["fits", "passes(z.string())", "<Payload,>(payload: Payload) => payload"],
  ["fits", "passes(z.object({ a: z.string() }))", "<Payload,>(payload: { a: Payload }) => payload.a"],
  ["refused", "passes(z.string())", "<Payload extends { a: string }>(payload: Payload) => payload.a"],
  ["fits", "passes(z.array(z.string()))", "(payload: object) => payload"],
  ["fits", "passes(z.instanceof(Uint8Array))", "(payload: object) => Object.keys(payload)"],
  ["refused", "passes(z.string())", "(payload: object) => payload"],
  ["unknown", "(): object => [1]", "takes(z.object({}))"],
];

describe("a function without schemas", { timeout: 60_000 }, () => {
  let answers: readonly string[];

  beforeAll(async () => {
    const tasks = EDGES.map((_, at) => `  p${at}: {method: p${at}, downstream: c${at}}\n  c${at}: {method: c${at}}\n`);
    const code = EDGES.map(
      ([, parent, child], at) => `export const p${at} = ${parent};\nexport const c${at} = ${child};\n`,
    );
    const texts = { conf: `tasks:\n${tasks.join("")}`, pipelines: { "tasks.ts": HEAD + code.join("") } };
    answers = await withProject(texts, async (paths) => {
      const { problems, warnings } = await checkEdges(checkProject(paths), paths);
      const about = (all: readonly { readonly message: string }[], at: number): boolean =>
        all.some(({ message }) => message.includes(`\`p${at}\``));
      return EDGES.map((_, at) => (about(problems, at) ? "refused" : about(warnings, at) ? "unknown" : "fits"));
    });
  });

  it.each(EDGES.map((edge, at) => [...edge, at] as const))(
    "a function without schemas is read by its types, and no further than they tell: %s, %s -> %s",
    (expected, _parent, _child, at) => {
      expect(answers[at]).toBe(expected);
    },
  );

  it("a function without schemas whose parameter has a default runs without a payload", async () => {
    const code = `export const first = async () => ({ n: 1 });
export const whole = async (payload = { n: 1 }) => payload.n;
export const parts = async ({ n = 1 }: { n?: number } = {}) => n;
export const strict = async (payload: { n: number }) => payload.n;
`;
    const conf = `tasks:
  first: {method: first, downstream: [whole, parts, strict]}
  whole: {method: whole, run_if: all_done}
  parts: {method: parts, run_if: all_failed}
  strict: {method: strict, run_if: all_done}
`;
    const { problems, warnings } = await withProject({ conf, pipelines: { "tasks.ts": code } }, (paths) =>
      checkEdges(checkProject(paths), paths),
    );
    expect([...problems, ...warnings].map(({ message }) => message.split("\n")[0])).toEqual([
      "tasks.first.downstream: what `first` passes does not fit what `strict` takes",
    ]);
  });
});
