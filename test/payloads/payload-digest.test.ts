import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodePayload, type EncodedPayload } from "../../src/payloads/codec.ts";
import { digestOfHeld, PassingDigest } from "../../src/payloads/payload-digest.ts";
import { encodeRequestBody } from "../../src/payloads/request-body.ts";

type Held = Parameters<typeof digestOfHeld>[0];

function held(encoded: EncodedPayload): Held {
  const { body } = encoded;
  if (!(body instanceof Uint8Array)) throw new Error("the payload is a stream");
  return { ...encoded, body, size: body.length };
}

async function ofValue(value: unknown): Promise<string> {
  const encoded = encodePayload(value);
  if (!encoded.ok) throw new Error(encoded.problem.detail);
  return digestOfHeld(held(encoded.value));
}

async function ofBody(text: string, contentType = "application/json"): Promise<string> {
  const body = new TextEncoder().encode(text);
  const encoded = await encodeRequestBody({ contentType, contentLength: null, body }, 10_000_000);
  if (!encoded.ok) throw new Error(encoded.problem.detail);
  return digestOfHeld(held(encoded.value));
}

async function ofBlocks(kind: "stream" | "bytes", blocks: readonly Uint8Array[]): Promise<string> {
  const digest = new PassingDigest({ kind });
  for (const block of blocks) await digest.take(block);
  return digest.end();
}

describe("the digest of a payload", () => {
  it("the digest of a payload is that of its kind and bytes, as SHA-256 in base64url", async () => {
    const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode('json\n{"a":1}'));
    const expected = new Uint8Array(bytes).toBase64({ alphabet: "base64url", omitPadding: true });
    expect(await ofValue({ a: 1 })).toBe(expected);
  });

  it("the digest of a payload is the same for JSON that is written in other ways", async () => {
    const digest = await ofValue({ a: [1, "é"], b: null });
    for (const text of ['{"a":[1,"é"],"b":null}', ' {\n"a" : [ 1.0, "\\u00e9" ], "b": null } '])
      expect(await ofBody(text)).toBe(digest);
    expect(await ofBody('{"b":null,"a":[1,"é"]}')).not.toBe(digest);
  });

  it("the digest of a payload tells kinds apart that have the same bytes", async () => {
    const text = '"\\ud800"';
    const bytes = new TextEncoder().encode(text);
    const digests = [
      await ofBody(text),
      await ofValue(text),
      // Kept as JSON, since UTF-8 has no lone surrogates.
      await ofValue("\ud800"),
      await ofValue(bytes),
      await ofBlocks("stream", [bytes]),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("the digest of a payload is made alike of a large one, which is not held a second time", async () => {
    const value = { text: "é€".repeat(200_000), "€": Array.from({ length: 50_000 }, (_, at) => [at, "x"]) };
    const text = JSON.stringify(value);
    const expected = createHash("sha256").update(`json\n${text}`).digest("base64url");
    expect(await ofValue(value)).toBe(expected);
    expect(await ofBody(JSON.stringify(value, null, 1))).toBe(expected);
    expect(await ofValue(new TextEncoder().encode(text))).toBe(
      createHash("sha256").update(`bytes\n${text}`).digest("base64url"),
    );
  });

  it.each([
    ["a small one", 0],
    ["a large one", 1_000_000],
  ])("the digest of a payload of JSON with a number that none can hold is that of its bytes: %s", async (_, blanks) => {
    const text = `[1e400${" ".repeat(blanks)}]`;
    const body = new TextEncoder().encode(text);
    const digest = await digestOfHeld({ kind: "json", contentType: "application/json", size: body.length, body });
    expect(digest).toBe(createHash("sha256").update(`json\n${text}`).digest("base64url"));
  });

  it("the digest of a payload does not tell containers of the same bytes apart", async () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    expect(await ofValue(bytes.buffer)).toBe(await ofValue(bytes));
    expect(await ofBody("\u0001\u0002\u0003\u0004", "image/png")).toBe(await ofValue(bytes));
  });

  it("the digest of a payload of bytes that pass by is the one of the same bytes when they are held, wherever they are cut", async () => {
    const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 251);
    const whole = await ofValue(bytes);
    for (const cut of [0, 1, 500, 1_000])
      expect(await ofBlocks("bytes", [bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(whole);
    expect(await ofBlocks("bytes", [bytes.subarray(0, 999)])).not.toBe(whole);
  });

  it("the digest of a payload has a block of its own memory: what is written into it afterwards does not count", async () => {
    const block = Uint8Array.of(1, 2, 3);
    const digest = new PassingDigest({ kind: "bytes" });
    await digest.take(block);
    block.fill(9);
    expect(await digest.end()).toBe(await ofValue(Uint8Array.of(1, 2, 3)));
  });
});
