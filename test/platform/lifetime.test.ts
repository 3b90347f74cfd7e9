import { afterEach, describe, expect, it, vi } from "vitest";
import { BackgroundWork } from "../../src/platform/lifetime.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("work in the background of an attempt", () => {
  it("work in the background of an attempt that fails is logged at once, and no rejection is left for anybody to handle", async () => {
    const written = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const background = new BackgroundWork();
    background.waitUntil(Promise.reject(new Error("the run cannot be reached")));
    await new Promise((resolve) => setImmediate(resolve));
    expect(written.mock.calls).toEqual([
      ['{"message":"work in the background of an attempt failed","error":"Error: the run cannot be reached"}'],
    ]);
    await expect(background.ended()).resolves.toBeUndefined();
  });

  it("work in the background of an attempt is waited for, with the work that it adds itself", async () => {
    const background = new BackgroundWork();
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const order: string[] = [];
    const work = async (): Promise<void> => {
      await first.promise;
      order.push("first");
      background.waitUntil(second.promise.then(() => order.push("second")));
    };
    background.waitUntil(work());
    const ended = background.ended().then(() => order.push("ended"));
    first.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["first"]);
    second.resolve();
    await ended;
    expect(order).toEqual(["first", "second", "ended"]);
  });
});
