import { env } from "../../support/env.ts";
import { describe, expect, it, vi } from "vitest";
import type { LeasePayload } from "../../../src/domain/payload.ts";
import { arrayText, collectItems } from "../../../src/execution/attempt/collect-items.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { ItemOutputsPage } from "../../../src/objects/run/run-rpc.ts";
import { pieces } from "../../payloads/streams.ts";
import { attempt, leaseFor } from "../../support/attempt.ts";
import { inline } from "../../support/settlements.ts";

async function inR2(key: string, value: unknown): Promise<LeasePayload> {
  const { at: _, bytes, ...description } = { bytes: new Uint8Array(0), ...inline(value) };
  await env.PAYLOADS.put(key, bytes);
  return { ...description, at: "r2", key };
}

async function gathered(items: readonly (LeasePayload | null)[], bucket = env.PAYLOADS): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  const all = async function* (): AsyncGenerator<LeasePayload | null> {
    yield* items;
  };
  for await (const piece of arrayText(all(), bucket)) pieces.push(piece);
  return JSON.parse(await new Blob(pieces).text());
}

describe("the array of what items passed", () => {
  it("the array of what items passed has the limit keys of its children by the place of the item, on whichever page that is", async () => {
    const user = (name: string): LeasePayload => inline({ user: name });
    const pages: readonly ItemOutputsPage[] = [
      { items: [user("a"), user("b")], next: 2 },
      { items: [user("c"), null], next: null },
    ];
    let page = -1;
    const call = async (): Promise<never> => {
      page += 1;
      // oxlint-disable-next-line typescript/consistent-type-assertions
      return pages[page] as never;
    };
    const limited = ["0", "2", "3"].map((index) => ({
      child: `of ${index}`,
      each: false,
      paths: { concurrency: [index, "user"] },
    }));
    const { output, limitKeys } = await collectItems(leaseFor({ limited }), env.PAYLOADS, call);
    expect(output).toMatchObject({ at: "inline", length: 4 });
    expect(limitKeys).toEqual({ "of 0": { concurrency: '"a"' }, "of 2": { concurrency: '"c"' }, "of 3": {} });
  });

  it("the array of what items passed takes JSON of any size, and no text above 32 MB, which it would have to hold", async () => {
    const sized = async (value: unknown) => ({ ...(await inR2("gather-large", value)), size: 33_554_433 });
    expect(await gathered([await sized([1])])).toEqual([[1]]);
    const text = await sized("t");
    await expect(async () => gathered([text])).rejects.toMatchObject({ problem: { code: "payload_too_large" } });
  });

  it("the array of what items passed has them in order, wherever they lie and whatever kind they are; null stands for one that failed", async () => {
    const large = "l".repeat(300_000);
    const items = [
      inline({ a: 1 }),
      await inR2("gather-1", [2]),
      inline('te"xt\n'),
      null,
      await inR2("gather-4", "text in R2"),
      await inR2("gather-5", { large }),
      inline(null),
      inline("\ud800"),
      ...(await Promise.all(Array.from({ length: 12 }, (_, n) => inR2(`gather-many-${n}`, n)))),
    ];
    expect(await gathered(items)).toEqual([
      { a: 1 },
      [2],
      'te"xt\n',
      null,
      "text in R2",
      { large },
      null,
      "\ud800",
      ...Array.from({ length: 12 }, (_, n) => n),
    ]);
  });

  it("the array of what items passed has six objects under way at most: so many connections may wait for an answer", async () => {
    const items = await Promise.all(Array.from({ length: 30 }, (_, n) => inR2(`gather-ahead-${n}`, n)));
    let waiting = 0;
    let most = 0;
    const get = async (key: string): Promise<R2ObjectBody | null> => {
      waiting += 1;
      most = Math.max(most, waiting);
      const object = await env.PAYLOADS.get(key);
      waiting -= 1;
      return object;
    };
    const bucket: R2Bucket = Object.assign(Object.create(env.PAYLOADS), { get });
    expect(await gathered(items, bucket)).toEqual(items.map((_, n) => n));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(6);
  });

  it("the array of what items passed is not made if an object is gone", async () => {
    const item = await inR2("gather-gone", 1);
    await env.PAYLOADS.delete("gather-gone");
    await expect(gathered([inline(1), item, inline(2)])).rejects.toThrow("not in the payload bucket");
  });

  it("the array of what items passed is given up if nobody wants it any more: the large object that it was reading is closed", async () => {
    const body = pieces(...Array.from({ length: 10 }, () => new Uint8Array(1024 * 1024)));
    const size = 10 * 1024 * 1024;
    const get = async (key: string): Promise<unknown> => ({ key, size, body: body.stream });
    const bucket: R2Bucket = Object.assign(Object.create(env.PAYLOADS), { get });
    const large: LeasePayload = { ...(await inR2("gather-closed", 1)), size };
    // The page of the items; and then no: the run has been deleted.
    const answers = [{ items: [large], next: null }, false];
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const call = async (): Promise<never> => answers.shift() as never;
    await expect(collectItems(leaseFor(), bucket, call)).rejects.toThrow("the run was deleted");
    await vi.waitFor(() => expect(body.state()).toBe("cancelled"), 10_000);
  });
});

describe("the attempt that collects what items passed", () => {
  /** Collects from a run that answers like this when it is asked for the items. */
  async function collected(itemOutputs: () => Promise<ItemOutputsPage | null>, lease: Partial<Lease> = {}) {
    const runs = { getByName: () => ({ itemOutputs }) };
    const bindings: Env = Object.create(env, { RUNS: { value: runs } });
    const method = vi.fn<() => undefined>();
    const { settlement } = await attempt(method, { ...lease, collects: true }, { env: bindings });
    expect(method).not.toHaveBeenCalled();
    return settlement.outcome;
  }
  const users = async (): Promise<ItemOutputsPage> => ({ items: [inline({ user: "a" }), null], next: null });

  it("the attempt that collects what items passed brings the limit keys of the children that have some, and else none", async () => {
    const limited = [{ child: "next", each: false, paths: { concurrency: ["0", "user"] } }];
    const output = expect.objectContaining({ at: "inline", length: 2 });
    const limitKeys = { next: { concurrency: '"a"' } };
    expect(await collected(users, { limited })).toEqual({ type: "succeeded", output, to: null, limitKeys });
    expect(await collected(users)).toEqual({ type: "succeeded", output, to: null });
  });

  it("the attempt that collects what items passed is lost if it takes too long, since no code of the author has run; it fails if the items are gone", async () => {
    const { promise: silence, resolve } = Promise.withResolvers<null>();
    expect(await collected(() => silence, { timeoutMs: 20 })).toMatchObject({ type: "lost", to: "surroundings" });
    resolve(null);
    expect(await collected(async () => null)).toMatchObject({
      type: "failed",
      error: { message: expect.stringContaining('has no items of "only" any more') },
    });
  });
});
