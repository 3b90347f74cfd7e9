import { describe, expect, it } from "vitest";
import { checkProject } from "../../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../../src/compiler/diagnostic.ts";
import { checkEdges } from "../../../src/compiler/edges/check-edges.ts";
import { allProblemsOf, withProject } from "../project.ts";

const IMPORTS = `import { task } from "peach/task-helpers";\nimport { z } from "zod";\n`;

describe("a pipeline file that peach.conf does not name", { timeout: 30_000 }, () => {
  const named = { "named.ts": "export const named = () => 1;\n" };
  const conf = "tasks:\n  named: {method: named}\n";
  const warningsOf = (pipelines: Readonly<Record<string, string>>) =>
    withProject({ conf, pipelines: { ...named, ...pipelines } }, async (paths, folder) => {
      const { problems, warnings } = await checkEdges(checkProject(paths), paths);
      expect(problems).toEqual([]);
      return warnings.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
    });

  it("a pipeline file that peach.conf does not name is warned of if it throws when it is loaded, at the line that throws", async () => {
    const settings = 'interface Settings { a: string }\n\nexport const read = (): Settings => JSON.parse("no JSON");\n';
    const other =
      'import { read } from "./settings.ts";\n\nconst settings = read();\nexport const other = () => settings;\n';
    expect(await warningsOf({ "deep/settings.ts": settings, "deep/other.ts": other })).toMatchInlineSnapshot(`
      "pipelines/deep/settings.ts:3:42: pipelines/deep/other.ts cannot be evaluated here: SyntaxError: Unexpected token 'o', "no JSON" is not valid JSON [PEACH606]
        3 | export const read = (): Settings => JSON.parse("no JSON");
          |                                          ^
        hint: peach.conf names nothing of this file, but runs of an earlier peach.conf may: mend the file, or delete it"
    `);
  });

  it("a pipeline file that peach.conf does not name is warned of if it ends the process, and the edges are checked all the same", async () => {
    const tasks = `${IMPORTS}export const named = task({ output: z.string(), run: async () => "x" });\nexport const next = task({ input: z.number(), run: async () => {} });\n`;
    const project = {
      conf: "tasks:\n  named: {method: named, downstream: next}\n  next: {method: next}\n",
      pipelines: { "named.ts": tasks, "ends.ts": "process.exit(0);\nexport const other = 1;\n" },
    };
    const { problems, warnings } = await withProject(project, (paths) => checkEdges(checkProject(paths), paths));
    expect(problems).toHaveLength(1);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining("ends.ts cannot be evaluated here: a file ended the process that evaluated it"),
    ]);
  });

  it("a pipeline file that peach.conf does not name is refused if it cannot be bundled, since no deploy could", async () => {
    const pipelines = { ...named, "other.ts": 'import "absent-package";\nexport const other = 1;\n' };
    const { problems } = await withProject({ conf, pipelines }, (paths) => checkEdges(checkProject(paths), paths));
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ["PEACH308", 'Could not resolve "absent-package"'],
    ]);
  });

  it("a pipeline file that peach.conf does not name is not warned of if it loads, or exports nothing", async () => {
    expect(await warningsOf({ "fine.ts": "export const fine = 1;\n", "script.ts": "throw new Error();\n" })).toBe("");
  });

  it("a pipeline file that peach.conf does not name is not warned of if it builds on a class or a value of the platform", async () => {
    const service =
      'import { env, WorkerEntrypoint } from "cloudflare:workers";\nimport { log } from "peach/task-helpers";\n' +
      "const { DEPTH } = env;\nlog.info(`at ${DEPTH}`);\n" +
      "export class Service extends WorkerEntrypoint {}\nexport const service = () => new Service();\n";
    const whole =
      'import * as workers from "cloudflare:workers";\nexport class Whole extends workers.WorkerEntrypoint {}\n';
    expect(await warningsOf({ "service.ts": service, "whole.ts": whole })).toBe("");
  });
});

describe("typed edges", { timeout: 30_000 }, () => {
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
      "peach.conf:4:18: tasks.transcribe.downstream: what \`transcribe\` passes does not fit what \`recommend\` takes [PEACH601]
        4 |     downstream: [recommend, archive]
          |                  ^^^^^^^^^
        $.segments[].start: passes number, takes string: another type is taken
        pipelines/deep/tasks.ts:4:14: \`transcribe\` passes { text: string, segments: { start: number }[] }
        4 | export const transcribe = task({
          |              ^^^^^^^^^^
        pipelines/deep/tasks.ts:8:14: \`recommend\` takes { segments: { start: string }[] }
        8 | export const recommend = task({ input: z.object({ segments: z.array(z.object({ start: z.string() })) }), run: async () => {} });
          |              ^^^^^^^^^
        hint: make the \`output\` of transcribe and the \`input\` of recommend agree

      peach.conf:4:29: tasks.transcribe.downstream: what \`transcribe\` passes does not fit what \`archive\` takes [PEACH601]
        4 |     downstream: [recommend, archive]
          |                             ^^^^^^^
        $.key: passes nothing, takes string: it is not passed
        pipelines/deep/tasks.ts:4:14: \`transcribe\` passes { text: string, segments: { start: number }[] }
        4 | export const transcribe = task({
          |              ^^^^^^^^^^
        pipelines/deep/tasks.ts:9:14: \`archive\` takes { key: string }
        9 | export const archive = task({ input: z.object({ key: z.string() }), run: async () => {} });
          |              ^^^^^^^
        hint: make the \`output\` of transcribe and the \`input\` of archive agree

      peach.conf:5:43: tasks.recommend.timeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 1 [PEACH104]
        5 |   recommend: {method: recommend, timeout: 1}
          |                                           ^
        hint: did you mean 1s?"
    `);
  });

  it("typed edges take plain functions by the types of their signatures", async () => {
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
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "peach.conf:2:31: tasks.p.downstream: what \`p\` passes does not fit what \`c\` takes [PEACH601]
        2 |   p: {method: p, downstream: [c, d, e]}
          |                               ^
        $: passes string, takes number: another type is taken
        pipelines/tasks.ts:4:14: \`p\` passes string
        4 | export const p = task({ output: z.string(), run: async () => "x" });
          |              ^
        pipelines/tasks.ts:5:17: \`c\` takes number
        5 | export function c(payload: number) { return payload; }
          |                 ^
        hint: make the \`output\` of p and the \`input\` of c agree

      peach.conf:5:30: tasks.e.downstream: what \`e\` passes does not fit what \`f\` takes [PEACH601]
        5 |   e: {method: e, downstream: f}
          |                              ^
        $: passes string, takes number: another type is taken
        pipelines/tasks.ts:7:14: \`e\` passes string
        7 | export const e = (payload: string) => payload;
          |              ^
        pipelines/tasks.ts:8:14: \`f\` takes number
        8 | export const f = task({ input: z.number(), run: async () => {} });
          |              ^
        hint: make the \`output\` of e and the \`input\` of f agree"
    `);
  });

  it("typed edges do not promise what the type of a function leaves open", async () => {
    const conf = `tasks:
  more: {method: more, downstream: [strict, loose]}
  anything: {method: anything, downstream: loose_empty}
  keyed: {method: keyed, downstream: numbers}
  strict: {method: strict}
  loose: {method: loose}
  loose_empty: {method: loose_empty}
  numbers: {method: numbers}
`;
    const pipelines = {
      "tasks.ts": `${IMPORTS}
const row = { a: "x", b: 1 };
export async function more(): Promise<{ a: string }> { return row; }
export async function anything(): Promise<{}> { return 5; }
export async function keyed(): Promise<{ [key: \`a\${string}\`]: number; [key: \`b\${string}\`]: string }> { return { b1: "x" }; }
export const strict = task({ input: z.strictObject({ a: z.string() }), run: async () => 1 });
export const loose = task({ input: z.object({ a: z.string() }), run: async () => 1 });
export const loose_empty = task({ input: z.object({}), run: async () => 1 });
export const numbers = task({ input: z.record(z.string(), z.number()), run: async () => 1 });
`,
    };
    const said = await withProject({ conf, pipelines }, async (paths) => {
      const { problems, warnings } = await checkEdges(checkProject(paths), paths);
      return [...problems, ...warnings].map(({ message }) => message.split("\n")[0]);
    });
    const cannotTell = (parent: string, child: string): string =>
      `tasks.${parent}.downstream: cannot tell whether what \`${parent}\` passes fits what \`${child}\` takes`;
    expect(said).toEqual([
      "tasks.keyed.downstream: what `keyed` passes does not fit what `numbers` takes",
      cannotTell("more", "strict"),
      cannotTell("anything", "loose_empty"),
    ]);
  });

  it("typed edges hold a child with several upstream tasks against an object keyed by their names, each edge for itself", async () => {
    const conf =
      "tasks:\n  begin: {method: begin, downstream: [p, q, r]}\n  p: {method: p, downstream: [join, wrong]}\n  q: {method: q, downstream: [join, wrong]}\n  r: {method: r, downstream: join}\n  join: {method: join}\n  wrong: {method: wrong}\n";
    const pipelines = {
      "tasks.ts": `${IMPORTS}
export const p = task({ output: z.string(), run: async () => "x" });
export const q = task({ output: z.number(), run: async () => 1 });
export const r = () => 1;
export const begin = () => {};
export const join = task({ input: z.object({ p: z.string(), q: z.string(), r: z.boolean() }), run: async () => {} });
export const wrong = task({ input: z.object({ text: z.string() }), run: async () => {} });
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "peach.conf:3:37: tasks.p.downstream: \`wrong\` does not take an object keyed by its upstream tasks [PEACH601]
        3 |   p: {method: p, downstream: [join, wrong]}
          |                                     ^^^^^
        $.text: passes nothing, takes string: it is not passed
        pipelines/tasks.ts:9:14: \`wrong\` takes { text: string }
        9 | export const wrong = task({ input: z.object({ text: z.string() }), run: async () => {} });
          |              ^^^^^
        hint: a task with several upstream tasks reads an object keyed by their names: declare its \`input\` so

      peach.conf:4:31: tasks.q.downstream: what \`q\` passes does not fit what \`join\` takes [PEACH601]
        4 |   q: {method: q, downstream: [join, wrong]}
          |                               ^^^^
        $.q: passes number, takes string: another type is taken
        pipelines/tasks.ts:5:14: \`q\` passes number
        5 | export const q = task({ output: z.number(), run: async () => 1 });
          |              ^
        pipelines/tasks.ts:8:14: \`join\` takes { p: string, q: string, r: boolean }
        8 | export const join = task({ input: z.object({ p: z.string(), q: z.string(), r: z.boolean() }), run: async () => {} });
          |              ^^^^
        hint: make the \`output\` of q and the \`input\` of join agree

      peach.conf:5:30: tasks.r.downstream: what \`r\` passes does not fit what \`join\` takes [PEACH601]
        5 |   r: {method: r, downstream: join}
          |                              ^^^^
        $.r: passes number, takes boolean: no such value is taken
        pipelines/tasks.ts:6:14: \`r\` passes number
        6 | export const r = () => 1;
          |              ^
        pipelines/tasks.ts:8:14: \`join\` takes { p: string, q: string, r: boolean }
        8 | export const join = task({ input: z.object({ p: z.string(), q: z.string(), r: z.boolean() }), run: async () => {} });
          |              ^^^^
        hint: make the \`output\` of r and the \`input\` of join agree"
    `);
  });

  it("typed edges show an import that is not found, which leaves the schemas unknown, and no other problem", async () => {
    const conf = "tasks:\n  p: {method: p, downstream: c}\n  c: {method: c}\n";
    const pipelines = {
      "tasks.ts": `${IMPORTS}import { schema } from "./missing.ts";
export const p = task({ output: schema, run: async () => "x" });
export const c = task({ input: z.string(), run: async (text) => text * 2 });
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "pipelines/tasks.ts:3:24: Could not resolve "./missing.ts" [PEACH308]
        3 | import { schema } from "./missing.ts";
          |                        ^^^^^^^^^^^^^^
        hint: with this, the schemas of the tasks cannot be read and their edges cannot be checked"
    `);
  });

  it("typed edges are checked beside a file with decorators and `using`, which a deployment lowers", async () => {
    const conf = "tasks:\n  p: {method: p, downstream: c}\n  c: {method: c}\n  d: {method: d}\n";
    const pipelines = {
      "tasks.ts": `${IMPORTS}export const p = task({ output: z.string(), run: async () => "x" });
export const c = task({ input: z.number(), run: async (n) => n });
`,
      "decorated.ts": `function known(one: unknown, context: unknown): void {}
@known
class Decorated {}
export async function d() {
  using open = { [Symbol.dispose]() {} };
  return String(Decorated) + String(open);
}
`,
    };
    expect(await allProblemsOf({ conf, pipelines })).toMatch(/^peach\.conf:2:30: [^\n]*\[PEACH601\]/);
  });

  it("typed edges show the place of an import behind letters of more than one byte", async () => {
    const conf = "tasks:\n  p: {method: p}\n";
    const pipelines = { "tasks.ts": 'const é = "😀"; import "./höhe"; export const p = () => é;\n' };
    expect(await allProblemsOf({ conf, pipelines })).toMatchInlineSnapshot(`
      "pipelines/tasks.ts:1:24: Could not resolve "./höhe" [PEACH308]
        1 | const é = "😀"; import "./höhe"; export const p = () => é;
          |                        ^^^^^^^^
        hint: with this, the schemas of the tasks cannot be read and their edges cannot be checked"
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
      "peach.conf:2:20: tasks.number.method: \`number\` is no task [PEACH306]
        2 |   number: {method: number, downstream: [typed, kind]}
          |                    ^^^^^^
        hint: a task is a function, or made by task({...})

      peach.conf:3:18: tasks.kind.method: \`Kind\` is no task [PEACH306]
        3 |   kind: {method: Kind}
          |                  ^^^^
        hint: a task is a function, or made by task({...})

      peach.conf:7:15: endpoints.e.method: \`typed\` is no endpoint [PEACH307]
        7 |   e: {method: typed, fallback: number}
          |               ^^^^^
        hint: an endpoint is a function

      peach.conf:7:32: endpoints.e.fallback: \`number\` is no endpoint [PEACH307]
        7 |   e: {method: typed, fallback: number}
          |                                ^^^^^^
        hint: an endpoint is a function"
    `);
  });
});

describe("functions of the author", { timeout: 30_000 }, () => {
  it("the payload of a schedule is refused if its parse throws, and the edges are checked all the same", async () => {
    const conf = `tasks:
  trimmed: {method: trimmed, downstream: next, schedule: {cron: "@daily", payload: {a: 1}}}
  next: {method: next}
`;
    const tasks = `${IMPORTS}
export const trimmed = task({ input: z.preprocess((text: any) => text.trim(), z.string()), output: z.string(), run: async () => "" });
export const next = task({ input: z.number(), run: async () => {} });
`;
    const { problems, warnings } = await withProject({ conf, pipelines: { "tasks.ts": tasks } }, (paths) =>
      checkEdges(checkProject(paths), paths),
    );
    expect(problems.map(({ code, message }) => [code, message.split("\n")[1]])).toEqual([
      ["PEACH601", "$: passes string, takes number: another type is taken"],
      ["PEACH604", "$: its parse throws TypeError: text.trim is not a function"],
    ]);
    expect(warnings).toEqual([]);
  });

  it("a schema whose first example is no JSON is read all the same", async () => {
    const conf = "tasks:\n  first: {method: first, downstream: next}\n  next: {method: next}\n";
    const tasks = `${IMPORTS}
export const first = task({ output: z.string(), run: async () => "" });
export const next = task({ input: z.coerce.bigint().meta({ examples: [1n] }).or(z.number()), run: async () => {} });
export const other = task({ input: z.object({ at: z.coerce.bigint() }).meta({ examples: [{ at: 1n }] }), run: async () => {} });
`;
    const answers = ["next", "other"].map(async (method) => {
      const project = { conf: conf.replace("method: next", `method: ${method}`), pipelines: { "tasks.ts": tasks } };
      const { problems, warnings } = await withProject(project, (paths) => checkEdges(checkProject(paths), paths));
      return [...problems, ...warnings].map(({ code }) => code);
    });
    expect(await Promise.all(answers)).toEqual([["PEACH602"], ["PEACH601"]]);
  });
});
