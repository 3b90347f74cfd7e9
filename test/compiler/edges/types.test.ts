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
});
