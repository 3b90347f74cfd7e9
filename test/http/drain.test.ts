import { describe, expect, it } from "vitest";
import { drained } from "../../src/http/drain.ts";

/** A request that sends three chunks, and how many of them were taken. */
function sending(): { readonly request: Request; readonly taken: () => number } {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken === 3) return controller.close();
        taken += 1;
        controller.enqueue(new Uint8Array(1_000));
      },
    },
    { highWaterMark: 0 },
  );
  return { request: new Request("https://peach.test/", { method: "POST", body }), taken: () => taken };
}

describe("what is left of a request's body", () => {
  it("is read before the answer goes out", async () => {
    const { request, taken } = sending();
    expect((await drained(request, new Response(null, { status: 413 }))).status).toBe(413);
    expect(taken()).toBe(3);
  });

  it("is read too when there is no answer", async () => {
    const { request, taken } = sending();
    await expect((async () => drained(request, Promise.reject(new Error("no answer"))))()).rejects.toThrow("no answer");
    expect(taken()).toBe(3);
  });

  it("is left to who has begun to read it", async () => {
    const { request } = sending();
    const reader = request.body?.getReader();
    await reader?.read();
    expect((await drained(request, new Response("ok"))).status).toBe(200);
    expect((await reader?.read())?.value).toHaveLength(1_000);
  });
});
