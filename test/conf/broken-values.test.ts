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

  it("is reported when the conf has signatures that cannot be verified", async () => {
    const conf = `endpoints:
  no_secret: {method: handle, auth: {signature: github}}
  no_scheme: {method: handle, auth: {secret: A}}
  unknown: {method: handle, auth: {signature: githb, secret: A}}
  itself: {method: handle, auth: {signature: stripe, secret: whsec_abc}}
  other_header: {method: handle, auth: {signature: github, secret: A, header: x-mine}}
  no_header: {method: handle, auth: {signature: hmac-sha256, secret: A, header: "x mine"}}
  untimed: {method: handle, auth: {signature: hmac-sha256, secret: A, tolerance: 5m}}
  no_duration: {method: handle, auth: {signature: slack, secret: A, tolerance: 5}}
  too_long: {method: handle, auth: {signature: slack, secret: A, tolerance: 2d}}
  large: {method: handle, max_body: 26MB, auth: {signature: slack, secret: A}}
  by_token: {method: handle, rate_limit: {limit: 1, per: 1m, by: token}}
  by_what: {method: handle, rate_limit: {limit: 0, per: 2d, by: cookie.a}}
  too_slow: {method: handle, timeout: 6m}
  encoded: {method: handle, url: /a%2Fb}
  broken: {method: handle, url: /a%zz}
  no_topics: {method: handle, auth: {signature: sns}}
  no_topic: {method: handle, auth: {signature: sns, topics: [uploads]}}
  sns_secret: {method: handle, auth: {signature: sns, topics: "arn:aws:sns:eu-west-1:123456789012:a", secret: A}}
  topics: {method: handle, auth: {signature: github, secret: A, topics: "arn:aws:sns:eu-west-1:123456789012:a"}}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:31: endpoints.no_secret.auth: \`secret\` is missing
        2 |   no_secret: {method: handle, auth: {signature: github}}
          |                               ^^^^

      peach.conf:3:31: endpoints.no_scheme.auth: \`signature\` is missing
        3 |   no_scheme: {method: handle, auth: {secret: A}}
          |                               ^^^^

      peach.conf:4:47: endpoints.unknown.auth.signature: expected one of standard-webhooks, github, stripe, slack, hmac-sha256, sns, given githb
        4 |   unknown: {method: handle, auth: {signature: githb, secret: A}}
          |                                               ^^^^^
        hint: did you mean github?

      peach.conf:5:62: endpoints.itself.auth.secret: expected the name of an environment variable, such as GITHUB_SECRET (not the secret itself), given whsec_abc
        5 |   itself: {method: handle, auth: {signature: stripe, secret: whsec_abc}}
          |                                                              ^^^^^^^^^

      peach.conf:6:71: endpoints.other_header.auth.header: github has no \`header\`
        6 |   other_header: {method: handle, auth: {signature: github, secret: A, header: x-mine}}
          |                                                                       ^^^^^^
        hint: remove it: only hmac-sha256 lets you choose the header, the others define theirs

      peach.conf:7:81: endpoints.no_header.auth.header: expected the name of a header, such as x-signature, given "x mine"
        7 |   no_header: {method: handle, auth: {signature: hmac-sha256, secret: A, header: "x mine"}}
          |                                                                                 ^^^^^^^^

      peach.conf:8:71: endpoints.untimed.auth.tolerance: hmac-sha256 has no \`tolerance\`
        8 |   untimed: {method: handle, auth: {signature: hmac-sha256, secret: A, tolerance: 5m}}
          |                                                                       ^^^^^^^^^
        hint: remove it: only standard-webhooks, stripe, slack, sns sign the time of a delivery

      peach.conf:9:80: endpoints.no_duration.auth.tolerance: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 5
        9 |   no_duration: {method: handle, auth: {signature: slack, secret: A, tolerance: 5}}
          |                                                                                ^

      peach.conf:10:77: endpoints.too_long.auth.tolerance: expected a duration of at most 1d, given 2d
        10 |   too_long: {method: handle, auth: {signature: slack, secret: A, tolerance: 2d}}
           |                                                                             ^^

      peach.conf:11:37: endpoints.large.max_body: expected a size of at most 25MB beside a signature, given 26MB
        11 |   large: {method: handle, max_body: 26MB, auth: {signature: slack, secret: A}}
           |                                     ^^^^
        hint: the whole body is held in memory to be verified; have large data uploaded, and its address sent

      peach.conf:12:66: endpoints.by_token.rate_limit.by: token is for endpoints with \`auth: token\`
        12 |   by_token: {method: handle, rate_limit: {limit: 1, per: 1m, by: token}}
           |                                                                  ^^^^^
        hint: add that, or count by ip, header.NAME or query.NAME

      peach.conf:13:49: endpoints.by_what.rate_limit.limit: expected a whole number from 1 to 1000000, given 0
        13 |   by_what: {method: handle, rate_limit: {limit: 0, per: 2d, by: cookie.a}}
           |                                                 ^

      peach.conf:13:57: endpoints.by_what.rate_limit.per: expected a duration of at most 1d, given 2d
        13 |   by_what: {method: handle, rate_limit: {limit: 0, per: 2d, by: cookie.a}}
           |                                                         ^^

      peach.conf:13:65: endpoints.by_what.rate_limit.by: expected ip, token, header.NAME or query.NAME, given cookie.a
        13 |   by_what: {method: handle, rate_limit: {limit: 0, per: 2d, by: cookie.a}}
           |                                                                 ^^^^^^^^

      peach.conf:14:39: endpoints.too_slow.timeout: expected a duration of at most 5m, given 6m
        14 |   too_slow: {method: handle, timeout: 6m}
           |                                       ^^
        hint: whoever called does not wait longer; let a task do the work

      peach.conf:15:34: endpoints.encoded.url: expected a path whose percent-encoding is that of UTF-8, and of none of / : * ? { }, given /a%2Fb
        15 |   encoded: {method: handle, url: /a%2Fb}
           |                                  ^^^^^^

      peach.conf:16:33: endpoints.broken.url: expected a path whose percent-encoding is that of UTF-8, and of none of / : * ? { }, given /a%zz
        16 |   broken: {method: handle, url: /a%zz}
           |                                 ^^^^^

      peach.conf:17:31: endpoints.no_topics.auth: \`topics\` is missing
        17 |   no_topics: {method: handle, auth: {signature: sns}}
           |                               ^^^^

      peach.conf:18:62: endpoints.no_topic.auth.topics[0]: expected the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:uploads, given uploads
        18 |   no_topic: {method: handle, auth: {signature: sns, topics: [uploads]}}
           |                                                              ^^^^^^^

      peach.conf:19:103: endpoints.sns_secret.auth.secret: sns has no \`secret\`
        19 |   sns_secret: {method: handle, auth: {signature: sns, topics: "arn:aws:sns:eu-west-1:123456789012:a", secret: A}}
           |                                                                                                       ^^^^^^
        hint: remove it: SNS signs under a certificate, and \`topics\` says whose messages are taken

      peach.conf:20:65: endpoints.topics.auth.topics: github has no \`topics\`
        20 |   topics: {method: handle, auth: {signature: github, secret: A, topics: "arn:aws:sns:eu-west-1:123456789012:a"}}
           |                                                                 ^^^^^^
        hint: remove it: only sns signs messages of topics"
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

  it("is reported when the conf has keys merged from what has merged them itself", async () => {
    const conf = `tasks:
  t: &base
    method: a
  u: &other
    <<: *base
    timeout: 20m
  v:
    <<: *other
`;
    expect(await problemsOf(conf)).toContain("peach.conf:6:14: tasks.v.timeout: expected a duration of at most 14m");
    expect(await problemsOf(conf.replace("method: a", "speed: 1"))).toContain(
      "peach.conf:3:5: tasks.v.speed: unknown key",
    );
  });
});
