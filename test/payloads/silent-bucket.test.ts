import { env } from "../support/env.ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fetchStream } from "../../src/payloads/payload-download.ts";
import { callR2, PayloadStoreError } from "../../src/payloads/r2-calls.ts";
import { passUntil, silence, stopTimers } from "../support/silence.ts";

beforeEach(() => {
  stopTimers();
  // No pauses between tries.
  vi.stubGlobal("scheduler", { wait: async () => undefined });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("a call that R2 does not answer is made once more, and given up after a minute", async () => {
  const call = vi.fn(() => silence());
  const failed = callR2("keep it", call).catch((error: unknown) => error);
  expect(await passUntil(failed, 1_000)).toBe(60_000);
  expect(await failed).toBeInstanceOf(PayloadStoreError);
  expect(String(await failed)).toContain("R2 was not answered within 30000 ms");
  expect(call).toHaveBeenCalledTimes(2);
});

it("a stream whose object stops in the middle goes on where it was, and takes nothing of the read that was given up", async () => {
  const late = Promise.withResolvers<Uint8Array>();
  const begun: number[] = [];
  const bucket: R2Bucket = Object.assign(Object.create(env.PAYLOADS), {
    get: async (key: string, options?: { range: { offset: number } }) => {
      const offset = options?.range.offset ?? 0;
      begun.push(offset);
      let pulls = 0;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          pulls += 1;
          if (offset === 0 && pulls === 2) controller.enqueue(await late.promise);
          else if (pulls > 1) controller.close();
          else controller.enqueue(new TextEncoder().encode(offset === 0 ? "abc" : "def"));
        },
      });
      return { key, size: 6, body };
    },
  });
  const text = new Response(await fetchStream(bucket, "k")).text();
  expect(await passUntil(text, 1_000)).toBe(25_000);
  late.resolve(new TextEncoder().encode("xyz"));
  expect(await text).toBe("abcdef");
  expect(begun).toEqual([0, 3]);
});
