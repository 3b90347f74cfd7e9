import { describe, expect, it } from "vitest";
import { problemsOf } from "./project.ts";

// A conf per kind of problem, with the exact text that its author reads.

describe("values", () => {
  it("is reported when the conf has durations that are none", async () => {
    const conf = `tasks:
  t:
    method: a
    timeout: 10 minutes
    retries: {delay: 5, max_delay: 1.5s}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:14: tasks.t.timeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 10 minutes
        4 |     timeout: 10 minutes
          |              ^^^^^^^^^^

      peach.conf:5:22: tasks.t.retries.delay: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 5
        5 |     retries: {delay: 5, max_delay: 1.5s}
          |                      ^

      peach.conf:5:36: tasks.t.retries.max_delay: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 1.5s
        5 |     retries: {delay: 5, max_delay: 1.5s}
          |                                    ^^^^"
    `);
  });

  it("is reported when the conf has a timeout above 14m", async () => {
    const conf = `tasks:
  t:
    method: a
    timeout: 15m
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:14: tasks.t.timeout: expected a duration of at most 14m, given 15m
        4 |     timeout: 15m
          |              ^^^
        hint: work that takes longer is done elsewhere and reported back: that is what \`external\` tasks are for"
    `);
  });

  it("is reported when the conf has a timeout of nothing", async () => {
    const conf = `tasks:
  t:
    method: a
    timeout: 0s
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:14: tasks.t.timeout: expected a duration of at least 1ms, given 0s
        4 |     timeout: 0s
          |              ^^"
    `);
  });

  it("is reported when the conf has sizes that are none or too large", async () => {
    const conf = `inline_limit: 257KB
endpoints:
  e: {method: handle, max_body: 10mb}
  f: {method: handle, max_body: 101MB}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:15: inline_limit: expected a size of at most 256KB, given 257KB
        1 | inline_limit: 257KB
          |               ^^^^^
        hint: larger payloads go to R2, where any size is fine

      peach.conf:3:33: endpoints.e.max_body: expected a size such as 0B, 64KB or 10MB, given 10mb
        3 |   e: {method: handle, max_body: 10mb}
          |                                 ^^^^

      peach.conf:4:33: endpoints.f.max_body: expected a size of at most 100MB, given 101MB
        4 |   f: {method: handle, max_body: 101MB}
          |                                 ^^^^^"
    `);
  });

  it("is reported when the conf has wrong types", async () => {
    const conf = `codops: [a]
retention: 7
tasks:
  t:
    method: a
    description: 5
    downstream: {b: 1}
    dispatch: fast
    retries: {limit: many, jitter: 1, backoff: expo}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:9: codops: expected a short text, given a list
        1 | codops: [a]
          |         ^^^

      peach.conf:2:12: retention: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 7
        2 | retention: 7
          |            ^

      peach.conf:6:18: tasks.t.description: expected a text, given 5
        6 |     description: 5
          |                  ^

      peach.conf:7:17: tasks.t.downstream: expected the name of a task, given a mapping
        7 |     downstream: {b: 1}
          |                 ^^^^^^

      peach.conf:8:15: tasks.t.dispatch: expected one of queue, direct, given fast
        8 |     dispatch: fast
          |               ^^^^

      peach.conf:9:22: tasks.t.retries.limit: expected a whole number from 0 to 100, given many
        9 |     retries: {limit: many, jitter: 1, backoff: expo}
          |                      ^^^^

      peach.conf:9:36: tasks.t.retries.jitter: expected true or false, given 1
        9 |     retries: {limit: many, jitter: 1, backoff: expo}
          |                                    ^

      peach.conf:9:48: tasks.t.retries.backoff: expected one of exponential, linear, constant, given expo
        9 |     retries: {limit: many, jitter: 1, backoff: expo}
          |                                                ^^^^
        hint: did you mean exponential?"
    `);
  });

  it("is reported when the conf has retries out of range", async () => {
    const conf = `tasks:
  t:
    method: a
    retries: 101
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:14: tasks.t.retries: expected a whole number from 0 to 100, given 101
        4 |     retries: 101
          |              ^^^"
    `);
  });

  it("is reported when the conf has a delay above its max_delay", async () => {
    const conf = `tasks:
  t:
    method: a
    retries: {delay: 10m, max_delay: 1m}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:22: tasks.t.retries.delay: expected a delay of at most max_delay, given 10m
        4 |     retries: {delay: 10m, max_delay: 1m}
          |                      ^^^"
    `);
  });

  it("is reported when the conf has wrong r2 rules", async () => {
    const conf = `tasks:
  t:
    method: a
    on:
      r2: [{prefix: a/}, {bucket: uploads, actions: [created]}, uploads]
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:5:12: tasks.t.on.r2[0]: \`bucket\` is missing
        5 |       r2: [{prefix: a/}, {bucket: uploads, actions: [created]}, uploads]
          |            ^^^^^^^^^^^^

      peach.conf:5:54: tasks.t.on.r2[1].actions[0]: expected one of create, delete, given created
        5 |       r2: [{prefix: a/}, {bucket: uploads, actions: [created]}, uploads]
          |                                                      ^^^^^^^
        hint: did you mean create?

      peach.conf:5:65: tasks.t.on.r2[2]: expected a mapping, given uploads
        5 |       r2: [{prefix: a/}, {bucket: uploads, actions: [created]}, uploads]
          |                                                                 ^^^^^^^
        hint: allowed keys: bucket, prefix, suffix, actions"
    `);
  });

  it("is reported when the conf has an endpoint with wrong values", async () => {
    const conf = `endpoints:
  e:
    method: handle
    url: hooks
    methods: [post, FETCH]
    auth: basic
    cors: {origins: [example.org]}
    fallback: 3
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:10: endpoints.e.url: expected a path that begins with / and holds texts or :params, such as /hooks/:kind, given hooks
        4 |     url: hooks
          |          ^^^^^

      peach.conf:5:15: endpoints.e.methods[0]: expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, given post
        5 |     methods: [post, FETCH]
          |               ^^^^
        hint: did you mean POST?

      peach.conf:5:21: endpoints.e.methods[1]: expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, given FETCH
        5 |     methods: [post, FETCH]
          |                     ^^^^^
        hint: did you mean PATCH?

      peach.conf:6:5: endpoints.e.auth: this version of Peach does not run \`auth\` other than \`none\` yet
        6 |     auth: basic
          |     ^^^^
        hint: remove it: endpoints are open; check a signature or a token in the method

      peach.conf:6:11: endpoints.e.auth: expected one of none, token, given basic
        6 |     auth: basic
          |           ^^^^^

      peach.conf:7:22: endpoints.e.cors.origins[0]: expected an origin such as https://example.org, or *, given example.org
        7 |     cors: {origins: [example.org]}
          |                      ^^^^^^^^^^^

      peach.conf:8:15: endpoints.e.fallback: expected the name of an exported function, given 3
        8 |     fallback: 3
          |               ^"
    `);
  });

  it("is reported when the conf has merged keys with a problem in the anchor", async () => {
    const conf = `tasks:
  t: &base
    method: a
    timeout: 20m
  u:
    <<: *base
    method: b
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:14: tasks.t.timeout: expected a duration of at most 14m, given 20m
        4 |     timeout: 20m
          |              ^^^
        hint: work that takes longer is done elsewhere and reported back: that is what \`external\` tasks are for

      peach.conf:4:14: tasks.u.timeout: expected a duration of at most 14m, given 20m
        4 |     timeout: 20m
          |              ^^^
        hint: work that takes longer is done elsewhere and reported back: that is what \`external\` tasks are for"
    `);
  });
});
