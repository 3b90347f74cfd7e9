import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkProject } from "../../src/compiler/compile.ts";
import { planOf, REPO_ROOT, withProject } from "./project.ts";

const DEFAULT_RETRIES = { limit: 3, delayMs: 1000, backoff: "exponential", maxDelayMs: 300_000, jitter: true };

async function retriesOf(task: string, defaults = ""): Promise<unknown> {
  const plan = await planOf(`${defaults}tasks:\n  t: {method: a, ${task}}\n`);
  return plan.tasks["t"]?.retries;
}

describe("the plan", () => {
  it("the plan fills in every default", async () => {
    const plan = await planOf("tasks:\n  t: {method: a}\nendpoints:\n  e: {method: handle}\n");
    expect({ ...plan, version: "", tasks: { ...plan.tasks } }).toStrictEqual({
      version: "",
      codops: "default",
      onFailure: null,
      retentionMs: 30 * 86_400_000,
      inlineLimitBytes: 32_768,
      tasks: {
        t: {
          name: "t",
          method: "a",
          module: "tasks",
          description: null,
          downstream: [],
          upstream: [],
          runIf: "all_success",
          retries: DEFAULT_RETRIES,
          timeoutMs: 25_000,
          external: false,
          each: null,
          debounce: null,
          limits: null,
          dispatch: "queue",
          on: { r2: [], events: [] },
          schedules: [],
        },
      },
      endpoints: [
        {
          name: "e",
          method: "handle",
          url: "/e",
          methods: null,
          auth: { type: "none" },
          maxBodyBytes: 10_485_760,
          timeoutMs: 30_000,
          fallback: null,
          cors: null,
          rateLimit: null,
          redact: [],
        },
      ],
      buckets: { uploads: "UPLOADS" },
    });
  });

  it("the plan takes every key that this version runs", async () => {
    const fixture = join(REPO_ROOT, "test/compiler/fixtures/valid");
    const { compiled } = checkProject({
      projectRoot: REPO_ROOT,
      confPath: join(fixture, "peach.conf"),
      pipelinesDir: join(fixture, "pipelines"),
      wranglerPath: join(fixture, "wrangler.toml"),
    });
    expect(compiled?.plan).toMatchInlineSnapshot(`
      {
        "buckets": {
          "uploads": "UPLOADS",
        },
        "codops": "srg",
        "endpoints": [
          {
            "auth": {
              "type": "none",
            },
            "cors": {
              "origins": [
                "https://example.org",
              ],
            },
            "fallback": "sorry",
            "maxBodyBytes": 1048576,
            "method": "webhook_handler",
            "methods": [
              "POST",
            ],
            "name": "webhook",
            "rateLimit": {
              "by": {
                "name": "x-client",
                "type": "header",
              },
              "limit": 60,
              "perMs": 60000,
            },
            "redact": [
              [
                "user",
                "email",
              ],
              [
                "items",
                "*",
                "email",
              ],
            ],
            "timeoutMs": 2000,
            "url": "/hooks/:kind",
          },
          {
            "auth": {
              "type": "none",
            },
            "cors": null,
            "fallback": null,
            "maxBodyBytes": 10485760,
            "method": "webhook_handler",
            "methods": null,
            "name": "recommendations",
            "rateLimit": null,
            "redact": [],
            "timeoutMs": 30000,
            "url": "/recommendations",
          },
        ],
        "inlineLimitBytes": 0,
        "onFailure": null,
        "retentionMs": 604800000,
        "tasks": {
          "archive": {
            "debounce": null,
            "description": null,
            "dispatch": "queue",
            "downstream": [
              "done",
            ],
            "each": {
              "maxParallel": 8,
              "onError": "continue",
            },
            "external": false,
            "limits": null,
            "method": "archive_task",
            "module": "tasks",
            "name": "archive",
            "on": {
              "events": [],
              "r2": [],
            },
            "retries": {
              "backoff": "exponential",
              "delayMs": 1000,
              "jitter": true,
              "limit": 2,
              "maxDelayMs": 300000,
            },
            "runIf": "all_success",
            "schedules": [],
            "timeoutMs": 25000,
            "upstream": [
              "transcribe",
            ],
          },
          "done": {
            "debounce": null,
            "description": null,
            "dispatch": "direct",
            "downstream": [],
            "each": null,
            "external": false,
            "limits": null,
            "method": "done_task",
            "module": "tasks",
            "name": "done",
            "on": {
              "events": [],
              "r2": [],
            },
            "retries": {
              "backoff": "exponential",
              "delayMs": 1000,
              "jitter": true,
              "limit": 0,
              "maxDelayMs": 300000,
            },
            "runIf": "all_success",
            "schedules": [],
            "timeoutMs": 25000,
            "upstream": [
              "recommend",
              "archive",
            ],
          },
          "recommend": {
            "debounce": null,
            "description": null,
            "dispatch": "queue",
            "downstream": [
              "done",
            ],
            "each": null,
            "external": false,
            "limits": null,
            "method": "sub/recommend#recommend_task",
            "name": "recommend",
            "on": {
              "events": [],
              "r2": [],
            },
            "retries": {
              "backoff": "exponential",
              "delayMs": 1000,
              "jitter": true,
              "limit": 2,
              "maxDelayMs": 300000,
            },
            "runIf": "all_success",
            "schedules": [],
            "timeoutMs": 25000,
            "upstream": [
              "transcribe",
            ],
          },
          "transcribe": {
            "debounce": null,
            "description": "Speech to text",
            "dispatch": "queue",
            "downstream": [
              "recommend",
              "archive",
            ],
            "each": null,
            "external": false,
            "limits": null,
            "method": "transcribe_task",
            "module": "tasks",
            "name": "transcribe",
            "on": {
              "events": [],
              "r2": [
                {
                  "actions": [
                    "create",
                  ],
                  "bucket": "uploads",
                  "prefix": "audio/",
                  "suffix": ".mp3",
                },
              ],
            },
            "retries": {
              "backoff": "linear",
              "delayMs": 2000,
              "jitter": true,
              "limit": 2,
              "maxDelayMs": 300000,
            },
            "runIf": "all_success",
            "schedules": [],
            "timeoutMs": 600000,
            "upstream": [],
          },
        },
        "version": "ced6b5eeedf4",
      }
    `);
  });

  it("the plan has tasks in file order, each with its upstream tasks in file order, and no other name", async () => {
    const plan = await planOf(
      "tasks:\n  z: {method: a, downstream: [m, a]}\n  a: {method: b}\n  m: {method: c, downstream: a}\n",
    );
    expect(Object.keys(plan.tasks)).toEqual(["z", "a", "m"]);
    expect(plan.tasks["a"]?.upstream).toEqual(["z", "m"]);
    expect(plan.tasks["constructor"]).toBeUndefined();
  });

  it("the plan gives each task the retries that it names, else those of the file, else Peach's", async () => {
    expect(await retriesOf("retries: 0")).toEqual({ ...DEFAULT_RETRIES, limit: 0 });
    expect(await retriesOf("retries: {backoff: linear}", "defaults: {retries: {limit: 7, jitter: false}}\n")).toEqual({
      ...DEFAULT_RETRIES,
      limit: 7,
      jitter: false,
      backoff: "linear",
    });
  });

  it("the plan raises the default maximum to a longer delay", async () => {
    expect(await retriesOf("retries: {delay: 1h}")).toEqual({
      ...DEFAULT_RETRIES,
      delayMs: 3_600_000,
      maxDelayMs: 3_600_000,
    });
  });

  it("the plan accepts values of later keys that ask for nothing new", async () => {
    const plan = await planOf(
      "tasks:\n  t: {method: a, run_if: all_success, external: false}\nendpoints:\n  e: {method: handle, auth: none}\n",
    );
    expect(Object.keys(plan.tasks)).toEqual(["t"]);
  });

  it.each([
    ["none", { type: "none" }],
    ["token", { type: "token" }],
    [
      "{signature: standard-webhooks, secret: S}",
      { type: "signature", scheme: "standard-webhooks", secret: "S", toleranceMs: 300_000 },
    ],
    [
      "{signature: stripe, secret: S, tolerance: 90s}",
      { type: "signature", scheme: "stripe", secret: "S", toleranceMs: 90_000 },
    ],
    ["{signature: slack, secret: S}", { type: "signature", scheme: "slack", secret: "S", toleranceMs: 300_000 }],
    ["{signature: github, secret: S}", { type: "signature", scheme: "github", secret: "S" }],
    [
      "{signature: hmac-sha256, secret: S}",
      { type: "signature", scheme: "hmac-sha256", secret: "S", header: "x-signature" },
    ],
    [
      "{signature: hmac-sha256, secret: S, header: X-Mine}",
      { type: "signature", scheme: "hmac-sha256", secret: "S", header: "x-mine" },
    ],
    [
      "{signature: sns, topics: arn:aws:sns:eu-west-1:123456789012:uploads.fifo}",
      {
        type: "signature",
        scheme: "sns",
        topics: ["arn:aws:sns:eu-west-1:123456789012:uploads.fifo"],
        toleranceMs: 3_600_000,
      },
    ],
  ])("the plan has the auth of an endpoint, with the defaults of its scheme: %s", async (auth, compiled) => {
    const plan = await planOf(`endpoints:\n  e: {method: handle, auth: ${auth}}\n`);
    expect(plan.endpoints[0]?.auth).toEqual(compiled);
  });

  it("the plan has urls decoded, as requests are matched", async () => {
    const plan = await planOf("endpoints:\n  e: {method: handle, url: /a%20b/%C3%BC/:id}\n");
    expect(plan.endpoints[0]?.url).toBe("/a b/ü/:id");
  });

  it("the plan has the rate limit of an endpoint, by address unless it says otherwise", async () => {
    const by = async (text: string): Promise<unknown> =>
      (await planOf(`endpoints:\n  e: {method: handle, auth: token, rate_limit: {limit: 9, per: 1m${text}}}\n`))
        .endpoints[0]?.rateLimit;
    expect(await by("")).toEqual({ limit: 9, perMs: 60_000, by: { type: "ip" } });
    expect(await by(", by: token")).toMatchObject({ by: { type: "token" } });
    expect(await by(", by: header.X-Client")).toMatchObject({ by: { type: "header", name: "x-client" } });
    expect(await by(", by: query.client.id")).toMatchObject({ by: { type: "query", name: "client.id" } });
  });

  it("the plan has a version that changes with its content only", async () => {
    const plain = await planOf("tasks:\n  t: {method: a}\n");
    const commented = await planOf("# the same\ntasks:\n  t:\n    method: a\n    timeout: 25s\n");
    const other = await planOf("tasks:\n  t: {method: a, timeout: 24s}\n");
    expect(plain.version).toMatch(/^[0-9a-f]{12}$/);
    expect(commented.version).toBe(plain.version);
    expect(other.version).not.toBe(plain.version);
  });

  it("the plan understands anchors, merge keys, CRLF and a byte order mark", async () => {
    const conf =
      "\uFEFFtasks:\r\n  t: &base\r\n    method: a\r\n    timeout: 3s\r\n  u:\r\n    <<: *base\r\n    method: b\r\n";
    const { tasks } = await planOf(conf);
    expect([tasks["u"]?.method, tasks["u"]?.timeoutMs]).toEqual(["b", 3000]);
  });

  it("the plan binds buckets by itself where the caller says so", async () => {
    const conf = "tasks:\n  t: {method: a, on: {r2: [{bucket: 9-news}, {bucket: uploads}]}}\n";
    await withProject({ conf }, (paths) => {
      const { compiled } = checkProject(paths, { acceptUnboundBuckets: true });
      expect(compiled?.unboundBuckets).toEqual([{ bucket: "9-news", binding: "BUCKET_9_NEWS" }]);
      expect(compiled?.plan.buckets).toEqual({ uploads: "UPLOADS", "9-news": "BUCKET_9_NEWS" });
    });
  });
});

it("the conf that ships compiles", () => {
  const { diagnostics } = checkProject({
    projectRoot: REPO_ROOT,
    confPath: join(REPO_ROOT, "peach.conf.example"),
    pipelinesDir: join(REPO_ROOT, "src/pipelines"),
    wranglerPath: join(REPO_ROOT, "wrangler.toml"),
  });
  expect(diagnostics).toEqual([]);
  expect(readFileSync(join(REPO_ROOT, "peach.conf.example"), "utf8")).not.toContain("\t");
});
