import { describe, expect, it } from "vitest";
import { problemsOf } from "./project.ts";

// A conf per kind of problem, with the exact text that its author reads.

describe("the graph", () => {
  it("is reported when the conf names an unknown task as downstream", async () => {
    const conf = `tasks:
  transcribe: {method: a, downstream: [recomend, publish]}
  recommend: {method: b}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:40: tasks.transcribe.downstream: no task is called \`recomend\`
        2 |   transcribe: {method: a, downstream: [recomend, publish]}
          |                                        ^^^^^^^^
        hint: did you mean \`recommend\`? tasks: transcribe, recommend

      peach.conf:2:50: tasks.transcribe.downstream: no task is called \`publish\`
        2 |   transcribe: {method: a, downstream: [recomend, publish]}
          |                                                  ^^^^^^^
        hint: tasks: transcribe, recommend"
    `);
  });

  it("is reported when the conf has a task downstream of itself", async () => {
    const conf = `tasks:
  t:
    method: a
    downstream: t
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:17: tasks.t.downstream: a task cannot be downstream of itself
        4 |     downstream: t
          |                 ^
        hint: to run it again, trigger it from its method with triggerTaskWithEvent: that is a new run"
    `);
  });

  it("is reported when the conf names a downstream task twice", async () => {
    const conf = `tasks:
  t: {method: a, downstream: [u, u]}
  u: {method: b}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:34: tasks.t.downstream: \`u\` is named twice
        2 |   t: {method: a, downstream: [u, u]}
          |                                  ^
        hint: a task is started once, however often it is named: remove one"
    `);
  });

  it("is reported when the conf has a cycle", async () => {
    const conf = `tasks:
  first: {method: a, downstream: [second]}
  second:
    method: b
    downstream:
      - third
      - other
  third: {method: c, downstream: first}
  other: {method: d}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:35: tasks.first.downstream: these tasks wait for each other: first → second → third → first
        2 |   first: {method: a, downstream: [second]}
          |                                   ^^^^^^
        peach.conf:6:9: then second → third
        6 |       - third
          |         ^^^^^
        peach.conf:8:34: then third → first
        8 |   third: {method: c, downstream: first}
          |                                  ^^^^^
        hint: remove one of these edges; to go round on purpose, trigger the first task from the last one's method: that is a new run"
    `);
  });

  it("is reported when the conf has two cycles", async () => {
    const conf = `tasks:
  t: {method: a, downstream: [u, v]}
  u: {method: b, downstream: [t]}
  v: {method: c, downstream: [w]}
  w: {method: d, downstream: [v]}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:31: tasks.t.downstream: these tasks wait for each other: t → u → t
        2 |   t: {method: a, downstream: [u, v]}
          |                               ^
        peach.conf:3:31: then u → t
        3 |   u: {method: b, downstream: [t]}
          |                               ^
        hint: remove one of these edges; to go round on purpose, trigger the first task from the last one's method: that is a new run

      peach.conf:4:31: tasks.v.downstream: these tasks wait for each other: v → w → v
        4 |   v: {method: c, downstream: [w]}
          |                               ^
        peach.conf:5:31: then w → v
        5 |   w: {method: d, downstream: [v]}
          |                               ^
        hint: remove one of these edges; to go round on purpose, trigger the first task from the last one's method: that is a new run"
    `);
  });
});

describe("endpoints among each other", () => {
  it("is reported when the conf has two endpoints with one url and overlapping methods", async () => {
    const conf = `endpoints:
  e: {method: handle, url: /x/:id, methods: [GET, POST]}
  f: {method: handle, url: /x/:name, methods: [POST, PUT]}
  g: {method: handle, url: /x/:other, methods: [DELETE]}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:3:28: endpoints.f.url: /x/:name is taken: the endpoint \`e\` answers POST there
        3 |   f: {method: handle, url: /x/:name, methods: [POST, PUT]}
          |                            ^^^^^^^^
        peach.conf:2:23: \`e\` is here
        2 |   e: {method: handle, url: /x/:id, methods: [GET, POST]}
          |                       ^^^
        hint: give one of them another url, or \`methods\` that the other has not"
    `);
  });

  it("is reported when the conf has an endpoint at the default url of another", async () => {
    const conf = `endpoints:
  e: {method: handle, url: /f}
  f: {method: handle}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:3:3: endpoints.f: its url /f is taken: the endpoint \`e\` answers every method there
        3 |   f: {method: handle}
          |   ^
        peach.conf:2:23: \`e\` is here
        2 |   e: {method: handle, url: /f}
          |                       ^^^
        hint: give one of them another url, or \`methods\` that the other has not"
    `);
  });

  it("is reported when the conf has reserved urls", async () => {
    const conf = `endpoints:
  e: {method: handle, url: /api/v1/tasks}
  healthz: {method: handle}
  f: {method: handle, url: /dev/r2}
  g: {method: handle, url: /api/v10}
  dashboard: {method: handle}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:28: endpoints.e.url: /api/v1/tasks is reserved: Peach itself serves /api/v1
        2 |   e: {method: handle, url: /api/v1/tasks}
          |                            ^^^^^^^^^^^^^
        hint: choose a url outside /api/v1, /healthz, /dashboard, /dev, /complete, /mcp, /llms.txt

      peach.conf:3:3: endpoints.healthz: its url /healthz is reserved: Peach itself serves /healthz
        3 |   healthz: {method: handle}
          |   ^^^^^^^
        hint: choose a url outside /api/v1, /healthz, /dashboard, /dev, /complete, /mcp, /llms.txt

      peach.conf:4:28: endpoints.f.url: /dev/r2 is reserved: Peach itself serves /dev
        4 |   f: {method: handle, url: /dev/r2}
          |                            ^^^^^^^
        hint: choose a url outside /api/v1, /healthz, /dashboard, /dev, /complete, /mcp, /llms.txt

      peach.conf:6:3: endpoints.dashboard: its url /dashboard is reserved: Peach itself serves /dashboard
        6 |   dashboard: {method: handle}
          |   ^^^^^^^^^
        hint: choose a url outside /api/v1, /healthz, /dashboard, /dev, /complete, /mcp, /llms.txt"
    `);
  });

  it("is reported when the conf names a param and a method twice", async () => {
    const conf = `endpoints:
  e: {method: handle, url: "/:x/:x", methods: [GET, GET]}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:28: endpoints.e.url: /:x/:x names the param :x twice
        2 |   e: {method: handle, url: "/:x/:x", methods: [GET, GET]}
          |                            ^^^^^^^^
        hint: give each param a name of its own

      peach.conf:2:53: endpoints.e.methods: GET is named twice
        2 |   e: {method: handle, url: "/:x/:x", methods: [GET, GET]}
          |                                                     ^^^
        hint: remove one"
    `);
  });
});

describe("buckets", () => {
  it("is reported when the conf names a bucket that wrangler.toml does not bind", async () => {
    const conf = `tasks:
  t:
    method: a
    on: {r2: {bucket: news-audio}}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:23: tasks.t.on.r2: wrangler.toml binds no bucket called \`news-audio\`
        4 |     on: {r2: {bucket: news-audio}}
          |                       ^^^^^^^^^^
        hint: add these lines to wrangler.toml:
          [[r2_buckets]]
          binding = "NEWS_AUDIO"
          bucket_name = "news-audio""
    `);
  });

  it("is reported when the conf names a bucket that is nearly bound", async () => {
    const conf = `tasks:
  t:
    method: a
    on:
      r2: {bucket: upload}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:5:20: tasks.t.on.r2: wrangler.toml binds no bucket called \`upload\`
        5 |       r2: {bucket: upload}
          |                    ^^^^^^
        hint: did you mean \`uploads\`? If not, add these lines to wrangler.toml:
          [[r2_buckets]]
          binding = "UPLOAD"
          bucket_name = "upload""
    `);
  });

  it("is reported when the conf meets a wrangler.toml that is no TOML", async () => {
    const conf = `tasks:
  t:
    method: a
`;
    expect(await problemsOf(conf, { wrangler: "name = \n" })).toMatchInlineSnapshot(`
      "wrangler.toml:1:8: this is no TOML: invalid value
        1 | name = 
          |        ^"
    `);
  });
});

describe("on_failure", () => {
  it("names a task that there is", async () => {
    const conf = `on_failure: alert_editor
tasks:
  alert_editors:
    method: a
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:13: on_failure: no task is called \`alert_editor\`
        1 | on_failure: alert_editor
          |             ^^^^^^^^^^^^
        hint: did you mean \`alert_editors\`? tasks: alert_editors"
    `);
  });
});
