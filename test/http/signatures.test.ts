import { afterEach, describe, expect, it, vi } from "vitest";
import type { EndpointAuth } from "../../src/domain/plan/endpoint-auth.ts";
import type { EndpointPlan } from "../../src/domain/plan/plan.ts";
import type { EndpointFunction } from "../../src/execution/author/method.ts";
import { pieces } from "../payloads/streams.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";
import { PROVIDERS, type Provider, type SignedRequest } from "../support/signed.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const echo: EndpointFunction = async (request) => ({ read: await request.text() });

/** An endpoint behind a signature. `secrets`: what the variable holds; null if nobody has set it. */
function guarded(auth: EndpointAuth, secrets: string | null, endpoint: Partial<EndpointPlan> = {}) {
  const called = vi.fn(echo);
  const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan("hook", { auth, ...endpoint })] });
  const env = secrets === null ? {} : { HOOK_SECRET: secrets };
  const send = edge(plan, { registry: { endpoints: { hook: called } }, env });
  return { called, send: (init: RequestInit): Promise<Response> => send("/hook", { method: "POST", ...init }) };
}

async function outcomeOf(response: Response): Promise<string> {
  const { code } = await response.json<{ code?: string }>();
  return `${response.status}${code === undefined ? "" : ` ${code}`}`;
}

// What the providers publish, byte by byte.
const PUBLISHED = {
  "the vector of the Standard Webhooks specification": {
    auth: PROVIDERS["standard-webhooks"].auth,
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    at: 1_614_265_330,
    headers: {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    body: '{"test": 2432232314}',
  },
  "the example of GitHub's documentation": {
    auth: PROVIDERS.github.auth,
    secret: "It's a Secret to Everybody",
    at: 0,
    headers: { "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" },
    body: "Hello, World!",
  },
  "the event of Stripe's own tests": {
    auth: PROVIDERS.stripe.auth,
    secret: "webhook_secret",
    at: 1_533_204_620,
    headers: {
      "stripe-signature":
        "t=1533204620,v1=f0bdba6d4eacbd8ad8a3bbadd7248e633ec1477f7899c124c51b39405fa36613,v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef",
    },
    body: `${JSON.stringify(
      {
        id: "evt_123",
        object: "event",
        account: "acct_123",
        api_version: "2017-05-25",
        created: 1_533_204_620,
        data: {
          object: {
            id: "ii_123",
            object: "invoiceitem",
            amount: 1000,
            currency: "usd",
            customer: "cus_123",
            date: 1_533_204_620,
            description: "Test Invoice Item",
            discountable: false,
            invoice: "in_123",
            livemode: false,
            metadata: {},
            period: { start: 1_533_204_620, end: 1_533_204_620 },
            plan: null,
            proration: false,
            quantity: null,
            subscription: null,
          },
        },
        livemode: false,
        pending_webhooks: 1,
        request: { id: "req_123", idempotency_key: "idempotency-key-123" },
        type: "invoiceitem.created",
      },
      null,
      2,
    )}\n`,
  },
  "the command of Slack's documentation": {
    auth: PROVIDERS.slack.auth,
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    at: 1_531_420_618,
    headers: {
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    },
    body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
  },
  "the second case of RFC 4231": {
    auth: PROVIDERS["hmac-sha256"].auth,
    secret: "Jefe",
    at: 0,
    headers: { "x-signature": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    body: "what do ya want for nothing?",
  },
} as const;

describe.each(Object.entries(PUBLISHED))("%s", (_, { auth, secret, at, headers, body }) => {
  it("comes in, and the endpoint gets its whole body", async () => {
    vi.setSystemTime(at * 1000);
    const response = await guarded(auth, secret).send({ headers, body });
    expect([response.status, await response.json()]).toEqual([200, { read: body }]);
  });

  it("comes in with its length declared or not, and through a fallback", async () => {
    vi.setSystemTime(at * 1000);
    const bytes = new TextEncoder().encode(body);
    const { send } = guarded(auth, secret, { maxBodyBytes: bytes.length });
    const declared = await send({ headers: { ...headers, "Content-Length": String(bytes.length) }, body });
    expect(await declared.json()).toEqual({ read: body });
    const chunked = await send({ headers, body: pieces(bytes.slice(0, 5), bytes.slice(5)).stream });
    expect(await chunked.json()).toEqual({ read: body });
  });
});

describe.each(Object.entries(PROVIDERS))("auth: {signature: %s}", (_, provider: Provider) => {
  const { auth, secret, otherSecret, header } = provider;
  const NOW = Date.UTC(2027, 5, 1, 12);
  const delivery = (at = NOW, signedWith = secret): SignedRequest =>
    provider.sign(signedWith, { some: "thing" }, { id: "delivery-1", at });

  /** What becomes of the delivery once `change` has had its way with it; the endpoint must not have been called. */
  async function refusalOf(
    change: (signed: SignedRequest, headers: Headers) => string | Uint8Array | void,
    secrets: string | null = secret,
  ): Promise<string> {
    vi.setSystemTime(NOW);
    const signed = delivery();
    const headers = new Headers(signed.headers);
    const body = change(signed, headers) ?? signed.body;
    const { called, send } = guarded(auth, secrets);
    const outcome = await outcomeOf(await send({ headers, body }));
    expect(called).not.toHaveBeenCalled();
    return outcome;
  }

  it("lets a delivery in that is signed with the secret, and tells the endpoint nothing else", async () => {
    vi.setSystemTime(NOW);
    const { body, headers } = delivery();
    const response = await guarded(auth, secret).send({ headers, body });
    expect([response.status, await response.json()]).toEqual([200, { read: body }]);
  });

  it.each([
    ["has a byte more", ({ body }: SignedRequest) => `${body} `],
    ["has a byte less", ({ body }: SignedRequest) => body.slice(0, -1)],
    ["has another byte", ({ body }: SignedRequest) => body.replace("thing", "thinG")],
    ["is empty", () => ""],
  ])("refuses a body that %s", async (__, tamper) => {
    expect(await refusalOf(tamper)).toBe("401 signature_mismatch");
  });

  it("refuses a delivery that is signed with another secret", async () => {
    expect(await refusalOf(() => undefined, otherSecret)).toBe("401 signature_mismatch");
  });

  it("refuses a delivery without each header that it needs, and with an empty one", async () => {
    const needed = Object.keys(delivery().headers).filter((name) => name !== "x-github-delivery");
    for (const name of needed) {
      expect(await refusalOf((__, headers) => headers.delete(name))).toBe("401 signature_missing");
      expect(await refusalOf((__, headers) => headers.set(name, ""))).toBe("401 signature_missing");
    }
  });

  it("refuses a delivery with a header twice, the same or another, in front or behind", async () => {
    const other = new Headers(delivery(NOW, otherSecret).headers);
    for (const [name, value] of Object.entries(delivery().headers)) {
      if (name === "x-github-delivery") continue;
      const second = other.get(name) === value ? "1" : (other.get(name) ?? "");
      expect(await refusalOf((__, headers) => headers.append(name, value))).toBe("401 signature_mismatch");
      expect(await refusalOf((__, headers) => headers.append(name, second))).toBe("401 signature_mismatch");
      const infront = (_signed: SignedRequest, headers: Headers): void => headers.set(name, `${second}, ${value}`);
      expect(await refusalOf(infront)).toBe("401 signature_mismatch");
    }
  });

  it("refuses a signature that is none of its own", async () => {
    const right = delivery().headers[header] ?? "";
    for (const wrong of [
      "x",
      "=",
      "v1,",
      "sha256=",
      right.slice(0, -2),
      right.slice(1),
      `${right}0`,
      `${right} `.padEnd(right.length + 3, "x"),
      // Hex of either case is plain HMAC's alone.
      provider === PROVIDERS["hmac-sha256"]
        ? "1".repeat(64)
        : right.replaceAll(/[0-9a-f]{64}/g, (digest) => digest.toUpperCase()).replace("v1,", "v2,"),
      "0".repeat(64),
    ]) {
      expect(await refusalOf((__, headers) => headers.set(header, wrong)), wrong).toBe("401 signature_mismatch");
    }
  });

  it.each([
    ["nobody has set", null],
    ["is empty", ""],
    ["holds commas only", " , ,"],
  ])("refuses every delivery while the secret %s, and says what to set", async (__, secrets) => {
    expect(await refusalOf(() => undefined, secrets)).toBe("401 signature_not_configured");
    const { headers, body } = delivery();
    const text = await (await guarded(auth, secrets).send({ headers, body })).text();
    expect(text).toContain("wrangler secret put HOOK_SECRET");
  });

  it("takes several secrets at once, so that one can be changed: a delivery fits any of them", async () => {
    vi.setSystemTime(NOW);
    const { send } = guarded(auth, ` ${otherSecret} ,${secret},`);
    for (const signedWith of [secret, otherSecret]) {
      const { headers, body } = delivery(NOW, signedWith);
      expect((await send({ headers, body })).status).toBe(200);
    }
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { headers, body } = delivery(NOW, provider === PROVIDERS["standard-webhooks"] ? "whsec_AAAA" : "third");
    expect(await outcomeOf(await send({ headers, body }))).toBe("401 signature_mismatch");
  });

  it("compares whole digests in constant time, and each, also after one has fitted", async () => {
    vi.setSystemTime(NOW);
    const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
    const { headers, body } = delivery();
    expect((await guarded(auth, `${secret},${otherSecret}`).send({ headers, body })).status).toBe(200);
    // One digest of the delivery, held against those of two secrets.
    expect(compared.mock.calls.map(([a, b]) => [a.byteLength, b.byteLength])).toEqual([
      [32, 32],
      [32, 32],
    ]);
  });

  it("says nothing of secret or digest, in the answer or in the log", async () => {
    vi.setSystemTime(NOW);
    const logged = ["log", "warn", "error"] as const;
    const spies = logged.map((name) => vi.spyOn(console, name).mockImplementation(() => undefined));
    const { headers, body } = delivery(NOW, otherSecret);
    const text = await (await guarded(auth, secret).send({ headers, body })).text();
    const right =
      Object.values(delivery().headers)
        .join()
        .match(/[\w+/=]{40,}/g) ?? [];
    expect(right).not.toEqual([]);
    const said = [text, ...spies.flatMap((spy) => spy.mock.calls.flat())].join();
    for (const word of [secret, otherSecret, ...right]) expect(said).not.toContain(word);
  });
});

/** The providers that sign the time, each with a tolerance of our own. */
const TIMED = Object.entries(PROVIDERS).flatMap(([name, provider]) => {
  const { auth } = provider;
  const within = (toleranceMs: number): EndpointAuth => ("toleranceMs" in auth ? { ...auth, toleranceMs } : auth);
  return "toleranceMs" in auth ? [[name, { provider, within }] as const] : [];
});

describe.each(TIMED)("the time that %s signs", (_, { provider, within }) => {
  const { auth, secret } = provider;
  const NOW = Date.UTC(2027, 5, 1, 12);
  const delivery = (at = NOW): SignedRequest => provider.sign(secret, { some: "thing" }, { id: "delivery-1", at });

  it("refuses a delivery that is older or newer than its tolerance, by a second", async () => {
    const { send } = guarded(auth, secret);
    const outcomes: string[] = [];
    for (const away of [-301_000, -300_000, 300_000, 301_000]) {
      vi.setSystemTime(NOW + away);
      const { headers, body } = delivery();
      outcomes.push(await outcomeOf(await send({ headers, body })));
    }
    expect(outcomes).toEqual(["401 signature_stale", "200", "200", "401 signature_stale"]);
  });

  it("has the tolerance that peach.conf says", async () => {
    const { send } = guarded(within(2_000), secret);
    const { headers, body } = delivery();
    vi.setSystemTime(NOW + 2_000);
    expect((await send({ headers, body })).status).toBe(200);
    vi.setSystemTime(NOW + 3_000);
    expect(await outcomeOf(await send({ headers, body }))).toBe("401 signature_stale");
  });

  it("refuses another time under the same signature: an old delivery does not become new", async () => {
    vi.setSystemTime(NOW + 3_600_000);
    const old = delivery();
    const fresh = delivery(NOW + 3_600_000).headers;
    const headers = new Headers(old.headers);
    for (const name of ["webhook-timestamp", "x-slack-request-timestamp"])
      if (headers.has(name)) headers.set(name, fresh[name] ?? "");
    if (headers.has("stripe-signature"))
      headers.set(
        "stripe-signature",
        (old.headers["stripe-signature"] ?? "").replace(/^t=\d+/, `t=${(NOW + 3_600_000) / 1000}`),
      );
    expect(await outcomeOf(await guarded(auth, secret).send({ headers, body: old.body }))).toBe(
      "401 signature_mismatch",
    );
  });
});

describe("what one scheme has and no other", () => {
  const NOW = Date.UTC(2027, 5, 1, 12);
  const signed = (provider: Provider, secret: string): SignedRequest =>
    provider.sign(secret, { a: 1 }, { id: "d", at: NOW });

  it("Standard Webhooks: several signatures, of any version, of which one v1 fits", async () => {
    vi.setSystemTime(NOW);
    const provider = PROVIDERS["standard-webhooks"];
    const { headers, body } = signed(provider, provider.secret);
    const right = headers["webhook-signature"] ?? "";
    const { send } = guarded(provider.auth, provider.secret);
    const outcome = async (value: string): Promise<string> =>
      outcomeOf(await send({ headers: { ...headers, "webhook-signature": value }, body }));
    const wrong = signed(provider, provider.otherSecret).headers["webhook-signature"] ?? "";
    expect(await outcome(`v1a,AAAA ${wrong} ${right}`)).toBe("200");
    expect(await outcome(`${wrong} v2,${right.slice(3)}`)).toBe("401 signature_mismatch");
    expect(await outcome(`v2,${right.slice(3)}`)).toBe("401 signature_mismatch");
  });

  it("Standard Webhooks: an id that could be two headers is refused, even if it is signed", async () => {
    vi.setSystemTime(NOW);
    const { auth, secret, sign } = PROVIDERS["standard-webhooks"];
    const { headers, body } = sign(secret, { a: 1 }, { id: "msg_1, msg_2", at: NOW });
    expect(await outcomeOf(await guarded(auth, secret).send({ headers, body }))).toBe("401 signature_mismatch");
  });

  it("Standard Webhooks: the secret with or without whsec_; one that is no base64 is ignored and logged by its place", async () => {
    vi.setSystemTime(NOW);
    const { auth, secret } = PROVIDERS["standard-webhooks"];
    const { headers, body } = signed(PROVIDERS["standard-webhooks"], secret);
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect((await guarded(auth, secret.slice("whsec_".length)).send({ headers, body })).status).toBe(200);
    expect((await guarded(auth, `no base64!,${secret}`).send({ headers, body })).status).toBe(200);
    expect(logged.mock.calls.flat().join()).toContain("HOOK_SECRET: secret 1 is none of standard-webhooks");
    expect(logged.mock.calls.flat().join()).not.toContain("no base64!");
    expect(await outcomeOf(await guarded(auth, "no base64!").send({ headers, body }))).toBe(
      "401 signature_not_configured",
    );
    expect(await outcomeOf(await guarded(auth, "whsec_").send({ headers, body }))).toBe("401 signature_not_configured");
  });

  it("Standard Webhooks: bytes that are no text are verified as they are", async () => {
    const body = Uint8Array.of(0xff, 0x00, 0xfe, 0x80);
    const key = Uint8Array.fromBase64(PROVIDERS["standard-webhooks"].secret.slice("whsec_".length));
    const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const content = Uint8Array.of(...new TextEncoder().encode(`d.${NOW / 1000}.`), ...body);
    const digest = new Uint8Array(await crypto.subtle.sign("HMAC", imported, content)).toBase64();
    vi.setSystemTime(NOW);
    const { auth, secret } = PROVIDERS["standard-webhooks"];
    const headers = { "webhook-id": "d", "webhook-timestamp": String(NOW / 1000), "webhook-signature": `v1,${digest}` };
    expect((await guarded(auth, secret).send({ headers, body })).status).toBe(200);
  });

  it("Stripe: a v1 for each of two secrets while one is rolled, and only v1 counts", async () => {
    vi.setSystemTime(NOW);
    const { auth, secret, otherSecret } = PROVIDERS.stripe;
    const digestOf = (one: string): string =>
      /v1=(\w+)/.exec(signed(PROVIDERS.stripe, one).headers["stripe-signature"] ?? "")?.[1] ?? "";
    const { body } = signed(PROVIDERS.stripe, secret);
    const { send } = guarded(auth, secret);
    const outcome = async (value: string): Promise<string> =>
      outcomeOf(await send({ headers: { "stripe-signature": value }, body }));
    const t = `t=${NOW / 1000}`;
    expect(await outcome(`${t},v1=${digestOf(otherSecret)},v1=${digestOf(secret)}`)).toBe("200");
    expect(await outcome(`v1=${digestOf(secret)},${t}`)).toBe("200");
    const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
    expect(await outcome(`${t},v1=${digestOf(secret)},v1=${digestOf(otherSecret)}`)).toBe("200");
    expect(compared).toHaveBeenCalledTimes(2);
    expect(await outcome(`${t},v0=${digestOf(secret)}`)).toBe("401 signature_mismatch");
    expect(await outcome(`v1=${digestOf(secret)}`)).toBe("401 signature_mismatch");
    expect(await outcome(`t=1,${t},v1=${digestOf(secret)}`)).toBe("401 signature_mismatch");
  });

  it("hmac-sha256 takes sha256= in front or not, and the header that peach.conf names", async () => {
    const { auth, secret } = PROVIDERS["hmac-sha256"];
    const { headers, body } = signed(PROVIDERS["hmac-sha256"], secret);
    const digest = headers["x-signature"] ?? "";
    expect((await guarded(auth, secret).send({ headers: { "X-Signature": `sha256=${digest}` }, body })).status).toBe(
      200,
    );
    const elsewhere = guarded(
      { type: "signature", scheme: "hmac-sha256", secret: "HOOK_SECRET", header: "x-mine" },
      secret,
    );
    expect((await elsewhere.send({ headers: { "X-Mine": digest }, body })).status).toBe(200);
    expect(await outcomeOf(await elsewhere.send({ headers, body }))).toBe("401 signature_missing");
  });

  it("hmac-sha256 takes hex of either case and base64, as .NET and Shopify write them, with or without sha256=", async () => {
    const { auth, secret } = PROVIDERS["hmac-sha256"];
    // RFC 4231, the second case; base64 by openssl.
    const body = "what do ya want for nothing?";
    const hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const base64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
    const outcome = async (signature: string): Promise<string> =>
      outcomeOf(await guarded(auth, secret).send({ headers: { "X-Signature": signature }, body }));
    for (const right of [hex, hex.toUpperCase(), base64])
      for (const prefix of ["", "sha256="]) expect(await outcome(`${prefix}${right}`), right).toBe("200");
    for (const wrong of [base64.slice(0, -1), base64.toLowerCase(), `${base64}=`, "sha256="])
      expect(await outcome(wrong), wrong).toBe("401 signature_mismatch");
  });

  it("Standard Webhooks: the headers of Svix, all three of them", async () => {
    vi.setSystemTime(NOW);
    const { auth, secret, sign } = PROVIDERS["standard-webhooks"];
    const { headers, body } = sign(secret, { a: 1 }, { id: crypto.randomUUID(), at: NOW });
    const svix = Object.fromEntries(
      Object.entries(headers).map(([header, value]) => [header.replace("webhook-", "svix-"), value]),
    );
    const outcome = async (sent: Record<string, string>): Promise<string> =>
      outcomeOf(await guarded(auth, secret).send({ headers: sent, body }));
    expect(await outcome(svix)).toBe("200");
    expect(await outcome({ ...svix, ...headers })).toBe("200");
    const { "svix-id": _, ...withoutId } = svix;
    expect(await outcome(withoutId)).toBe("401 signature_missing");
    // The two spellings do not make one signature together.
    expect(await outcome({ ...withoutId, "webhook-id": headers["webhook-id"] ?? "" })).toBe("401 signature_missing");
    expect(await outcome({ ...svix, "svix-id": "another" })).toBe("401 signature_mismatch");
  });

  it("a body beyond max_body is refused before it is verified, declared or not", async () => {
    const { auth, secret } = PROVIDERS["hmac-sha256"];
    const { called, send } = guarded(auth, secret, { maxBodyBytes: 8 });
    const headers = { "x-signature": "0".repeat(64) };
    const declared = await send({ headers: { ...headers, "Content-Length": "9" }, body: "123456789" });
    expect(await outcomeOf(declared)).toBe("413 payload_too_large");
    const chunked = await send({
      headers,
      body: pieces(Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(6, 7, 8, 9)).stream,
    });
    expect(await outcomeOf(chunked)).toBe("413 payload_too_large");
    expect(called).not.toHaveBeenCalled();
  });
});
