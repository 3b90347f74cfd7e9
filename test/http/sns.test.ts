import { afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import type { SnsAuth } from "../../src/domain/plan/endpoint-auth.ts";
import type { EndpointPlan } from "../../src/domain/plan/plan.ts";
import { objectEventsFrom, triggerTaskWithEvent } from "../../src/task-helpers.ts";
import type { EndpointFunction } from "../../src/execution/author/method.ts";
import { type CertificateOptions, makeCertificate, type MadeCertificate } from "../support/certificate.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

const NOW = Date.UTC(2027, 5, 1, 12);
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:uploads";
const HOUR = 3_600_000;
const auth: SnsAuth = { type: "signature", scheme: "sns", topics: [TOPIC], toleranceMs: HOUR };

let certificate: MadeCertificate;
beforeAll(async () => {
  certificate = await makeCertificate();
});

/** What is at which address. Each test has addresses of its own: certificates are kept. */
let pages: Map<string, () => Response>;
let fetched: string[];
let certificateUrl = "";
beforeEach(() => {
  vi.setSystemTime(NOW);
  fetched = [];
  certificateUrl = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${crypto.randomUUID()}.pem`;
  pages = new Map([[certificateUrl, () => new Response(certificate.pem)]]);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    fetched.push(address);
    const page = pages.get(address);
    return page === SILENT ? silentFor(init?.signal) : (page?.() ?? new Response(null, { status: 404 }));
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The page of a server that never answers. */
const SILENT = (): Response => {
  throw new Error("this server never answers");
};

/** Rejects as soon as the caller gives up. */
async function silentFor(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

/** Lets every time limit of a request be over at once; returns them in milliseconds. */
function limitsOver(): number[] {
  const limits: number[] = [];
  vi.spyOn(AbortSignal, "timeout").mockImplementation((limitMs) => {
    const limit = new AbortController();
    limits.push(limitMs);
    queueMicrotask(() => limit.abort(new DOMException("The operation timed out.", "TimeoutError")));
    return limit.signal;
  });
  return limits;
}

interface Message extends Record<string, unknown> {
  readonly Signature: string;
}

interface MessageOptions {
  readonly fields?: Readonly<Record<string, string>>;
  readonly version?: "1" | "2";
  readonly by?: MadeCertificate;
}

/** A message as SNS signs it: name and value of each field, each with a line of its own. */
async function message({ fields = {}, version = "1", by = certificate }: MessageOptions = {}): Promise<Message> {
  const said: Record<string, string> = {
    Type: "Notification",
    MessageId: crypto.randomUUID(),
    TopicArn: TOPIC,
    Message: "hello\n",
    Timestamp: new Date(NOW).toISOString(),
    ...fields,
  };
  const order = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
  const signed = order.flatMap((name) => (said[name] === undefined ? [] : [`${name}\n${said[name]}\n`])).join("");
  const Signature = await by.sign(signed, version === "1" ? "SHA-1" : "SHA-256");
  return { SigningCertURL: certificateUrl, ...said, SignatureVersion: version, Signature };
}

const confirmation = (fields: Readonly<Record<string, string>> = {}): Promise<Message> =>
  message({
    fields: {
      Type: "SubscriptionConfirmation",
      Token: "2336412f37",
      SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`,
      ...fields,
    },
  });

function serve(
  method: EndpointFunction = async (request) => ({ read: await request.text() }),
  overrides: Partial<EndpointPlan> = {},
) {
  const called = vi.fn(method);
  const endpoints = [endpointPlan("hook", { auth, maxBodyBytes: 1_000_000, ...overrides })];
  const send = edge(planOf([taskPlan("echo")], { endpoints }), { registry: { endpoints: { hook: called } } });
  const deliver = (body: unknown, init: RequestInit = {}): Promise<Response> =>
    send("/hook", {
      method: "POST",
      headers: { "Content-Type": "text/plain; charset=UTF-8" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    });
  return { called, deliver };
}

async function outcomeOf(response: Response): Promise<string> {
  const { code } = await response.json<{ code?: string }>();
  return `${response.status}${code === undefined ? "" : ` ${code}`}`;
}

/** Letters of the longest text that was parsed as JSON. */
function longestOf({ mock }: MockInstance<typeof JSON.parse>): number {
  return Math.max(0, ...mock.calls.map(([text]) => text.length));
}

async function outcome(body: unknown): Promise<string> {
  const { called, deliver } = serve();
  const told = await outcomeOf(await deliver(body));
  expect(called).toHaveBeenCalledTimes(told === "200" ? 1 : 0);
  return told;
}

describe("a message of SNS", () => {
  it.each(["1", "2"] as const)(
    "a message of SNS comes in that is signed by version %s, with a subject or without, whole",
    async (version) => {
      for (const fields of [{}, { Subject: "Amazon S3 Notification" }]) {
        const sent = await message({ fields, version });
        const response = await serve().deliver(sent);
        expect([response.status, await response.json()]).toEqual([200, { read: JSON.stringify(sent) }]);
      }
    },
  );

  it.each(["Message", "MessageId", "Timestamp", "TopicArn", "Type", "Subject"])(
    "a message of SNS is refused with another %s",
    async (name) => {
      const { called, deliver } = serve(undefined, { auth: { ...auth, topics: [TOPIC, `${TOPIC}2`] } });
      const sent = await message({ fields: { Subject: "a" } });
      const other: Record<string, string> = {
        Timestamp: new Date(NOW - 1_000).toISOString(),
        TopicArn: `${TOPIC}2`,
        Type: "UnsubscribeConfirmation",
      };
      const more = name === "Type" ? { SubscribeURL: "x", Token: "y" } : {};
      expect(await outcomeOf(await deliver({ ...sent, ...more, [name]: other[name] ?? "another" }))).toBe(
        "401 signature_mismatch",
      );
      expect(called).not.toHaveBeenCalled();
    },
  );

  it("a message of SNS is refused by the version that it was not signed with, and under another key", async () => {
    expect(await outcome({ ...(await message()), SignatureVersion: "2" })).toBe("401 signature_mismatch");
    expect(await outcome(await message({ by: await makeCertificate() }))).toBe("401 signature_mismatch");
    for (const Signature of ["", "AAAA", btoa("x".repeat(256))])
      expect(await outcome({ ...(await message()), Signature })).toBe("401 signature_mismatch");
  });

  it("a message of SNS is refused of a topic that is not listed, before anything is fetched", async () => {
    expect(await outcome(await message({ fields: { TopicArn: `${TOPIC}-other` } }))).toBe("401 signature_mismatch");
    expect(fetched).toEqual([]);
  });

  it.each(["Subject", "MessageId"])(
    "a message of SNS is refused whose %s has lines: what is signed could be read in two ways",
    async (name) => {
      // Both are signed alike: the text of the message goes on where this one's id begins.
      const id = crypto.randomUUID();
      expect(await outcome(await message({ fields: { [name]: `a\nMessageId\n${id}` } }))).toBe("401 signature_missing");
    },
  );

  it.each(["eu-west-1", "us-gov-east-1", "us-iso-east-1", "ap-southeast-7", "cn-north-1"])(
    "a message of SNS comes in of any region: %s",
    async (region) => {
      const china = region.startsWith("cn-") ? ".cn" : "";
      const SigningCertURL = `https://sns.${region}.amazonaws.com${china}/SimpleNotificationService-1.pem`;
      pages.set(SigningCertURL, () => new Response(certificate.pem));
      expect(await outcome({ ...(await message()), SigningCertURL })).toBe("200");
    },
  );

  it("a message of SNS is refused that is older or newer than an hour, before anything is fetched", async () => {
    for (const away of [-HOUR - 1, HOUR + 1]) {
      const Timestamp = new Date(NOW + away).toISOString();
      expect(await outcome(await message({ fields: { Timestamp } }))).toBe("401 signature_stale");
    }
    expect(fetched).toEqual([]);
    for (const away of [-HOUR, HOUR]) {
      const Timestamp = new Date(NOW + away).toISOString();
      expect(await outcome(await message({ fields: { Timestamp } }))).toBe("200");
    }
  });

  it.each([
    ["nothing", ""],
    ["raw delivery", '{"Records":[]}'],
    ["no signature", { Type: "Notification", MessageId: "1", TopicArn: TOPIC, Message: "x" }],
    ["a list", "[]"],
    ["no JSON", "hello"],
  ])("a message of SNS is none that is %s: refused, and told to turn raw delivery off", async (_, body) => {
    const response = await serve().deliver(body);
    expect([response.status, await response.json()]).toEqual([
      401,
      expect.objectContaining({ code: "signature_missing", hint: expect.stringContaining("raw message delivery") }),
    ]);
  });

  it("a message of SNS is read only as far as SNS writes one, whatever max_body is and whether its length is declared", async () => {
    const { called, deliver } = serve(undefined, { maxBodyBytes: 25_000_000 });
    const parse = vi.spyOn(JSON, "parse");
    const body = "[".repeat(1_100_000);
    for (const headers of [{ "Content-Length": `${body.length}` }, {}]) {
      const response = await deliver(body, { headers });
      expect([response.status, await response.json()]).toEqual([
        413,
        expect.objectContaining({ code: "payload_too_large", hint: expect.not.stringContaining("max_body") }),
      ]);
    }
    expect(longestOf(parse)).toBeLessThan(1_000);
    expect(called).not.toHaveBeenCalled();
  });

  it.each([100, 1_048_576])(
    "a message of SNS is read only as far as a max_body of %i allows, and the sender is told of max_body",
    async (maxBodyBytes) => {
      const response = await serve(undefined, { maxBodyBytes }).deliver("[".repeat(1_100_000));
      const hint = expect.stringContaining("max_body");
      expect(await response.json()).toMatchObject({ status: 413, code: "payload_too_large", hint });
    },
  );

  it("a message of SNS is not parsed that is nested deeper than any", async () => {
    const parse = vi.spyOn(JSON, "parse");
    expect(await outcome(`{"Type":${"[".repeat(900_000)}`)).toBe("401 signature_missing");
    expect(longestOf(parse)).toBeLessThan(1_000);
  });

  it("a message of SNS comes in that is the largest of SNS, each of its letters escaped", async () => {
    expect(await outcome(await message({ fields: { Message: '"'.repeat(262_144) } }))).toBe("200");
  });

  it("a message of SNS sent again starts nothing, and is known by its id", async () => {
    const { called, deliver } = serve(() => triggerTaskWithEvent("echo", 1).then(() => undefined));
    const sent = await message();
    const first = await (await deliver(sent)).text();
    const again = await deliver(sent);
    expect([await again.text(), again.headers.get("Idempotent-Replayed")]).toEqual([first, "true"]);
    // What is not signed makes no other message of it.
    const dressed = await deliver({ ...sent, UnsubscribeURL: "https://example.org", MessageAttributes: { a: 1 } });
    expect(dressed.headers.get("Idempotent-Replayed")).toBe("true");
    expect(called).toHaveBeenCalledTimes(1);
  });

  it("a message of SNS gives an endpoint the object events that it carries", async () => {
    const records = {
      Records: [
        {
          eventTime: "2027-06-01T12:00:00.000Z",
          eventName: "ObjectCreated:Put",
          s3: { bucket: { name: "uploads" }, object: { key: "audio/a+b.mp3", size: 3, eTag: "e" } },
        },
      ],
    };
    const { deliver } = serve(async (request) => objectEventsFrom(request));
    const response = await deliver(await message({ fields: { Message: JSON.stringify(records) } }));
    expect(await response.json()).toMatchObject([{ bucket: "uploads", key: "audio/a b.mp3", action: "PutObject" }]);
  });
});

describe("the certificate of a message", () => {
  it("the certificate of a message is fetched once, and again after a day", async () => {
    const { deliver } = serve();
    for (let index = 0; index < 3; index += 1) expect((await deliver(await message())).status).toBe(200);
    expect(fetched).toEqual([certificateUrl]);
    vi.setSystemTime(NOW + 24 * HOUR);
    const Timestamp = new Date(NOW + 24 * HOUR).toISOString();
    expect((await deliver(await message({ fields: { Timestamp } }))).status).toBe(200);
    expect(fetched).toHaveLength(2);
  });

  it("the certificate of a message is not pushed out by others of SNS that a stranger names: only what has signed a message is kept", async () => {
    const { deliver } = serve();
    const stranger = await makeCertificate();
    expect((await deliver(await message())).status).toBe(200);
    for (let index = 0; index < 20; index += 1) {
      const at = NOW + index * 10_000;
      vi.setSystemTime(at);
      const SigningCertURL = `https://sns.eu-west-1.amazonaws.com/${index}.pem`;
      pages.set(SigningCertURL, () => new Response(certificate.pem));
      const made = await message({ by: stranger, fields: { Timestamp: new Date(at).toISOString() } });
      expect(await outcomeOf(await deliver({ ...made, SigningCertURL }))).toBe("401 signature_mismatch");
    }
    expect((await deliver(await message())).status).toBe(200);
    expect(fetched.filter((address) => address === certificateUrl)).toHaveLength(1);
  });

  it.each([
    "http://sns.eu-west-1.amazonaws.com/a.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
    "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
    "https://user:password@sns.eu-west-1.amazonaws.com/a.pem",
    "https://bucket.s3.amazonaws.com/a.pem",
    // Anybody's bucket with the name "sns".
    "https://sns.s3.amazonaws.com/a.pem",
    "https://sns.s3-us-west-2.amazonaws.com/a.pem",
    "https://sns.s3-accelerate.amazonaws.com/a.pem",
    "https://sns.evil.example.amazonaws.com/a.pem",
    "https://sns.eu-west-1.amazonaws.com/a.txt",
    "https://sns.eu-west-1.amazonaws.com/a.pem?x=.pem",
    "https://sns.eu-west-1.amazonaws.com/?x=a.pem",
    "https://169.254.169.254/a.pem",
    "nothing",
  ])("the certificate of a message is not fetched from %s", async (SigningCertURL) => {
    expect(await outcome({ ...(await message()), SigningCertURL })).toBe("401 signature_mismatch");
    expect(fetched).toEqual([]);
  });

  it.each<[string, CertificateOptions]>([
    ["is of another name", { name: "sns.amazonaws.com.evil.example" }],
    ["is over", { to: NOW }],
    ["is not valid yet", { from: NOW + 1_000 }],
    ["has a short key", { bits: 1024 }],
  ])("the certificate of a message is not taken if it %s", async (_, options) => {
    const by = await makeCertificate(options);
    pages.set(certificateUrl, () => new Response(by.pem));
    expect(await outcome(await message({ by }))).toBe("401 signature_mismatch");
  });

  it.each<[string, () => Response]>([
    ["is not there", () => new Response("no", { status: 404 })],
    ["is elsewhere", () => new Response(null, { status: 302, headers: { Location: "https://evil.example/a.pem" } })],
    ["is too large", () => new Response("x".repeat(70_000))],
    [
      "cannot be reached",
      () => {
        throw new TypeError("network connection lost");
      },
    ],
  ])("the certificate of a message that %s: 503, so that SNS sends the message again", async (_, page) => {
    pages.set(certificateUrl, page);
    expect(await outcome(await message())).toBe("503 unavailable");
    expect(fetched).toEqual([certificateUrl]);
  });

  it("the certificate of a message that cannot be fetched is no fault of its sender: only a refused message is answered with a challenge", async () => {
    const { deliver } = serve();
    const challenge = async (sent: Message) => (await deliver(sent)).headers.get("WWW-Authenticate");
    pages.delete(certificateUrl);
    expect(await challenge(await message())).toBeNull();
    pages.set(certificateUrl, () => new Response(certificate.pem));
    expect(await challenge({ ...(await message()), Signature: "AAAA" })).toBe('Signature realm="peach"');
  });

  it("the certificate of a message whose server does not answer is waited for for five seconds: 503", async () => {
    pages.set(certificateUrl, SILENT);
    const limits = limitsOver();
    expect(await outcome(await message())).toBe("503 unavailable");
    expect(limits).toEqual([5_000]);
  });

  it("the certificate of a message that is no certificate is refused", async () => {
    pages.set(certificateUrl, () => new Response("<html>"));
    expect(await outcome(await message())).toBe("401 signature_mismatch");
  });

  it("the certificate of a message is fetched ten times a minute at most, whatever addresses are named", async () => {
    vi.setSystemTime(NOW + 2 * HOUR);
    const Timestamp = new Date(NOW + 2 * HOUR).toISOString();
    const { deliver } = serve();
    for (let index = 0; index < 15; index += 1) {
      const SigningCertURL = `https://sns.eu-west-1.amazonaws.com/${index}.pem`;
      await deliver({ ...(await message({ fields: { Timestamp } })), SigningCertURL });
    }
    expect(fetched).toHaveLength(10);
  });
});

describe("the subscription of a topic", () => {
  it("the subscription of a topic is confirmed by Peach if the topic is listed, and the endpoint is not called", async () => {
    const { called, deliver } = serve();
    const sent = await confirmation();
    pages.set(new URL(String(sent["SubscribeURL"])).href, () => new Response("<ConfirmSubscriptionResponse/>"));
    const response = await deliver(sent);
    expect([response.status, await response.json()]).toEqual([200, { confirmed: TOPIC }]);
    expect(fetched).toEqual([certificateUrl, sent["SubscribeURL"]]);
    expect(called).not.toHaveBeenCalled();
  });

  it("the subscription of a topic is not confirmed of another topic, nor without a signature that fits", async () => {
    const other = `${TOPIC}-of-strangers`;
    expect(await outcome(await confirmation({ TopicArn: other }))).toBe("401 signature_mismatch");
    expect(await outcome({ ...(await confirmation()), Token: "another" })).toBe("401 signature_mismatch");
    expect(fetched).toEqual([certificateUrl]);
  });

  it.each([
    `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}2&Token=2`,
    `https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&TopicArn=${TOPIC}`,
    `http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}`,
    `https://evil.example/?Action=ConfirmSubscription&TopicArn=${TOPIC}`,
  ])("the subscription of a topic is not confirmed at %s, even if that is signed", async (SubscribeURL) => {
    expect(await outcome(await confirmation({ SubscribeURL }))).toBe("401 signature_mismatch");
    expect(fetched).toEqual([certificateUrl]);
  });

  it("the subscription of a topic that cannot be confirmed now is answered with 503, so that SNS asks again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect(await outcome(await confirmation())).toBe("503 unavailable");
  });

  it("the subscription of a topic whose confirmation is not answered is given up after ten seconds: 503", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const sent = await confirmation();
    pages.set(new URL(String(sent["SubscribeURL"])).href, SILENT);
    const limits = limitsOver();
    expect(await outcome(sent)).toBe("503 unavailable");
    expect(limits).toEqual([5_000, 10_000]);
  });

  it("the subscription of a topic that has ended is taken, and the endpoint is not called", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { called, deliver } = serve();
    const response = await deliver(await confirmation({ Type: "UnsubscribeConfirmation" }));
    expect([response.status, await response.json()]).toEqual([200, { unsubscribed: TOPIC }]);
    expect(called).not.toHaveBeenCalled();
    expect(warned.mock.calls.flat().join()).toContain(TOPIC);
  });
});
