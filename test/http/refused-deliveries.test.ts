import { describe, expect, it, vi } from "vitest";
import { pieces } from "../payloads/streams.ts";
import {
  type Delivered,
  delivered,
  endpointPerTest,
  name,
  nameAnother,
  onlyOne,
  post,
  serve,
  triggers,
} from "../support/inspector.ts";
import { PROVIDERS } from "../support/signed.ts";

endpointPerTest();

describe("a refused delivery", () => {
  const { auth, secret, sign } = PROVIDERS.github;

  it.each([
    ["signature_missing", secret, {}],
    ["signature_mismatch", secret, { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }],
    ["signature_not_configured", "", { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }],
  ])(
    "a refused delivery is kept with its reason, %s, and has started nothing",
    async (reason, HOOK_SECRET, headers) => {
      const called = vi.fn(triggers);
      const send = serve(called, { auth }, { env: { HOOK_SECRET } });
      expect((await send(`/${name}`, post("forged", headers))).status).toBe(401);
      const one = await onlyOne(send);
      expect(one).toMatchObject({ status: 401, reason, runs: [], sender_id: null, body: { text: "forged" } });
      expect(called).not.toHaveBeenCalled();
    },
  );

  it("a refused delivery is kept when it is stale, lacks a token, or is too large", async () => {
    const slack = PROVIDERS.slack;
    const signed = slack.sign(slack.secret, {}, { id: "e", at: 0 });
    const stale = serve(triggers, { auth: slack.auth }, { env: { HOOK_SECRET: slack.secret } });
    await stale(`/${name}`, { method: "POST", ...signed });
    expect(await onlyOne(stale)).toMatchObject({ status: 401, reason: "signature_stale" });

    nameAnother("_token");
    const token = serve(triggers, { auth: { type: "token" } });
    await token(`/${name}`, post("x", { Authorization: "Bearer wrong" }));
    expect(await onlyOne(token)).toMatchObject({ status: 401, reason: "unauthorized" });

    nameAnother("_large");
    const large = serve(triggers, { maxBodyBytes: 8 });
    await large(`/${name}`, post("123456789", { "Content-Length": "9" }));
    await large(`/${name}`, post(pieces(new Uint8Array(5), new Uint8Array(5)).stream));
    expect(await delivered(large, 2)).toMatchObject([
      { status: 413, reason: "payload_too_large", body: { size: null, truncated: true } },
      { status: 413, reason: "payload_too_large", body: { size: 9, truncated: true, text: "" } },
    ]);
  });

  it("a refused delivery is one with all of its reason from its address, of IPv6 its /64, and costs no delivery its place", async () => {
    const send = serve(triggers, { auth }, { env: { HOOK_SECRET: secret } });
    const { headers, body } = sign(secret, { a: 1 }, { id: "d", at: 0 });
    await send(`/${name}`, { method: "POST", headers, body });
    const forged = { "x-hub-signature-256": `sha256=${"0".repeat(64)}` };
    for (let index = 0; index < 130; index += 1)
      await send(`/${name}`, post("forged", { ...forged, "CF-Connecting-IP": `2001:db8:1:2::${index}` }));
    await send(`/${name}`, post("", { "CF-Connecting-IP": "192.0.2.7" }));
    const all = await delivered(send, 3);
    expect(all.map(({ status, refused }) => [status, refused?.address ?? null])).toEqual([
      [401, "192.0.2.7"],
      [401, "2001:db8:1:2::/64"],
      [202, null],
    ]);
    const of = async (query: string): Promise<number[]> => {
      const response = await send(`/api/v1/endpoints/${name}/deliveries?${query}`);
      return (await response.json<{ deliveries: Delivered[] }>()).deliveries.map(({ status }) => status);
    };
    expect(await of("refused=true")).toEqual([401, 401]);
    expect(await of("refused=false")).toEqual([202]);
  });

  it("a refused delivery is counted when it is not recorded: a few of one kind at once, then one in ten seconds", async () => {
    const now = Date.UTC(2027, 0, 1);
    vi.setSystemTime(now);
    const send = serve(triggers, { auth }, { env: { HOOK_SECRET: secret } });
    for (let index = 0; index < 30; index += 1) await send(`/${name}`, post("forged"));
    await vi.waitFor(async () => expect((await onlyOne(send)).refused?.count).toBe(5), 10_000);
    vi.setSystemTime(now + 10_000);
    await send(`/${name}`, post("forged"));
    await vi.waitFor(
      async () =>
        expect((await onlyOne(send)).refused).toEqual({
          address: "unknown",
          count: 31,
          first_at: new Date(now).toISOString(),
        }),
      10_000,
    );
  });

  it("a refused delivery is kept with a kilobyte of its body", async () => {
    const send = serve(triggers, { auth, maxBodyBytes: 10_000 }, { env: { HOOK_SECRET: secret } });
    await send(`/${name}`, post("x".repeat(1_025), { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }));
    expect((await onlyOne(send)).body).toEqual({ size: 1_025, truncated: true, text: "x".repeat(1_024) });
  });

  it("a refused delivery shows neither signature nor secret; one that was sent again is kept with what was refused", async () => {
    const signed = sign(secret, { a: 1 }, { id: "guid-1", at: 0 });
    const send = serve(triggers, { auth }, { env: { HOOK_SECRET: secret } });
    await send(`/${name}`, { method: "POST", headers: signed.headers, body: signed.body });
    await send(`/${name}`, { method: "POST", headers: signed.headers, body: signed.body });
    const all = await delivered(send, 2);
    expect(all).toMatchObject([
      { status: 202, reason: "delivery_repeated", runs: [], refused: { count: 1 } },
      { status: 202, reason: null, sender_id: null, runs: [{ deduplicated: false }], refused: null },
    ]);
    expect(JSON.stringify(all)).not.toMatch(/[0-9a-f]{64}|a-token-for-tests|Secret to Everybody/);
  });

  it("a refused delivery shows no signature in a header that peach.conf names", async () => {
    const send = serve(
      triggers,
      { auth: { type: "signature", scheme: "hmac-sha256", secret: "HOOK_SECRET", header: "x-check" } },
      { env: { HOOK_SECRET: "s" } },
    );
    await send(`/${name}`, post("x", { "X-Check": "a".repeat(64) }));
    expect((await onlyOne(send)).headers["x-check"]).toBe("[redacted]");
  });
});

describe("what is a secret in a body", () => {
  it("what is a secret in a body is not kept, nor what peach.conf names; the endpoint gets all of it", async () => {
    const text = '{"token": "s3cret-1", "user": {"email": "a@b.example"}, "n": 1}';
    const send = serve((request) => request.text(), { redact: [["user", "email"]] });
    const answer = await send(`/${name}`, post(text, { "Content-Type": "application/json" }));
    expect(await answer.json()).toBe(text);
    const { body } = await onlyOne(send);
    expect(body.text).toBe('{"token": "[redacted]", "user": {"email": "[redacted]"}, "n": 1}');
  });

  it("what is a secret in a body is none in an address that a header has", async () => {
    const send = serve(triggers);
    await send(`/${name}`, post("x", { Referer: "https://example.org/?access_token=s3cret&page=2" }));
    const { headers } = await onlyOne(send);
    expect(headers["referer"]).toBe("https://example.org/?access_token=%5Bredacted%5D&page=2");
  });
});
