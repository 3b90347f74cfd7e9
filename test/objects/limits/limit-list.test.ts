import { driven } from "../../support/driven-object.ts";
import { expect, it } from "vitest";
import { env } from "../../support/env.ts";

it("the list of a task's limits has those in use, in order, and leaves nothing once none is", async () => {
  const list = env.LIMIT_LISTS.getByName(crypto.randomUUID());
  const tables = (): Promise<number> =>
    driven(list).inside(
      ({ storage }) => storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'listed'").toArray().length,
    );
  await list.note("concurrency", '"bob"', false);
  expect(await tables()).toBe(0);
  await list.note("rate_limit", '"ann"', true);
  await list.note("concurrency", '"bob"', true);
  await list.note("concurrency", '"ann"', true);
  const concurrency = { kind: "concurrency", key: '"ann"' };
  const rate = { kind: "rate_limit", key: '"ann"' };
  expect(await list.list(2)).toEqual([concurrency, { kind: "concurrency", key: '"bob"' }]);
  await list.note("concurrency", '"bob"', false);
  expect(await list.list(10)).toEqual([concurrency, rate]);
  await list.note("concurrency", '"ann"', false);
  expect(await list.list(10)).toEqual([rate]);
  await list.note("rate_limit", '"ann"', false);
  expect(await list.list(10)).toEqual([]);
  expect(await tables()).toBe(0);
});
