import { describe, expect, it } from "vitest";
import { allProblemsOf } from "./project.ts";

const IMPORTS = `import { task } from "peach/task-helpers";\nimport { z } from "zod";\n`;

interface EdgeCase {
  readonly passes: string;
  readonly takes: string;
}

/** Many edges p<N> → c<N> in one project, as a check takes one run of tsc however many there are. */
async function refusedEdges(cases: readonly EdgeCase[]): Promise<number[]> {
  const conf = cases.map(
    (_, index) => `  p${index}: {method: p${index}, downstream: c${index}}\n  c${index}: {method: c${index}}\n`,
  );
  const methods = cases.map(
    ({ passes, takes }, index) => `export const p${index} = task({ output: ${passes}, run: () => null as never });
export const c${index} = task({ input: ${takes}, run: async () => {} });
`,
  );
  const problems = await allProblemsOf({
    conf: `tasks:\n${conf.join("")}`,
    pipelines: { "tasks.ts": IMPORTS + methods.join("") },
  });
  return [...problems.matchAll(/what `p(\d+)` passes/g)].map(([, index]) => Number(index));
}

const FITTING: readonly EdgeCase[] = [
  { passes: "z.string()", takes: "z.string()" },
  { passes: "z.object({ text: z.string(), more: z.number() })", takes: "z.object({ text: z.string() })" },
  {
    passes: "z.object({ text: z.string() })",
    takes: "z.object({ text: z.string().nullable(), more: z.number().optional() })",
  },
  { passes: "z.object({ n: z.number() })", takes: "z.object({ n: z.number().default(3), m: z.number().default(4) })" },
  { passes: "z.object({ n: z.number().default(3) })", takes: "z.object({ n: z.number() })" },
  { passes: "z.object({ at: z.date() })", takes: "z.object({ at: z.string() })" },
  { passes: "z.string().transform((text) => text.length)", takes: "z.number()" },
  { passes: "z.number()", takes: "z.number().transform(String)" },
  { passes: "z.array(z.number()).readonly()", takes: "z.array(z.number())" },
  { passes: "z.string().brand('id')", takes: "z.string()" },
  { passes: "z.enum(['a', 'b'])", takes: "z.enum(['a', 'b', 'c'])" },
  { passes: "z.unknown()", takes: "z.string()" },
  { passes: "z.any()", takes: "z.object({ text: z.string() })" },
  { passes: "z.object({ inner: z.any() })", takes: "z.object({ inner: z.object({ text: z.string() }) })" },
  { passes: "z.object({ text: z.string() })", takes: "z.unknown()" },
  { passes: "z.object({ a: z.number() })", takes: "z.record(z.string(), z.number())" },
  { passes: "z.object({ a: z.string().optional() })", takes: "z.object({ a: z.string().optional() })" },
  { passes: "z.instanceof(Uint8Array)", takes: "z.instanceof(Uint8Array)" },
];

const UNFITTING: readonly EdgeCase[] = [
  { passes: "z.string()", takes: "z.number()" },
  { passes: "z.object({ text: z.string() })", takes: "z.string()" },
  { passes: "z.object({ text: z.string() })", takes: "z.object({ text: z.number() })" },
  { passes: "z.object({ text: z.string() })", takes: "z.object({ text: z.string(), more: z.number() })" },
  { passes: "z.object({ text: z.string().nullable() })", takes: "z.object({ text: z.string() })" },
  { passes: "z.object({ text: z.string().optional() })", takes: "z.object({ text: z.string() })" },
  { passes: "z.object({ at: z.date() })", takes: "z.object({ at: z.date() })" },
  { passes: "z.number().transform(String)", takes: "z.number()" },
  { passes: "z.number()", takes: "z.string().transform(Number)" },
  { passes: "z.array(z.string())", takes: "z.array(z.number())" },
  { passes: "z.string()", takes: "z.enum(['a', 'b'])" },
  { passes: "z.union([z.string(), z.number()])", takes: "z.string()" },
];

describe("typed edges", { timeout: 30_000 }, () => {
  it("typed edges accept every pair that fits, and refuse every pair that does not", async () => {
    const refused = await refusedEdges([...FITTING, ...UNFITTING]);
    expect(refused).toEqual(UNFITTING.map((_, index) => FITTING.length + index));
  });

  it("typed edges are refused at the child's name in downstream, with the reason, beside other problems", async () => {
    const conf = `tasks:
  transcribe:
    method: transcribe
    downstream: [recommend, archive]
  recommend: {method: recommend, timeout: 1}
  archive: {method: archive}
`;
    const pipelines = {
      "deep/tasks.ts": `${IMPORTS}
export const transcribe = task({
  output: z.object({ text: z.string(), segments: z.array(z.object({ start: z.number() })) }),
  run: async () => ({ text: "", segments: [] }),
});
export const recommend = task({ input: z.object({ segments: z.array(z.object({ start: z.string() })) }), run: async () => {} });
export const archive = task({ input: z.object({ key: z.string() }), run: async () => {} });
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "peach.conf:4:18: tasks.transcribe.downstream: what \`transcribe\` passes does not fit what \`recommend\` takes
        4 |     downstream: [recommend, archive]
          |                  ^^^^^^^^^
          Type '{ text: string; segments: { start: number; }[]; }' is not assignable to type '{ segments: { start: string; }[]; }'.
            Types of property 'segments' are incompatible.
              Type '{ start: number; }[]' is not assignable to type '{ start: string; }[]'.
                Type '{ start: number; }' is not assignable to type '{ start: string; }'.
                  Types of property 'start' are incompatible.
                    Type 'number' is not assignable to type 'string'.
        hint: make the \`output\` of transcribe and the \`input\` of recommend agree

      peach.conf:4:29: tasks.transcribe.downstream: what \`transcribe\` passes does not fit what \`archive\` takes
        4 |     downstream: [recommend, archive]
          |                             ^^^^^^^
          Property 'key' is missing in type '{ text: string; segments: { start: number; }[]; }' but required in type '{ key: string; }'.
        hint: make the \`output\` of transcribe and the \`input\` of archive agree

      peach.conf:5:43: tasks.recommend.timeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 1
        5 |   recommend: {method: recommend, timeout: 1}
          |                                           ^"
    `);
  });

  it("typed edges are not checked where a side is not declared", async () => {
    const conf =
      "tasks:\n  p: {method: p, downstream: [c, d, e]}\n  c: {method: c}\n  d: {method: d}\n  e: {method: e, downstream: f}\n  f: {method: f}\n";
    const pipelines = {
      "tasks.ts": `${IMPORTS}
export const p = task({ output: z.string(), run: async () => "x" });
export function c(payload: number) { return payload; }
export const d = task({ output: z.number(), run: async () => 1 });
export const e = (payload: string) => payload;
export const f = task({ input: z.number(), run: async () => {} });
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toBe("");
  });

  it("typed edges hold a child with several upstream tasks against an object keyed by their names, each edge for itself", async () => {
    const conf =
      "tasks:\n  p: {method: p, downstream: [join, wrong]}\n  q: {method: q, downstream: [join, wrong]}\n  r: {method: r, downstream: join}\n  join: {method: join}\n  wrong: {method: wrong}\n";
    const pipelines = {
      "tasks.ts": `${IMPORTS}
export const p = task({ output: z.string(), run: async () => "x" });
export const q = task({ output: z.number(), run: async () => 1 });
export const r = () => 1;
export const join = task({ input: z.object({ p: z.string(), q: z.string(), r: z.boolean() }), run: async () => {} });
export const wrong = task({ input: z.object({ text: z.string() }), run: async () => {} });
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "peach.conf:2:37: tasks.p.downstream: \`wrong\` does not take an object keyed by its upstream tasks
        2 |   p: {method: p, downstream: [join, wrong]}
          |                                     ^^^^^
          Property 'text' is missing in type '{ p: any; q: any; }' but required in type '{ text: string; }'.
        hint: a task with several upstream tasks reads an object keyed by their names: declare its \`input\` so

      peach.conf:3:31: tasks.q.downstream: what \`q\` passes does not fit what \`join\` takes
        3 |   q: {method: q, downstream: [join, wrong]}
          |                               ^^^^
          Type '{ p: any; q: number; r: any; }' is not assignable to type '{ p: string; q: string; r: boolean; }'.
            Types of property 'q' are incompatible.
              Type 'number' is not assignable to type 'string'.
        hint: make the \`output\` of q and the \`input\` of join agree"
    `);
  });

  it("typed edges show an error of the pipelines that leaves their types unknown, and no other", async () => {
    const conf = "tasks:\n  p: {method: p, downstream: c}\n  c: {method: c}\n";
    const pipelines = {
      "tasks.ts": `${IMPORTS}import { schema } from "./missing.ts";
export const p = task({ output: schema, run: async () => "x" });
export const c = task({ input: z.string(), run: async (text) => text * 2 });
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "pipelines/tasks.ts:3:24: Cannot find module './missing.ts' or its corresponding type declarations.
        3 | import { schema } from "./missing.ts";
          |                        ^^^^^^^^^^^^^^
        hint: with this, the types of the tasks here are unknown and their edges cannot be checked"
    `);
  });
});

describe("methods", { timeout: 30_000 }, () => {
  it("methods are refused if they cannot be called as what peach.conf names them", async () => {
    const conf = `tasks:
  number: {method: number, downstream: [typed, kind]}
  kind: {method: Kind}
  typed: {method: typed}
  plain: {method: plain}
endpoints:
  e: {method: typed, fallback: number}
  f: {method: plain}
`;
    const pipelines = {
      "tasks.ts": `${IMPORTS}
export const number = 5;
export class Kind {}
export const typed = task({ input: z.string(), run: async () => {} });
export const plain = async (payload: { key: string }, { env }: { env: { MINE: string } }) => payload.key + env.MINE;
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "peach.conf:2:20: tasks.number.method: \`number\` is no task
        2 |   number: {method: number, downstream: [typed, kind]}
          |                    ^^^^^^
        hint: a task is a function, or made by task({...})

      peach.conf:3:18: tasks.kind.method: \`Kind\` is no task
        3 |   kind: {method: Kind}
          |                  ^^^^
        hint: a task is a function, or made by task({...})

      peach.conf:7:15: endpoints.e.method: \`typed\` is no endpoint
        7 |   e: {method: typed, fallback: number}
          |               ^^^^^
        hint: an endpoint is a function

      peach.conf:7:32: endpoints.e.fallback: \`number\` is no endpoint
        7 |   e: {method: typed, fallback: number}
          |                                ^^^^^^
        hint: an endpoint is a function"
    `);
  });
});
