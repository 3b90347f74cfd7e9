import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type CachePlace, ResultCache } from "../../src/http/recommendations/cache.ts";
import type { Computed } from "../../src/http/recommendations/component-call.ts";
import { planOf } from "../support/plan.ts";
import { requestContext } from "../support/request-context.ts";

const START = Date.UTC(2027, 0, 1);
const resultOf = (json: string): Computed => ({ json, run: null });

let place: CachePlace;
beforeEach(() => {
  vi.setSystemTime(START);
  place = { key: [crypto.randomUUID()], keepMs: 60_000, timeoutMs: 1_000 };
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A cache whose results a test gives, in the order in which they are asked for. */
async function cacheOf() {
  const c = await requestContext();
  const cache = new ResultCache(planOf([]));
  const asked: PromiseWithResolvers<Computed>[] = [];
  const compute = async (): Promise<Computed> => {
    const next = Promise.withResolvers<Computed>();
    asked.push(next);
    return next.promise;
  };
  return { asked, get: () => cache.get(c, place, compute) };
}

it("a result is given to further requests while it is being stored", async () => {
  const { promise: stored, resolve: endStoring } = Promise.withResolvers<undefined>();
  const put = vi.spyOn(caches.default, "put").mockReturnValue(stored);
  const { asked, get } = await cacheOf();
  const first = get();
  await vi.waitFor(() => expect(asked).toHaveLength(1), 10_000);
  asked[0]?.resolve(resultOf("1"));
  expect(await first).toMatchObject({ computed: { json: "1" }, isHit: false });
  await vi.waitFor(() => expect(put).toHaveBeenCalledOnce(), 10_000);
  expect(await get()).toEqual({ computed: resultOf("1"), isHit: true });
  expect(asked).toHaveLength(1);
  endStoring(undefined);
});

it("a request waits for another one until half a second after the time of the component; then the component is asked again, and the late result of the first is no longer waited for", async () => {
  const { asked, get } = await cacheOf();
  const first = get();
  await vi.waitFor(() => expect(asked).toHaveLength(1), 10_000);
  vi.setSystemTime(START + 1_499);
  await expect(get()).rejects.toThrow("has not answered within 1 ms");
  expect(asked).toHaveLength(1);

  vi.setSystemTime(START + 1_500);
  const second = get();
  await vi.waitFor(() => expect(asked).toHaveLength(2), 10_000);
  asked[0]?.reject(new Error("too late"));
  await expect(first).rejects.toThrow("too late");
  const third = get();
  asked[1]?.resolve(resultOf("2"));
  expect(await second).toMatchObject({ computed: { json: "2" }, isHit: false });
  expect(await third).toEqual({ computed: resultOf("2"), isHit: true });
  expect(asked).toHaveLength(2);
});

it.each([
  [60_000, "max-age=60"],
  [1_500, "max-age=2"],
])("a result that is kept for %i ms is stored with %s, and with its run only if it has one", async (keepMs, maxAge) => {
  place = { ...place, keepMs };
  const put = vi.spyOn(caches.default, "put").mockResolvedValue();
  const { asked, get } = await cacheOf();
  const result = get();
  await vi.waitFor(() => expect(asked).toHaveLength(1), 10_000);
  asked[0]?.resolve(resultOf("[1]"));
  await result;
  await vi.waitFor(() => expect(put).toHaveBeenCalledOnce(), 10_000);
  const stored = put.mock.calls[0]?.[1];
  expect(await stored?.text()).toBe("[1]");
  expect(Object.fromEntries(stored?.headers ?? [])).toEqual({
    "cache-control": maxAge,
    "content-type": "application/json",
  });
});
