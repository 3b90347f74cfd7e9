import { driven, NOTHING_LEFT } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  KEPT_DELIVERIES,
  KEPT_REFUSED,
  keepDeliveriesMs,
  type Delivery,
  type DeliveryFilter,
} from "../../../src/domain/delivery.ts";
import { deliveryIdFromBytes } from "../../../src/domain/ids.ts";
import { callDeliveries } from "../../../src/objects/deliveries/deliveries-client.ts";
import type { DeliveriesRpc, DeliveryPage } from "../../../src/objects/deliveries/deliveries-rpc.ts";
import { makeNewer } from "../../support/newer-tables.ts";

const START = Date.UTC(2027, 0, 1);
const HOUR = 3_600_000;
const KEPT_FOR_MS = 7 * 24 * HOUR;

let endpoint = "";
beforeEach(() => {
  endpoint = `hook-${crypto.randomUUID()}`;
  vi.setSystemTime(START);
});
afterEach(() => vi.useRealTimers());

function delivery(overrides: Partial<Delivery> = {}): Delivery {
  return {
    id: deliveryIdFromBytes(crypto.getRandomValues(new Uint8Array(16))),
    at: Date.now(),
    durationMs: 3,
    requestId: "r",
    method: "POST",
    url: "https://example.org/hook",
    params: { id: "7" },
    headers: { "content-type": "text/plain" },
    body: { bytes: Uint8Array.of(0, 255, 1), size: 3, isWhole: true },
    status: 202,
    reason: null,
    senderId: "msg_1",
    runs: [],
    replayOf: null,
    ...overrides,
  };
}

function call<T>(use: (deliveries: DeliveriesRpc) => Promise<T>): Promise<T> {
  return callDeliveries(env, endpoint, use);
}

const record = (one: Delivery, keepMs = KEPT_FOR_MS): Promise<void> =>
  call((deliveries) => deliveries.record(one, keepMs));
const list = (limit = 100, before: number | null = null, filter: DeliveryFilter = "all"): Promise<DeliveryPage> =>
  call((deliveries) => deliveries.list(limit, before, filter));
const statuses = ({ deliveries }: DeliveryPage): number[] => deliveries.map(({ delivery: { status } }) => status);
/** Refuses one request from there. */
const refuse = (address: string, overrides: Partial<Delivery> = {}, count = 1): Promise<void> =>
  call((deliveries) =>
    deliveries.refuse(delivery({ status: 401, reason: "signature_mismatch", ...overrides }), KEPT_FOR_MS, {
      address,
      count,
    }),
  );

const object = () => driven(env.DELIVERIES.getByName(endpoint));

describe("the deliveries of an endpoint", () => {
  it("the deliveries of an endpoint come out as they went in, bytes included, also after an eviction", async () => {
    const one = delivery();
    await record(one);
    await object().evict();
    expect(await list()).toEqual({ deliveries: [{ delivery: one, refused: null }], next: null });
    expect(await call((deliveries) => deliveries.read(one.id))).toEqual(one);
    expect(await call((deliveries) => deliveries.read(delivery().id))).toBeNull();
  });

  it("the deliveries of an endpoint are the last hundred, newest first, page by page, across an eviction", async () => {
    for (let index = 0; index < KEPT_DELIVERIES + 30; index += 1) {
      if (index === 70) await object().evict();
      await record(delivery({ status: 200 + index }));
    }
    const expected = Array.from({ length: KEPT_DELIVERIES }, (_, index) => 200 + KEPT_DELIVERIES + 29 - index);
    expect(statuses(await list())).toEqual(expected);
    const first = await list(60);
    const second = await list(60, first.next);
    expect([...statuses(first), ...statuses(second)]).toEqual(expected);
    expect(second.next).toBeNull();
  });

  it("the deliveries of an endpoint are kept once, however often they are recorded", async () => {
    const one = delivery();
    await record(one);
    await record(delivery({ status: 401 }));
    await record(one);
    expect(statuses(await list())).toEqual([401, 202]);
  });

  it("the deliveries of an endpoint cost one row each", async () => {
    await record(delivery());
    const rows = await object().rowsWritten(async (deliveries) => {
      for (let index = 0; index < KEPT_DELIVERIES + 1; index += 1) await deliveries.record(delivery(), KEPT_FOR_MS);
    });
    expect(rows).toBe(KEPT_DELIVERIES + 1);
  });

  it("the deliveries of an endpoint leave no trace where there were none, even if somebody asks", async () => {
    expect(await list()).toEqual({ deliveries: [], next: null });
    expect(await object().left()).toEqual(NOTHING_LEFT);
  });
});

describe("a week later", () => {
  it("a delivery is neither listed nor read, and the alarm deletes it and leaves the younger ones", async () => {
    const old = delivery({ status: 201 });
    await record(old);
    expect(await object().alarmAt()).toBe(START + KEPT_FOR_MS);
    vi.setSystemTime(START + 5 * HOUR);
    await record(delivery({ status: 202 }));
    expect(await object().alarmAt()).toBe(START + KEPT_FOR_MS);

    vi.setSystemTime(START + KEPT_FOR_MS);
    expect(statuses(await list())).toEqual([202]);
    expect(await call((deliveries) => deliveries.read(old.id))).toBeNull();
    await object().wake();
    expect(await object().alarmAt()).toBe(START + KEPT_FOR_MS + 5 * HOUR);
    vi.setSystemTime(START + 1);
    expect(statuses(await list())).toEqual([202]);
  });

  it("nothing is left, and it begins anew", async () => {
    await record(delivery());
    vi.setSystemTime(START + KEPT_FOR_MS);
    await object().wake();
    expect(await object().left()).toEqual(NOTHING_LEFT);
    await record(delivery({ status: 207 }));
    expect(statuses(await list())).toEqual([207]);
    expect(await object().alarmAt()).toBe(START + 2 * KEPT_FOR_MS);
  });

  it("deliveries that expire within an hour are deleted together a week later: an alarm is a row", async () => {
    await record(delivery());
    vi.setSystemTime(START + 60_000);
    await record(delivery());
    vi.setSystemTime(START + KEPT_FOR_MS);
    await object().wake();
    expect(await object().alarmAt()).toBe(START + KEPT_FOR_MS + HOUR);
  });
});

describe("a retention below a week", () => {
  it("a retention below a week is as long as a delivery is kept", () => {
    expect(keepDeliveriesMs({ retentionMs: 2_000 })).toBe(2_000);
    expect(keepDeliveriesMs({ retentionMs: 30 * 24 * HOUR })).toBe(KEPT_FOR_MS);
  });

  it("a retention below a week ends what is shown at once, and what is stored within a minute or a hundredth of it", async () => {
    const first = delivery({ status: 201 });
    await record(first, 2_000);
    expect(await object().alarmAt()).toBe(START + 2_000);
    vi.setSystemTime(START + 1_900);
    await record(delivery({ status: 202 }), 2_000);
    vi.setSystemTime(START + 2_000);
    expect(statuses(await list())).toEqual([202]);
    expect(await call((deliveries) => deliveries.read(first.id))).toBeNull();
    await object().wake();
    // Those that come due meanwhile go together.
    expect(await object().alarmAt()).toBe(START + 32_000);
    vi.setSystemTime(START + 32_000);
    await object().wake();
    expect(await object().left()).toEqual(NOTHING_LEFT);
  });

  it("a retention below a week that a deploy has made shorter moves the alarm, also after an eviction", async () => {
    await record(delivery());
    await object().evict();
    await record(delivery(), 5_000);
    expect(await object().alarmAt()).toBe(START + 5_000);
    await record(delivery(), 9_000);
    expect(await object().alarmAt()).toBe(START + 5_000);
  });
});

describe("refused requests", () => {
  it("refused requests push out no delivery that was let in, however many come and from wherever", async () => {
    await record(delivery());
    for (let index = 0; index < KEPT_REFUSED + 20; index += 1) await refuse(`10.0.0.${index}`);
    expect(statuses(await list(100, null, "admitted"))).toEqual([202]);
    expect(statuses(await list(200))).toEqual([...Array.from({ length: KEPT_REFUSED }, () => 401), 202]);
  });

  it("refused requests are one for all of a reason and an address, with the last of them, how many and since when", async () => {
    await refuse("10.0.0.1", { status: 401 });
    vi.setSystemTime(START + HOUR);
    await refuse("10.0.0.1", { status: 413, reason: "payload_too_large" });
    await refuse("10.0.0.2");
    await refuse("10.0.0.1", { requestId: "last" }, 40);
    const { deliveries } = await list(100, null, "refused");
    expect(deliveries.map(({ delivery: { reason, requestId }, refused }) => ({ reason, requestId, refused }))).toEqual([
      {
        reason: "signature_mismatch",
        requestId: "last",
        refused: { address: "10.0.0.1", count: 41, firstAt: START },
      },
      {
        reason: "signature_mismatch",
        requestId: "r",
        refused: { address: "10.0.0.2", count: 1, firstAt: START + HOUR },
      },
      {
        reason: "payload_too_large",
        requestId: "r",
        refused: { address: "10.0.0.1", count: 1, firstAt: START + HOUR },
      },
    ]);
  });

  it("refused requests are listed in order with the others, page by page across an eviction, and each can be read", async () => {
    await record(delivery({ status: 200 }));
    await refuse("10.0.0.1", { status: 401 });
    await object().evict();
    await record(delivery({ status: 201 }));
    const last = delivery({ status: 403 });
    await refuse("10.0.0.2", last);
    const first = await list(2);
    expect(statuses(first)).toEqual([403, 201]);
    expect(statuses(await list(2, first.next))).toEqual([401, 200]);
    expect(await call((deliveries) => deliveries.read(last.id))).toMatchObject({ status: 403 });
  });

  it("refused requests are counted once, however often the same is recorded, and cost one row", async () => {
    const one = delivery({ status: 401, reason: "unauthorized" });
    await refuse("10.0.0.1", one);
    await refuse("10.0.0.1", one);
    expect((await list()).deliveries[0]?.refused?.count).toBe(1);
    const written = await object().rowsWritten(async (deliveries) => {
      await deliveries.refuse({ ...one, id: delivery().id }, KEPT_FOR_MS, { address: "10.0.0.1", count: 1 });
      await deliveries.refuse({ ...one, id: delivery().id }, KEPT_FOR_MS, { address: "10.0.0.2", count: 1 });
    });
    expect(written).toBe(2);
  });

  it("refused requests are kept for a week after the last, and then counted anew", async () => {
    await refuse("10.0.0.1");
    vi.setSystemTime(START + KEPT_FOR_MS - 1);
    await refuse("10.0.0.1");
    vi.setSystemTime(START + 2 * KEPT_FOR_MS - 1);
    expect(await list()).toEqual({ deliveries: [], next: null });
    await refuse("10.0.0.1");
    expect((await list()).deliveries[0]?.refused).toEqual({
      address: "10.0.0.1",
      count: 1,
      firstAt: START + 2 * KEPT_FOR_MS - 1,
    });
    vi.setSystemTime(START + 3 * KEPT_FOR_MS);
    await object().wake();
    expect(await object().left()).toEqual(NOTHING_LEFT);
  });
});

describe("a schema newer than the code", () => {
  it("a schema newer than the code is refused, and says what to do", async () => {
    await record(delivery());
    await object().inside(({ storage }) => {
      makeNewer(storage, 99);
    });
    await object().evict();
    const refused = await list().catch((error: unknown) => String(error));
    expect(refused).toContain(
      "the object of deliveries has schema 99, this code knows up to 3: deploy the newer version again",
    );
  });
});

describe("a schema of the release before", () => {
  it("a schema of the release before is brought to this one, and keeps what is there", async () => {
    const one = delivery();
    await object().inside(({ storage: { sql } }) => {
      sql.exec(
        "CREATE TABLE schema_versions (version INTEGER PRIMARY KEY) STRICT; INSERT INTO schema_versions VALUES (1)",
      );
      sql.exec(`CREATE TABLE deliveries (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
        until INTEGER NOT NULL, entry TEXT NOT NULL, body BLOB NOT NULL) STRICT`);
      const { bytes, ...body } = one.body;
      const entry = JSON.stringify({ ...one, body });
      sql.exec("INSERT INTO deliveries VALUES (99, 99, ?, ?, ?, ?, ?)", one.id, START, START + HOUR, entry, bytes);
    });
    await object().evict();
    await refuse("10.0.0.1");
    await record(delivery({ status: 203 }));
    expect(statuses(await list())).toEqual([203, 401, 202]);
  });
});
