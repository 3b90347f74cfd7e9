import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { decodeBody } from "../../src/payloads/content-encoding.ts";
import { pieces } from "./streams.ts";

const gone = new TypeError("client disconnected");

it.each([
  ["an error, as it is", gone, gone],
  ["anything else, as an error", "client disconnected", new Error("client disconnected")],
])("a compressed body that breaks off fails with what it broke off with: %s", async (_, thrown, expected) => {
  const half = gzipSync(new Uint8Array(1_000)).subarray(0, 12);
  let isBroken = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isBroken) controller.error(thrown);
      else controller.enqueue(half);
      isBroken = true;
    },
  });
  await expect(new Response(decodeBody(body, "gzip")).arrayBuffer()).rejects.toStrictEqual(expected);
});

it("a compressed body whose reader stops in the middle is cancelled, also before anything was read", async () => {
  const compressed = gzipSync(crypto.getRandomValues(new Uint8Array(60_000)));
  const chunks = Array.from({ length: 60 }, (_, at) => compressed.subarray(at * 1_000, (at + 1) * 1_000));
  for (const isBegun of [false, true]) {
    const source = pieces(...chunks);
    const reader = decodeBody(source.stream, "gzip").getReader();
    if (isBegun) await reader.read();
    await reader.cancel();
    expect(source.state()).toBe("cancelled");
  }
});
