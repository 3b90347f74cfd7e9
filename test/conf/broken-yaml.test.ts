import { describe, expect, it } from "vitest";
import { problemsOf } from "./project.ts";

// A conf per kind of problem, with the exact text that its author reads.

describe("a file that is no YAML mapping", () => {
  it("is reported when the conf is empty", async () => {
    const conf = ``;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: the file is empty
        hint: it needs at least one task or endpoint; peach.conf.example is a complete one"
    `);
  });

  it("is reported when the conf holds comments only", async () => {
    const conf = `# tasks:
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: the file is empty
        1 | # tasks:
          | ^
        hint: it needs at least one task or endpoint; peach.conf.example is a complete one"
    `);
  });

  it("is reported when the conf is a list", async () => {
    const conf = `- tasks
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: expected a mapping, given a list
        1 | - tasks
          | ^^^^^^^
        hint: allowed keys: codops, retention, inline_limit, on_failure, defaults, tasks, endpoints"
    `);
  });

  it("is reported when the conf is a text", async () => {
    const conf = `tasks
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: expected a mapping, given tasks
        1 | tasks
          | ^^^^^
        hint: allowed keys: codops, retention, inline_limit, on_failure, defaults, tasks, endpoints"
    `);
  });

  it("is reported when the conf is indented with a tab", async () => {
    const conf = `tasks:
\tt: {method: a}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:1: a tab indents this line
        2 | 	t: {method: a}
          | ^
        hint: YAML is indented with spaces"
    `);
  });

  it("is reported when the conf lacks a closing bracket", async () => {
    const conf = `tasks:
  t:
    method: a
    downstream: [b
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(
      `
      "peach.conf:4:18: this is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]
        4 |     downstream: [b
          |                  ^"
    `,
    );
  });

  it("is reported when the conf names an anchor that is not there", async () => {
    const conf = `tasks:
  t: *base
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:6: no anchor &base stands before this alias
        2 |   t: *base
          |      ^^^^^
        hint: an anchor is declared with &name, once, before its first *name"
    `);
  });

  it("is reported when the conf has aliases within aliases that stand for too much, or for themselves", async () => {
    const tens = Array.from({ length: 7 }, (_, at) => {
      const inside = at === 0 ? "x" : `*x${at - 1}`;
      return `  t${at}: {method: a, description: &x${at} [${`${inside},`.repeat(10)}]}\n`;
    });
    expect(await problemsOf(`tasks:\n${tens.join("")}`)).toContain(
      "peach.conf:3:37: the aliases stand for too much, or for themselves",
    );
    expect(await problemsOf("tasks:\n  t: &t\n    <<: *t\n    method: a\n")).toMatchInlineSnapshot(`
      "peach.conf:3:9: the aliases stand for too much, or for themselves
        3 |     <<: *t
          |         ^^
        hint: an alias repeats a few keys: write the others out"
    `);
  });

  it.each([
    ["a text", "<<: base", "base"],
    ["a number in a list", "<<: [*t, 3]", "3"],
    ["a list in a list", "<<: [[*t]]", "[*t]"],
    ["the alias of a text", "<<: *m", "*m"],
    ["nothing", "<<:", "<<"],
    ["nothing, as an explicit key", "? <<", "<<"],
  ])("is reported when a merge key stands before %s", async (_what, line, pointedAt) => {
    const column = 5 + line.indexOf(pointedAt);
    expect(await problemsOf(`tasks:\n  t: &t\n    method: &m a\n  u:\n    ${line}\n`)).toBe(
      `peach.conf:5:${column}: \`<<\` takes over the keys of a mapping, and this is none
  5 |     ${line}
    | ${" ".repeat(column - 1)}${"^".repeat(pointedAt.length)}
  hint: give it the alias of a mapping, \`<<: *name\`, or a list of such aliases`,
    );
  });

  it("is reported when the conf is more than one document", async () => {
    expect(await problemsOf("tasks:\n  t: {method: a}\n---\ntasks:\n  u: {method: a}\n")).toMatchInlineSnapshot(`
      "peach.conf:3:1: a second document begins here
        3 | ---
          | ^^^
        hint: the file is one document: remove the line"
    `);
  });

  it("is reported when the conf has a key twice, beside other problems", async () => {
    const conf = `tasks:
  t:
    method: a
    timeout: 1
  t:
    method: b
    speed: 1
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:5:3: \`t\` stands twice in one mapping
        5 |   t:
          |   ^
        hint: keep one of the two

      peach.conf:7:5: tasks.t.speed: unknown key
        7 |     speed: 1
          |     ^^^^^
        hint: allowed keys: method, module, description, downstream, on, schedule, retries, timeout, run_if, each, concurrency, rate_limit, priority, debounce, external, dispatch, open, callable"
    `);
  });

  it("is reported when the conf has a key that is a list", async () => {
    const conf = `tasks:
  [t]: {method: a}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:3: a list, a mapping or an alias cannot be a key
        2 |   [t]: {method: a}
          |   ^
        hint: a key is a text"
    `);
  });

  it("is reported when the conf has neither tasks nor endpoints", async () => {
    const conf = `codops: srg
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: neither \`tasks\` nor \`endpoints\` is there
        1 | codops: srg
          | ^^^^^^^^^^^
        hint: the file needs at least one task or endpoint"
    `);
  });

  it("is reported when the conf has empty tasks", async () => {
    const conf = `tasks:
endpoints: {}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: tasks: expected a mapping of task names, given nothing
        1 | tasks:
          | ^^^^^
        hint: it is written as
          tasks:
            name:
              method: exported_function

      peach.conf:2:12: endpoints: expected a mapping of endpoint names, given an empty one
        2 | endpoints: {}
          |            ^^
        hint: it is written as
          endpoints:
            name:
              method: exported_function"
    `);
  });
});

describe("several problems at once", () => {
  it("is reported when the conf has one of each, in file order", async () => {
    const conf = `retention: soon
tasks:
  t:
    method: aa
    downstream: [w, u]
    timeout: 1h
  u:
    method: b
    downstream: t
    on: {r2: {bucket: nowhere}}
  v:
    metod: c
endpoints:
  e:
    method: handel
    url: /healthz
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:12: retention: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given soon
        1 | retention: soon
          |            ^^^^

      peach.conf:4:13: tasks.t.method: no file under pipelines exports \`aa\`
        4 |     method: aa
          |             ^^
        hint: exported: a, b, c, d, e, handle

      peach.conf:5:18: tasks.t.downstream: no task is called \`w\`
        5 |     downstream: [w, u]
          |                  ^
        hint: tasks: t, u, v

      peach.conf:5:21: tasks.t.downstream: these tasks wait for each other: t → u → t
        5 |     downstream: [w, u]
          |                     ^
        peach.conf:9:17: then u → t
        9 |     downstream: t
          |                 ^
        hint: remove one of these edges; to go round on purpose, trigger the first task from the last one's method: that is a new run

      peach.conf:6:14: tasks.t.timeout: expected a duration of at most 14m, given 1h
        6 |     timeout: 1h
          |              ^^
        hint: work that takes longer is done elsewhere and reported back: that is what \`external\` tasks are for

      peach.conf:10:23: tasks.u.on.r2: wrangler.toml binds no bucket called \`nowhere\`
        10 |     on: {r2: {bucket: nowhere}}
           |                       ^^^^^^^
        hint: add these lines to wrangler.toml:
          [[r2_buckets]]
          binding = "NOWHERE"
          bucket_name = "nowhere"

      peach.conf:11:3: tasks.v: \`method\` is missing
        11 |   v:
           |   ^

      peach.conf:12:5: tasks.v.metod: unknown key
        12 |     metod: c
           |     ^^^^^
        hint: did you mean \`method\`? allowed keys: method, module, description, downstream, on, schedule, retries, timeout, run_if, each, concurrency, rate_limit, priority, debounce, external, dispatch, open, callable

      peach.conf:15:13: endpoints.e.method: no file under pipelines exports \`handel\`
        15 |     method: handel
           |             ^^^^^^
        hint: did you mean \`handle\` of tasks.ts?

      peach.conf:16:10: endpoints.e.url: /healthz is reserved: Peach itself serves /healthz
        16 |     url: /healthz
           |          ^^^^^^^^
        hint: choose a url outside /api/v1, /healthz, /dashboard, /dev, /complete, /mcp, /llms.txt"
    `);
  });
});

describe("what is wrong in a value", () => {
  it("hides no problem of what stands beside it, each at its place", async () => {
    const conf = `tasks:
  t:
    method: a
    downstream: [5, nowhere, u]
    on:
      r2: [{bucket: 7, suffix: .wav}, {bucket: nobucket, prefix: 5}]
  u: {method: b, downstream: t, retries: {limit: 1.5, backoff: never}}
`;
    expect((await problemsOf(conf)).match(/^peach.conf:.*/gm)).toEqual([
      "peach.conf:4:18: tasks.t.downstream[0]: expected the name of a task, given 5",
      "peach.conf:4:21: tasks.t.downstream: no task is called `nowhere`",
      "peach.conf:4:30: tasks.t.downstream: these tasks wait for each other: t → u → t",
      "peach.conf:6:21: tasks.t.on.r2[0].bucket: expected the name of a bucket, given 7",
      "peach.conf:6:48: tasks.t.on.r2: wrangler.toml binds no bucket called `nobucket`",
      "peach.conf:6:66: tasks.t.on.r2[1].prefix: expected a text that keys begin with, given 5",
      "peach.conf:7:50: tasks.u.retries.limit: expected a whole number from 0 to 100, given 1.5",
      "peach.conf:7:64: tasks.u.retries.backoff: expected one of exponential, linear, constant, given never",
    ]);
  });

  it("hides none where it comes by an alias", async () => {
    const conf = `tasks:
  t: &t {method: a, timeout: &long 1x, downstream: nowhere}
  u: {<<: *t, timeout: *long, downstream: [6, nobody]}
`;
    expect((await problemsOf(conf)).match(/^peach.conf:.*/gm)).toEqual([
      "peach.conf:2:36: tasks.t.timeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 1x",
      "peach.conf:2:52: tasks.t.downstream: no task is called `nowhere`",
      "peach.conf:3:24: tasks.u.timeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 1x",
      "peach.conf:3:44: tasks.u.downstream[0]: expected the name of a task, given 6",
      "peach.conf:3:47: tasks.u.downstream: no task is called `nobody`",
    ]);
  });

  it("is reported by itself where an alias, which is right there, stands for it", async () => {
    const conf = "tasks:\n  t: {method: a, timeout: &text long, downstream: u}\n  u: {method: b, description: *text}\n";
    expect((await problemsOf(conf)).match(/^peach.conf:.*/gm)).toEqual([
      "peach.conf:2:33: tasks.t.timeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given long",
    ]);
  });
});
