import { describe, expect, it } from "vitest";
import { problemsOf } from "./project.ts";

// A conf per kind of problem, with the exact text that its author reads.

describe("keys and names", () => {
  it("is reported when the conf has an unknown key at the top", async () => {
    const conf = `retension: 7d
tasks:
  t:
    method: a
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: retension: unknown key
        1 | retension: 7d
          | ^^^^^^^^^
        hint: did you mean \`retention\`? allowed keys: codops, retention, inline_limit, on_failure, defaults, tasks, endpoints"
    `);
  });

  it("is reported when the conf has an unknown key in a task", async () => {
    const conf = `tasks:
  t:
    method: a
    priority: 3
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:15: tasks.t.priority: nothing makes this task's attempts wait
        4 |     priority: 3
          |               ^
        hint: it orders attempts that wait for \`concurrency\` or \`rate_limit\`: give the task one of them, or remove it"
    `);
  });

  it("is reported when the conf has an unknown key in retries", async () => {
    const conf = `tasks:
  t:
    method: a
    retries: {limits: 3}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:15: tasks.t.retries.limits: unknown key
        4 |     retries: {limits: 3}
          |               ^^^^^^
        hint: did you mean \`limit\`? allowed keys: limit, delay, backoff, max_delay, jitter"
    `);
  });

  it("is reported when the conf has an unknown key in an r2 rule", async () => {
    const conf = `tasks:
  t:
    method: a
    on:
      r2:
        - {bucket: uploads, sufix: .mp3}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:6:29: tasks.t.on.r2[0].sufix: unknown key
        6 |         - {bucket: uploads, sufix: .mp3}
          |                             ^^^^^
        hint: did you mean \`suffix\`? allowed keys: bucket, prefix, suffix, actions"
    `);
  });

  it("is reported when the conf has an unknown key in an endpoint", async () => {
    const conf = `endpoints:
  e: {method: handle, path: /x}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:23: endpoints.e.path: unknown key
        2 |   e: {method: handle, path: /x}
          |                       ^^^^
        hint: allowed keys: method, module, url, methods, auth, max_body, rate_limit, timeout, fallback, cors, open, redact"
    `);
  });

  it("is reported when the conf has an unknown key in defaults", async () => {
    const conf = `defaults:
  retry: 3
tasks:
  t:
    method: a
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:3: defaults.retry: unknown key
        2 |   retry: 3
          |   ^^^^^
        hint: did you mean \`retries\`? allowed keys: retries, timeout, dispatch"
    `);
  });

  it("is reported when the conf lacks the method of a task and of an endpoint", async () => {
    const conf = `tasks:
  t: {timeout: 3s}
endpoints:
  e: {url: /x}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:3: tasks.t: \`method\` is missing
        2 |   t: {timeout: 3s}
          |   ^

      peach.conf:4:3: endpoints.e: \`method\` is missing
        4 |   e: {url: /x}
          |   ^"
    `);
  });

  it("is reported when the conf has a method without a value", async () => {
    const conf = `tasks:
  t:
    method:
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:3:5: tasks.t.method: expected the name of an exported function, given nothing
        3 |     method:
          |     ^^^^^^"
    `);
  });

  it("is reported when the conf has a task without a value", async () => {
    const conf = `tasks:
  t:
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:3: tasks.t: expected a mapping, given nothing
        2 |   t:
          |   ^
        hint: allowed keys: method, module, description, downstream, on, schedule, retries, timeout, run_if, each, concurrency, rate_limit, priority, debounce, external, dispatch, open, callable"
    `);
  });

  it("is reported when the conf has names that are none", async () => {
    const conf = `tasks:
  1st: {method: a}
  "with space": {method: a}
  __proto__: {method: a}
  true: {method: a}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:3: tasks: expected the name of a task, given "1st"
        2 |   1st: {method: a}
          |   ^^^
        hint: a name begins with a letter or _, goes on with letters, digits, _ and -, and has at most 64 of them

      peach.conf:3:3: tasks: expected the name of a task, given "with space"
        3 |   "with space": {method: a}
          |   ^^^^^^^^^^^^
        hint: a name begins with a letter or _, goes on with letters, digits, _ and -, and has at most 64 of them

      peach.conf:4:3: tasks: expected the name of a task, given "__proto__"
        4 |   __proto__: {method: a}
          |   ^^^^^^^^^
        hint: JavaScript has a meaning of its own for this one: choose another"
    `);
  });
});
