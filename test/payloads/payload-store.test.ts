import { env } from "../support/env.ts";
import { fc } from "../support/property.ts";
import { describe, expect, it, vi } from "vitest";
import { type RunId, runIdFromBytes } from "../../src/domain/ids.ts";
import type { LeasePayload, NewPayload } from "../../src/domain/payload.ts";
import { ProblemError } from "../../src/domain/problem.ts";
import { encodePayload } from "../../src/payloads/codec.ts";
import {
  attemptPayloadKey,
  deleteRunPayloads,
  openPayload,
  openPayloadStream,
  storePayload,
  triggerPayloadKey,
} from "../../src/payloads/payload-store.ts";
import { ParsedValue } from "../../src/payloads/parsed-value.ts";
import { PART_BYTES } from "../../src/payloads/payload-upload.ts";
import { PayloadMissingError, PayloadStoreError } from "../../src/payloads/r2-calls.ts";
import { IS_LONG } from "../support/long.ts";
import { FailingBucket } from "./failing-bucket.ts";
import { pieces } from "./streams.ts";

const INLINE_LIMIT = 1024;
const MIB = 1024 * 1024;
/** Of several parts. */
const LARGE = (IS_LONG ? 64 : 24) * MIB;
/** More than R2 lists, or deletes, at once: 1,000. */
const OBJECTS = IS_LONG ? 2_500 : 1_100;

function newRun(): RunId {
  return runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
}

function newKey(): string {
  return attemptPayloadKey(newRun(), 0, 1, 1, "");
}

async function newPayload(
  value: unknown,
  key = newKey(),
  bucket = env.PAYLOADS,
  inlineLimit = INLINE_LIMIT,
): Promise<NewPayload> {
  const encoded = encodePayload(value);
  if (!encoded.ok) throw new Error(encoded.problem.detail);
  return storePayload(bucket, key, encoded.value, inlineLimit);
}

function noHeld(): Promise<Uint8Array> {
  return Promise.reject(new Error("nothing is held"));
}

function open(payload: LeasePayload, bucket = env.PAYLOADS): Promise<unknown> {
  return openPayload(bucket, payload, noHeld);
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

async function bytesOf(stream: unknown): Promise<Uint8Array> {
  if (!(stream instanceof ReadableStream)) throw new Error("not a stream");
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe("keys", () => {
  it("the store lets go of what a body was parsed to before it is stored", async () => {
    const parsed = new ParsedValue({ a: 1 });
    const payload = {
      kind: "json",
      contentType: "application/json",
      size: 7,
      body: new Uint8Array(7),
      parsed,
    } as const;
    const beforePut = vi.fn<() => Promise<void>>(async () => expect(parsed.take()).toBeNull());
    await storePayload(env.PAYLOADS, newKey(), payload, 0, beforePut);
    expect(beforePut).toHaveBeenCalledOnce();
  });

  it("keys lie under the run, one for each attempt and child", () => {
    const run = newRun();
    expect(triggerPayloadKey(run, "n1", 2)).toBe(`runs/${run}/trigger-n1/2`);
    expect(attemptPayloadKey(run, 2, 3, 4, "")).toBe(`runs/${run}/2/3-4`);
    expect(attemptPayloadKey(run, 2, 3, 4, "child_a-1")).toBe(`runs/${run}/2/3-4/child_a-1`);
  });
});

describe("inline or R2", () => {
  it("a payload of the inline limit rides inline, one byte more goes to R2", async () => {
    expect(await newPayload(new Uint8Array(INLINE_LIMIT))).toMatchObject({ at: "inline", size: INLINE_LIMIT });
    const key = newKey();
    expect(await newPayload(new Uint8Array(INLINE_LIMIT + 1), key)).toEqual({
      at: "r2",
      key,
      kind: "bytes",
      form: "Uint8Array",
      size: INLINE_LIMIT + 1,
      contentType: "application/octet-stream",
    });
    expect((await env.PAYLOADS.head(key))?.httpMetadata?.contentType).toBe("application/octet-stream");
  });

  it("a limit of 0 sends every payload to R2, also an empty one", async () => {
    expect(await newPayload(null, newKey(), env.PAYLOADS, 0)).toMatchObject({ at: "r2", size: 4 });
    const empty = await newPayload("", newKey(), env.PAYLOADS, 0);
    expect(empty).toMatchObject({ at: "r2", size: 0 });
    expect(await open(empty)).toBe("");
  });

  it("an inline view takes nothing else of its buffer along", async () => {
    const payload = await newPayload(new Uint8Array(100_000).subarray(10, 20));
    if (payload.at !== "inline") throw new Error("not inline");
    expect(payload.bytes.buffer.byteLength).toBe(10);
  });

  it("a small stream rides inline, too", async () => {
    const payload = await newPayload(pieces(new Uint8Array([1]), new Uint8Array([2, 3])).stream);
    expect(payload).toMatchObject({ at: "inline", kind: "stream", size: 3, bytes: new Uint8Array([1, 2, 3]) });
    expect(await bytesOf(await open(payload))).toEqual(new Uint8Array([1, 2, 3]));
  });

  it("a Blob in R2 keeps its type", async () => {
    const payload = await newPayload(new Blob([new Uint8Array(5000)], { type: "audio/mpeg" }));
    expect(payload).toMatchObject({ at: "r2", kind: "bytes", form: "Blob", contentType: "audio/mpeg", size: 5000 });
    expect(await open(payload)).toMatchObject({ size: 5000, type: "audio/mpeg" });
  });

  it("any payload comes out as it went in, inline and from R2", async () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: "binary" }),
      fc.uint8Array(),
      fc.float64Array(),
      fc.constant(undefined),
    );
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom(0, 1_000_000), async (value, inlineLimit) => {
        const stored = await newPayload(value, newKey(), env.PAYLOADS, inlineLimit);
        expect(stored.at).toBe(inlineLimit === 0 ? "r2" : "inline");
        expect(await open(stored)).toStrictEqual(value === undefined ? null : value);
      }),
    );
  });

  it("what one reader changes, another does not see", async () => {
    const payload = await newPayload(new Uint8Array([1, 2]));
    const first = await open(payload);
    if (first instanceof Uint8Array) first[0] = 9;
    expect(await open(payload)).toEqual(new Uint8Array([1, 2]));
  });

  it("bytes that the run object holds are asked for by their place", async () => {
    const held: LeasePayload = {
      at: "held",
      seq: 7,
      offset: 3,
      kind: "text",
      size: 2,
      contentType: "text/plain; charset=utf-8",
    };
    const asked: number[][] = [];
    const reader = (...place: [number, number, number]): Promise<Uint8Array> => {
      asked.push(place);
      return Promise.resolve(new TextEncoder().encode("ok"));
    };
    expect(await openPayload(env.PAYLOADS, held, reader)).toBe("ok");
    expect(await bytesOf(await openPayloadStream(env.PAYLOADS, held, reader))).toEqual(new TextEncoder().encode("ok"));
    expect(asked).toEqual([
      [7, 3, 2],
      [7, 3, 2],
    ]);
  });

  it("every kind opens as a stream of its bytes", async () => {
    const json = await newPayload({ a: 1 });
    expect(await bytesOf(await openPayloadStream(env.PAYLOADS, json, noHeld))).toEqual(
      new TextEncoder().encode('{"a":1}'),
    );
    const text = await newPayload("x".repeat(5000));
    expect(await bytesOf(await openPayloadStream(env.PAYLOADS, text, noHeld))).toEqual(
      new TextEncoder().encode("x".repeat(5000)),
    );
  });
});

describe("large streams", () => {
  it(
    `a stream of ${LARGE / MIB} MiB passes through two tasks unchanged, with one part of it held at a time`,
    { timeout: 60_000 },
    async () => {
      const sent = new crypto.DigestStream("SHA-256");
      const sentWriter = sent.getWriter();
      let made = 0;
      let uploaded = 0;
      let ahead = 0;
      const stream = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (made === LARGE) {
              await sentWriter.close();
              controller.close();
              return;
            }
            const chunk = crypto.getRandomValues(new Uint8Array(65_536));
            made += chunk.length;
            ahead = Math.max(ahead, made - uploaded);
            await sentWriter.write(chunk);
            controller.enqueue(chunk);
          },
        },
        { highWaterMark: 0 },
      );
      const counting = new FailingBucket(env.PAYLOADS);
      counting.onAnswer = (call) => {
        if (call === "uploadPart") uploaded += PART_BYTES;
      };
      const first = await newPayload(stream, newKey(), counting.bucket);
      expect(first).toMatchObject({ at: "r2", kind: "stream", size: LARGE });
      expect(counting.count("uploadPart")).toBe(LARGE / PART_BYTES);
      expect(ahead).toBeLessThanOrEqual(PART_BYTES + 65_536);

      const second = await newPayload(await open(first));
      const received = new crypto.DigestStream("SHA-256");
      const out = await open(second);
      if (out instanceof ReadableStream) await out.pipeTo(received);
      expect(new Uint8Array(await received.digest)).toEqual(new Uint8Array(await sent.digest));
    },
  );

  it.each([PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])(
    "%i bytes in chunks that fit no part come out as they went in",
    async (size) => {
      const bytes = new Uint8Array(size).map((_, index) => index % 251);
      const cut = Math.floor(size / 3);
      const payload = await newPayload(pieces(bytes.slice(0, cut), new Uint8Array(0), bytes.slice(cut)).stream);
      expect(payload).toMatchObject({ at: "r2", size });
      const out = await bytesOf(await open(payload));
      expect(out.length).toBe(size);
      expect(out.every((byte, index) => byte === index % 251)).toBe(true);
    },
  );

  it.each([500, 5000])("a stream of %i bytes that was opened can be put into a bucket as it is", async (size) => {
    const payload = await newPayload(new Uint8Array(size).fill(7));
    const stream = await openPayloadStream(env.PAYLOADS, payload, noHeld);
    await env.PAYLOADS.put("elsewhere", stream);
    expect((await env.PAYLOADS.head("elsewhere"))?.size).toBe(size);
  });

  it("a stream that was opened and let go holds nothing up", async () => {
    const payload = await newPayload(new Uint8Array(5000));
    const stream = await openPayloadStream(env.PAYLOADS, payload, noHeld);
    await stream.cancel("enough");
    expect(await open(payload)).toHaveLength(5000);
  });

  it("the author's own error comes through as it is, and leaves no object", async () => {
    const mine = new RangeError("my stream broke");
    const key = newKey();
    expect(await failureOf(newPayload(pieces(new Uint8Array(10), mine).stream, key))).toBe(mine);
    const real = new FailingBucket(env.PAYLOADS);
    expect(await failureOf(newPayload(pieces(new Uint8Array(PART_BYTES + 1), mine).stream, key, real.bucket))).toBe(
      mine,
    );
    expect(real.calls).toEqual(["createMultipartUpload", "uploadPart", "abort"]);
    expect(await env.PAYLOADS.head(key)).toBeNull();
  });

  it.each([
    ["type string", "text"],
    ["type Date", new Date(0)],
    ["type object", null],
  ])("a chunk that is not bytes is the author's error, and ends his stream: %s", async (said, chunk) => {
    let cancelled = false;
    const others = new ReadableStream({
      pull: (controller) => controller.enqueue(chunk),
      cancel: () => {
        cancelled = true;
      },
    });
    const error = await failureOf(newPayload(others));
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      problem: { code: "payload_not_serializable", detail: expect.stringContaining(`${said}.`) },
    });
    expect(cancelled).toBe(true);
  });
});

describe("when R2 fails", () => {
  it("a put is tried again", async () => {
    const failing = new FailingBucket(env.PAYLOADS, { call: "put", times: 2, when: "before" });
    const payload = await newPayload(new Uint8Array(5000).fill(3), newKey(), failing.bucket);
    expect(failing.count("put")).toBe(3);
    expect(await open(payload)).toEqual(new Uint8Array(5000).fill(3));
  });

  it.each(["createMultipartUpload", "uploadPart", "complete"])(
    "%s is tried again, and the stream is whole",
    async (call) => {
      for (const when of ["before", "after"] as const) {
        const failing = new FailingBucket(env.PAYLOADS, { call, times: 1, when });
        const payload = await newPayload(
          pieces(new Uint8Array(PART_BYTES).fill(1), new Uint8Array([2])).stream,
          newKey(),
          failing.bucket,
        );
        expect(payload).toMatchObject({ at: "r2", size: PART_BYTES + 1 });
        const out = await bytesOf(await open(payload));
        expect([out.length, out[0], out.at(-2), out.at(-1)]).toEqual([PART_BYTES + 1, 1, 1, 2]);
      }
    },
  );

  it(
    "an R2 that keeps failing gives the store's error, and lets the author's stream go",
    { timeout: 15_000 },
    async () => {
      const down = { times: Number.POSITIVE_INFINITY, when: "before" } as const;
      const key = newKey();
      const source = pieces(new Uint8Array(PART_BYTES), new Uint8Array(PART_BYTES));
      const noParts = new FailingBucket(env.PAYLOADS, { call: "uploadPart", ...down });
      const [put, part, get] = await Promise.all([
        failureOf(
          newPayload(new Uint8Array(5000), key, new FailingBucket(env.PAYLOADS, { call: "put", ...down }).bucket),
        ),
        failureOf(newPayload(source.stream, key, noParts.bucket)),
        failureOf(
          open(
            { at: "r2", key, kind: "json", size: 1, contentType: "application/json" },
            new FailingBucket(env.PAYLOADS, { call: "get", ...down }).bucket,
          ),
        ),
      ]);
      for (const error of [put, part, get]) expect(error).toBeInstanceOf(PayloadStoreError);
      expect(put).toMatchObject({
        name: "PayloadStoreError",
        message: `R2 could not store the payload ${key}: put: We encountered an internal error. (10001)`,
      });
      expect(noParts.calls.at(-1)).toBe("abort");
      expect(source.state()).toBe("cancelled");
    },
  );

  it("a stream goes on where it was when R2 fails in the middle of a read", async () => {
    const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
    const payload = await newPayload(bytes);
    const failing = new FailingBucket(env.PAYLOADS);
    failing.breakBodiesAfterBytes = 100_000;
    expect(await bytesOf(await openPayloadStream(failing.bucket, payload, noHeld))).toEqual(bytes);
    expect(failing.count("get")).toBeGreaterThan(1);
  });

  it("an object that is gone is an error of its own, naming key and meaning", async () => {
    for (const kind of ["text", "stream"] as const) {
      const error = await failureOf(open({ at: "r2", key: "runs/x/0/1-1", kind, size: 1, contentType: "text/plain" }));
      expect(error).toBeInstanceOf(PayloadMissingError);
      expect(error).toMatchObject({
        message: expect.stringMatching(/runs\/x\/0\/1-1 is not in the payload bucket.*retention/),
      });
    }
  });
});

describe("deletion", () => {
  it(
    `deletion takes all ${OBJECTS} objects of a run and nothing of another; again changes nothing`,
    { timeout: 60_000 },
    async () => {
      const run = newRun();
      const other = newRun();
      const keys = Array.from({ length: OBJECTS }, (_, ordinal) => attemptPayloadKey(run, ordinal, 1, 1, ""));
      const waiting = keys.values();
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          for (const key of waiting) await env.PAYLOADS.put(key, "x");
        }),
      );
      await env.PAYLOADS.put(triggerPayloadKey(other, "n", 1), "x");
      await deleteRunPayloads(env.PAYLOADS, run);
      expect((await env.PAYLOADS.list({ prefix: `runs/${run}/` })).objects).toEqual([]);
      expect(await env.PAYLOADS.head(triggerPayloadKey(other, "n", 1))).not.toBeNull();
      await deleteRunPayloads(env.PAYLOADS, run);
    },
  );

  it("deletion leaves what the coming run has announced and stored while it is found out what there is", async () => {
    const run = newRun();
    const [former, coming] = [triggerPayloadKey(run, "former", 1), triggerPayloadKey(run, "coming", 1)];
    await env.PAYLOADS.put(former, "x");
    const announced: string[] = [];
    const list = env.PAYLOADS.list.bind(env.PAYLOADS);
    vi.spyOn(env.PAYLOADS, "list").mockImplementationOnce(async (options) => {
      announced.push("coming");
      await env.PAYLOADS.put(coming, "x");
      return list(options);
    });
    await deleteRunPayloads(env.PAYLOADS, run, undefined, () => announced);
    expect(await env.PAYLOADS.head(former)).toBeNull();
    expect(await env.PAYLOADS.head(coming)).not.toBeNull();
  });
});
