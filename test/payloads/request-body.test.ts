import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { ProblemError, type Problem } from "../../src/domain/problem.ts";
import { type EncodedPayload, decodePayload, valueOf } from "../../src/payloads/codec.ts";
import { MAX_JSON_BODY_BYTES, encodeRequestBody } from "../../src/payloads/request-body.ts";
import { pieces } from "./streams.ts";

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

type Body = string | Uint8Array | ReadableStream<Uint8Array> | null;

async function encode(contentType: string | null, body: Body, maxBytes = NO_LIMIT): Promise<EncodedPayload | Problem> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const result = await encodeRequestBody({ contentType, contentLength: null, body: bytes }, maxBytes);
  return result.ok ? result.value : result.problem;
}

async function taken(
  contentType: string | null,
  body: Body,
): Promise<{ readonly value: unknown; readonly payload: EncodedPayload }> {
  const payload = await encode(contentType, body);
  if (!("body" in payload)) throw new Error(payload.detail);
  const bytes = new Uint8Array(await new Response(payload.body).arrayBuffer());
  return { value: decodePayload({ ...payload, size: bytes.length }, bytes), payload };
}

/** Reads a stream payload to its failure. */
async function failureOf(payload: EncodedPayload | Problem): Promise<unknown> {
  if (!("body" in payload) || payload.body instanceof Uint8Array) return "not a stream";
  try {
    for await (const _ of payload.body);
    return "no failure";
  } catch (error) {
    return error instanceof ProblemError ? error.problem.code : error;
  }
}

describe("JSON", () => {
  it.each(["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/cloudevents+json"])(
    "%s is kind json",
    async (type) => {
      const { value, payload } = await taken(type, '{"a": [1, "ü"]}');
      expect(value).toEqual({ a: [1, "ü"] });
      expect(payload).toMatchObject({ kind: "json", contentType: "application/json" });
    },
  );

  it("JSON hands over what it was parsed to once, and is parsed anew for every further reader", async () => {
    const payload = await encode("application/json", '[{"a":"€"}]');
    if (!("parsed" in payload)) throw new Error("it is not held");
    const values = [valueOf(payload), valueOf(payload), valueOf(payload)];
    expect(values).toEqual([[{ a: "€" }], [{ a: "€" }], [{ a: "€" }]]);
    expect(new Set(values).size).toBe(3);
    expect(payload.parsed?.take()).toBeNull();
  });

  it("JSON keeps the bytes as they came", async () => {
    const { payload } = await taken("application/json", '{ "id": 1.50, "id":  2e0 }');
    expect(payload.body).toEqual(new TextEncoder().encode('{ "id": 1.50, "id":  2e0 }'));
  });

  it("JSON with numbers that would come out as others is refused, with their places", async () => {
    const body = '{"order": {"id": 9007199254740993, "price": 1e400}, "name": "9007199254740993"}';
    expect(await encode("application/json", body)).toMatchObject({
      code: "invalid_payload",
      detail: expect.stringContaining("$.order.id: 9007199254740993 is beyond 2^53 - 1"),
      errors: [{ path: "$.order.id" }, { path: "$.order.price" }],
    });
    const detailOf = async (json: string): Promise<unknown> => {
      const refused = await encode("application/json", json);
      return "detail" in refused ? refused.detail.split("(send it as a string)").at(-1) : refused;
    };
    expect([await detailOf("[1e400]"), await detailOf(body)]).toEqual([".", ", and 1 more."]);
    expect(await encode("text/plain", body)).toMatchObject({ kind: "text" });
  });

  it("JSON drops a byte order mark", async () => {
    expect((await taken("application/json", '\ufeff{"a":1}')).payload.body).toEqual(
      new TextEncoder().encode('{"a":1}'),
    );
  });

  it("JSON lies in memory of its declared length, whole also if that is wrong", async () => {
    const sent = new TextEncoder().encode(`[${"1,".repeat(50_000)}1]`);
    for (const contentLength of [sent.length, 1]) {
      const body = pieces(sent.subarray(0, 60_000), sent.subarray(60_000)).stream;
      const encoded = await encodeRequestBody({ contentType: "application/json", contentLength, body }, NO_LIMIT);
      if (!encoded.ok || !(encoded.value.body instanceof Uint8Array)) throw new Error("it is held");
      expect(encoded.value.body).toEqual(sent);
      if (contentLength === sent.length) expect(encoded.value.body.buffer.byteLength).toBe(sent.length);
    }
  });

  it("JSON says where it is invalid", async () => {
    expect(await encode("application/json", '{"a": {"b": [1,\n 2,, 3]}}')).toMatchObject({
      code: "invalid_json",
      detail: 'The body is not valid JSON: line 2, column 4: expected a value, found ",".',
      errors: [{ path: "$.a.b[2]", message: 'line 2, column 4: expected a value, found ","' }],
    });
  });

  it.each([
    ["", "the body is empty"],
    [new Uint8Array([0x22, 0xff, 0x22]), "not UTF-8"],
  ])("JSON refuses %j", async (body, message) => {
    expect(await encode("application/json", body)).toMatchObject({
      code: "invalid_json",
      detail: expect.stringContaining(message),
    });
  });

  it("JSON takes 10 MiB and refuses more, also where more is allowed otherwise", async () => {
    const full = new Uint8Array(MAX_JSON_BODY_BYTES).fill(0x20);
    full[0] = 0x31;
    expect(await encode("application/json", full)).toMatchObject({ kind: "json", size: MAX_JSON_BODY_BYTES });
    const over = pieces(full, new Uint8Array([0x20]));
    expect(await encode("application/json", over.stream)).toMatchObject({
      code: "payload_too_large",
      detail: expect.stringContaining("10485760"),
    });
    expect(over.state()).toBe("cancelled");
  });

  it("JSON is also bounded by the caller's limit", async () => {
    expect(await encode("application/json", "[1234]", 6)).toMatchObject({ kind: "json" });
    expect(await encode("application/json", "[12345]", 6)).toMatchObject({
      code: "payload_too_large",
      detail: expect.stringContaining("6 bytes"),
    });
  });
});

describe("text", () => {
  it.each(["text/plain", "text/plain; charset=utf-8", 'Text/Plain;charset="UTF-8"'])(
    "%s is kind text",
    async (type) => {
      const { value, payload } = await taken(type, "ü \ufeff");
      expect(value).toBe("ü \ufeff");
      expect(payload).toMatchObject({ kind: "text", contentType: "text/plain; charset=utf-8" });
    },
  );

  it("an empty text is the empty string", async () => {
    expect((await taken("text/plain", null)).value).toBe("");
  });

  it("a large one is streamed, whatever the chunks cut", async () => {
    const bytes = new TextEncoder().encode("🍑ü".repeat(100_000));
    const { value, payload } = await taken("text/plain", pieces(bytes.slice(0, 299_999), bytes.slice(299_999)).stream);
    expect(payload.body).toBeInstanceOf(ReadableStream);
    expect(value).toBe("🍑ü".repeat(100_000));
  });

  it("text in another charset is bytes with that type", async () => {
    const { value, payload } = await taken("text/plain; charset=iso-8859-1", new Uint8Array([0xfc]));
    expect(value).toStrictEqual(new Uint8Array([0xfc]));
    expect(payload).toMatchObject({ kind: "bytes", contentType: "text/plain; charset=iso-8859-1" });
  });

  it("text refuses bytes that are not UTF-8, small at once and large while streaming", async () => {
    expect(await encode("text/plain", new Uint8Array([0xfc]))).toMatchObject({ code: "invalid_payload" });
    expect(await encode("text/plain", new Uint8Array([0xc3]))).toMatchObject({ code: "invalid_payload" });
    expect(
      await failureOf(await encode("text/plain", pieces(new Uint8Array(300_000), new Uint8Array([0xfc])).stream)),
    ).toBe("invalid_payload");
    expect(
      await failureOf(await encode("text/plain", pieces(new Uint8Array(300_000), new Uint8Array([0xc3])).stream)),
    ).toBe("invalid_payload");
  });
});

describe("everything else", () => {
  it("no type and no bytes is null", async () => {
    expect((await taken(null, null)).value).toBeNull();
    expect((await taken("", new Uint8Array(0))).value).toBeNull();
  });

  it("no type and some bytes is bytes", async () => {
    const { value, payload } = await taken(null, "x");
    expect(value).toStrictEqual(new Uint8Array([0x78]));
    expect(payload).toMatchObject({ kind: "bytes", contentType: "application/octet-stream" });
  });

  it.each(["audio/mpeg", "multipart/form-data; boundary=AbC", "text/html", "application/jsonl"])(
    "%s is bytes of that type",
    async (type) => {
      expect((await taken(type, "x")).payload).toMatchObject({ kind: "bytes", form: "Uint8Array", contentType: type });
    },
  );

  it("an empty body with a type is no bytes of that type", async () => {
    expect((await taken("audio/mpeg", null)).payload).toMatchObject({
      kind: "bytes",
      size: 0,
      contentType: "audio/mpeg",
    });
  });

  it("bytes come out as they went in, in whatever chunks", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })), async (chunks) => {
        const { value } = await taken(
          "application/octet-stream",
          pieces(...chunks.map((chunk) => chunk.slice())).stream,
        );
        expect(value).toStrictEqual(new Uint8Array(chunks.flatMap((chunk) => [...chunk])));
      }),
    );
  });

  it("a large body is streamed, and not read before it is asked for", async () => {
    const source = pieces(new Uint8Array(300_000), new Uint8Array(300_000), new Uint8Array(300_000));
    const payload = await encode("audio/mpeg", source.stream);
    expect(payload).toMatchObject({ kind: "bytes", contentType: "audio/mpeg", size: null });
    expect(source.given()).toBe(1);
    if ("body" in payload) expect((await new Response(payload.body).arrayBuffer()).byteLength).toBe(900_000);
  });

  it("a body over the limit is refused: by its declared length, at once, or while streaming", async () => {
    const declared = await encodeRequestBody(
      { contentType: "audio/mpeg", contentLength: 11, body: new Uint8Array(1) },
      10,
    );
    expect(declared).toMatchObject({ ok: false, problem: { code: "payload_too_large" } });
    expect(await encode("audio/mpeg", new Uint8Array(11), 10)).toMatchObject({ code: "payload_too_large" });
    const source = pieces(...Array.from({ length: 5 }, () => new Uint8Array(300_000)));
    expect(await failureOf(await encode("audio/mpeg", source.stream, 1_000_000))).toBe("payload_too_large");
    expect(source.state()).toBe("cancelled");
    expect(
      await failureOf(
        await encode("audio/mpeg", pieces(new Uint8Array(500_000), new Uint8Array(500_000)).stream, 1_000_000),
      ),
    ).toBe("no failure");
  });

  it.each([
    ["held", 10, [4, 6]],
    ["held, in one chunk", 10, [10]],
    ["as large as is held", 262_144, [262_144]],
    ["streamed", 300_000, [200_000, 100_000]],
    ["streamed, in one chunk", 300_000, [300_000]],
  ] as const)(
    "a body of exactly the limit is taken whole, and one of a byte more is refused: %s",
    async (_, limit, sizes) => {
      const blocks = sizes.map((size) => new Uint8Array(size).fill(0x78));
      for (const type of ["audio/mpeg", "text/plain"]) {
        const payload = await encode(type, pieces(...blocks).stream, limit);
        if (!("body" in payload)) throw new Error(payload.detail);
        expect((await new Response(payload.body).arrayBuffer()).byteLength).toBe(limit);
        const over = await encode(type, pieces(...blocks, Uint8Array.of(0x78)).stream, limit);
        expect("body" in over ? await failureOf(over) : over.code).toBe("payload_too_large");
      }
    },
  );

  it("a client that goes away is an error of the body, not of the payload", async () => {
    const gone = new Error("client disconnected");
    expect(await failureOf(await encode("audio/mpeg", pieces(new Uint8Array(300_000), gone).stream))).toBe(gone);
  });

  it("a content type longer than 255 characters is refused", async () => {
    expect(await encode(`audio/${"x".repeat(300)}`, null)).toMatchObject({ code: "invalid_request" });
  });
});
