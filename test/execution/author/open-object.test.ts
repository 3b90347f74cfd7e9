import { createExecutionContext } from "cloudflare:test";
import { env } from "../../support/env.ts";
import { AwsV4Signer } from "aws4fetch";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runInScope } from "../../../src/execution/author/context.ts";
import { EndpointScope } from "../../../src/execution/author/endpoint-scope.ts";
import { acceptTrigger, emitEvent, plan } from "../../support/deployed.ts";
import { openObject, type OpenedObject } from "../../../src/task-helpers.ts";
import { attempt } from "../../support/attempt.ts";
import { endpointPlan, planOf, taskPlan } from "../../support/plan.ts";

const SECRETS = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  AWS_REGION: "eu-central-1",
};

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a task gets that opens this object with these secrets, or how it fails. */
async function open(uri: string, secrets: Partial<Env> = {}) {
  let opened: OpenedObject | null = null;
  let text = "";
  const method = async () => {
    opened = await openObject(uri);
    text = await new Response(opened.body).text();
  };
  const { outcome } = (await attempt(method, {}, { env: { ...env, ...secrets } })).settlement;
  return { ...Object(opened), text, outcome };
}

/** A store that answers each request so; the requests that came. */
function store(...answers: readonly (() => Response)[]): Request[] {
  const requests: Request[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    requests.push(new Request(input, init));
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer === undefined) throw new Error("the store has no answer");
    return answer();
  });
  return requests;
}

function found(): Response {
  return new Response("abc", {
    headers: { "Content-Type": "audio/mpeg", "Content-Length": "3", ETag: '"900150983cd24fb0d6963f7d28e17f72"' },
  });
}

function refused(status: number, code: string): () => Response {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Said by the store</Message></Error>`;
  return () => new Response(body, { status });
}

describe("an object of a bucket that wrangler.toml binds", () => {
  it("an object of a bucket that wrangler.toml binds is a stream with its size, etag and type", async () => {
    await env.UPLOADS.put("open/a b+c.mp3", "abc", { httpMetadata: { contentType: "audio/mpeg" } });
    expect(await open("s3://uploads/open/a b+c.mp3")).toMatchObject({
      text: "abc",
      size: 3,
      etag: "900150983cd24fb0d6963f7d28e17f72",
      contentType: "audio/mpeg",
    });
  });

  it("an object of a bucket that wrangler.toml binds is of no known type where it was put without one, and can be empty", async () => {
    await env.UPLOADS.put("open/empty", "");
    expect(await open("s3://uploads/open/empty")).toMatchObject({
      text: "",
      size: 0,
      contentType: "application/octet-stream",
    });
  });

  it("an object of a bucket that wrangler.toml binds fails the task for good if it is not there", async () => {
    expect((await open("s3://uploads/open/none")).outcome).toMatchObject({
      type: "failed",
      retryable: false,
      error: { name: "NonRetryableError", message: "There is no object s3://uploads/open/none." },
    });
  });

  it("an object of a bucket that wrangler.toml binds can be opened in an endpoint too", async () => {
    await env.UPLOADS.put("open/a", "abc");
    const call = { name: "hook", params: {}, requestId: "r", source: "endpoint", delivery: null } as const;
    const port = { env, lifetime: createExecutionContext(), accept: acceptTrigger, emit: emitEvent, plan };
    const scope = new EndpointScope({ ...call, triggered: () => undefined }, port);
    const opened = await runInScope(scope, () => openObject("s3://uploads/open/a"));
    expect(await new Response(opened.body).text()).toBe("abc");
  });
});

describe("an object of another bucket", () => {
  it("an object of another bucket is asked of S3 in the region, with a signature that S3 can verify", async () => {
    const requests = store(found);
    expect(await open("s3://broadcasts/audio/a b+c (1).mp3", SECRETS)).toMatchObject({
      text: "abc",
      size: 3,
      etag: "900150983cd24fb0d6963f7d28e17f72",
      contentType: "audio/mpeg",
    });
    const [request] = requests;
    expect(request?.url).toBe("https://s3.eu-central-1.amazonaws.com/broadcasts/audio/a%20b%2Bc%20%281%29.mp3");
    const signer = new AwsV4Signer({
      url: request?.url ?? "",
      accessKeyId: SECRETS.AWS_ACCESS_KEY_ID,
      secretAccessKey: SECRETS.AWS_SECRET_ACCESS_KEY,
      region: SECRETS.AWS_REGION,
      service: "s3",
      datetime: request?.headers.get("X-Amz-Date") ?? "",
    });
    expect(request?.headers.get("Authorization")).toBe(await signer.authHeader());
  });

  it("an object of another bucket is of no known size, etag or type where the store says none, and can have no body", async () => {
    store(() => new Response(null));
    expect(await open("s3://images/a.jpg", SECRETS)).toMatchObject({
      text: "",
      size: null,
      etag: null,
      contentType: "application/octet-stream",
    });
  });

  it("an object of another bucket is asked of AWS_ENDPOINT_URL where that is set, for MinIO and others", async () => {
    const requests = store(found);
    await open("s3://images/a.jpg", { ...SECRETS, AWS_ENDPOINT_URL: "http://127.0.0.1:9000/" });
    expect(requests.map(({ url }) => url)).toEqual(["http://127.0.0.1:9000/images/a.jpg"]);
  });

  it("an object of another bucket is asked for again while the store is busy", async () => {
    const requests = store(refused(503, "SlowDown"), found);
    expect(await open("s3://images/a.jpg", SECRETS)).toMatchObject({ text: "abc" });
    expect(requests).toHaveLength(2);
  });

  it.each([
    [404, "NoSuchKey", "There is no object s3://images/a.jpg (NoSuchKey)."],
    [403, "SignatureDoesNotMatch", "refused s3://images/a.jpg with 403: SignatureDoesNotMatch, Said by the store."],
  ])(
    "an object of another bucket fails the task for good where the store answers %d",
    async (status, code, message) => {
      store(refused(status, code));
      expect((await open("s3://images/a.jpg", SECRETS)).outcome).toMatchObject({
        type: "failed",
        retryable: false,
        error: { name: "NonRetryableError", message: expect.stringContaining(message) },
      });
    },
  );

  it("an object of another bucket fails the attempt, not the task, where the store stays broken", async () => {
    const requests = store(refused(500, "InternalError"));
    expect((await open("s3://images/a.jpg", SECRETS)).outcome).toMatchObject({ type: "failed", retryable: true });
    expect(requests).toHaveLength(4);
  });

  it("an object of another bucket needs credentials: the error names those that are missing", async () => {
    const requests = store(found);
    const { outcome } = await open("s3://images/a.jpg", { ...SECRETS, AWS_REGION: "", AWS_ACCESS_KEY_ID: "" });
    expect(outcome).toMatchObject({
      retryable: false,
      error: { message: expect.stringContaining("AWS_ACCESS_KEY_ID, AWS_REGION must be set") },
    });
    expect(requests).toEqual([]);
  });

  it.each(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"])(
    "an object of another bucket needs %s",
    async (name) => {
      const requests = store(found);
      const { outcome } = await open("s3://images/a.jpg", { ...SECRETS, [name]: "" });
      expect(outcome).toMatchObject({
        retryable: false,
        error: { message: expect.stringContaining(`to ask S3 for it ${name} must be set`) },
      });
      expect(requests).toEqual([]);
    },
  );

  it.each([
    ["https://images/a.jpg", "is no address of an object"],
    ["s3://images", "is no address of an object"],
    ["s3://images/", "is no address of an object"],
    ["s3://images/../secrets/a", 'a part of its path is "." or ".."'],
  ])("an object of another bucket is not looked for at %s", async (uri, message) => {
    const requests = store(found);
    const { outcome } = await open(uri, SECRETS);
    expect(outcome).toMatchObject({ retryable: false, error: { message: expect.stringContaining(message) } });
    expect(requests).toEqual([]);
  });
});

describe("the bucket with payloads", () => {
  const KEY = "runs/run_x/0/1-1";
  const REFUSED = { retryable: false, error: { message: expect.stringContaining("holds the payloads of all runs") } };

  it.each([
    [`s3://peach-payloads/${KEY}`, {}],
    [`s3://Peach-Payloads/${KEY}`, {}],
    // The same bucket by R2's S3 API, with keys that reach it.
    [`s3://peach-payloads/${KEY}`, { AWS_ENDPOINT_URL: "https://account.r2.cloudflarestorage.com" }],
    [`s3://runs/run_x/0/1-1`, { AWS_ENDPOINT_URL: "https://account.r2.cloudflarestorage.com/peach-payloads" }],
    [`s3://runs/run_x/0/1-1`, { AWS_ENDPOINT_URL: "https://peach-payloads.account.r2.cloudflarestorage.com" }],
  ])("the bucket with payloads is never opened: %s with %j", async (uri, more) => {
    await env.PAYLOADS.put(KEY, "confidential");
    const requests = store(found);
    const { outcome, text } = await open(uri, { ...SECRETS, ...more });
    expect(outcome).toMatchObject(REFUSED);
    expect([text, requests]).toEqual(["", []]);
  });

  it("the bucket with payloads does not keep objects from being opened whose keys only look like it", async () => {
    await env.UPLOADS.put("peach-payloads/a", "abc");
    expect(await open("s3://uploads/peach-payloads/a")).toMatchObject({ text: "abc" });
    const requests = store(found);
    await open("s3://images/peach-payloads/a", SECRETS);
    expect(requests).toHaveLength(1);
  });
});

describe("`open` in peach.conf", () => {
  const OPEN = ["s3://uploads/open/", "s3://images/"];

  /** What a task called `only` opens under this rule. */
  async function openUnder(rule: readonly string[], uri: string) {
    const known = planOf([taskPlan("only", { open: rule })], { buckets: plan.buckets });
    let text = "";
    const method = async () => {
      text = await new Response((await openObject(uri)).body).text();
    };
    const { outcome } = (await attempt(method, {}, { plan: known, env: { ...env, ...SECRETS } })).settlement;
    return { text, outcome };
  }

  it("`open` in peach.conf lets a task open what begins with one of its prefixes, of bound buckets and of S3", async () => {
    await env.UPLOADS.put("open/allowed", "abc");
    expect(await openUnder(OPEN, "s3://uploads/open/allowed")).toMatchObject({ text: "abc" });
    store(found);
    expect(await openUnder(OPEN, "s3://images/a.jpg")).toMatchObject({ text: "abc" });
  });

  it.each([
    [
      OPEN,
      "s3://uploads/private/board.mp3",
      "tasks.only.open in peach.conf allows what begins with s3://uploads/open/ or",
    ],
    [OPEN, "s3://images-private/a.jpg", "may not be opened"],
    [OPEN, "s3://images/../secrets/a", 'a part of its path is "." or ".."'],
    [[], "s3://uploads/open/allowed", "tasks.only.open in peach.conf allows nothing"],
  ])("%j keeps it from %s", async (rule, uri, message) => {
    const requests = store(found);
    const { outcome } = await openUnder(rule, uri);
    expect(outcome).toMatchObject({ retryable: false, error: { message: expect.stringContaining(message) } });
    expect(requests).toEqual([]);
  });

  it("`open` in peach.conf holds for an endpoint as well", async () => {
    const known = planOf([], { buckets: plan.buckets, endpoints: [endpointPlan("hook", { open: OPEN })] });
    const call = { name: "hook", params: {}, requestId: "r", source: "endpoint", delivery: null } as const;
    const lifetime = createExecutionContext();
    const port = { env, lifetime, accept: acceptTrigger, emit: emitEvent, plan: known };
    const scope = new EndpointScope({ ...call, triggered: () => undefined }, port);
    const refused = scope.openObject("s3://uploads/private/board.mp3").catch((error: unknown) => String(error));
    expect(await refused).toContain("endpoints.hook.open in peach.conf allows");
    await env.UPLOADS.put("open/allowed", "abc");
    const { body } = await scope.openObject("s3://uploads/open/allowed");
    expect(await new Response(body).text()).toBe("abc");
  });
});
