import { driven, NOTHING_LEFT } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { objectIds } from "../../support/object-ids.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callSignedDeliveries } from "../../../src/objects/deliveries/signed-client.ts";
import type { Begun, KeptAnswer } from "../../../src/domain/signed-delivery.ts";

const START = Date.UTC(2027, 0, 1);
const DAY = 86_400_000;
const WEEK = 7 * DAY;
const LEASE = 60_000;
const DIGEST = "a".repeat(64);
const ANSWER: KeptAnswer = { status: 202, content: { type: "application/json", text: '{"runs":[]}' } };

let endpoint = "";
beforeEach(() => {
  endpoint = `hook-${crypto.randomUUID()}`;
  vi.setSystemTime(START);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const begin = (token: string, { waitMs = 0, digest = DIGEST } = {}): Promise<Begun> =>
  callSignedDeliveries(env, endpoint, digest, (signed) => signed.begin(digest, token, LEASE, waitMs));
const finish = (token: string, answer = ANSWER, keepMs = WEEK): Promise<void> =>
  callSignedDeliveries(env, endpoint, DIGEST, (signed) => signed.finish(DIGEST, token, answer, keepMs));
const forget = (token: string): Promise<void> =>
  callSignedDeliveries(env, endpoint, DIGEST, (signed) => signed.forget(DIGEST, token));
const object = () => driven(env.DELIVERIES.getByName(`${endpoint}/a`));
const rows = (): Promise<unknown[]> =>
  object().inside(({ storage }) =>
    storage.sql.exec("SELECT digest, status, answer FROM signed ORDER BY digest").toArray(),
  );

describe("a signed delivery", () => {
  it("a signed delivery is answered by the first who begins; who comes later gets that answer, for a week, across an eviction", async () => {
    expect(await begin("one")).toEqual({ type: "first" });
    await finish("one");
    await object().evict();
    vi.setSystemTime(START + WEEK - 1);
    expect(await begin("two")).toEqual({ type: "answered", answer: ANSWER });
    vi.setSystemTime(START + WEEK);
    expect(await begin("three")).toEqual({ type: "first" });
  });

  it("a signed delivery is first again for a call that is made again because its answer was lost", async () => {
    await begin("one");
    expect(await begin("one")).toEqual({ type: "first" });
    await finish("one");
    await finish("one", { status: 500, content: null });
    expect(await begin("two")).toEqual({ type: "answered", answer: ANSWER });
  });

  it("a signed delivery is first again once its method has failed", async () => {
    await begin("one");
    await forget("one");
    expect(await begin("two")).toEqual({ type: "first" });
    // Late calls of the one before change nothing.
    await forget("one");
    await finish("one");
    expect(await begin("three")).toEqual({ type: "under_way" });
  });

  it("a signed delivery is first again when its holder is not heard of before its lease ends", async () => {
    await begin("one");
    vi.setSystemTime(START + LEASE - 1);
    expect(await begin("two")).toEqual({ type: "under_way" });
    vi.setSystemTime(START + LEASE);
    expect(await begin("two")).toEqual({ type: "first" });
    await finish("one", { status: 200, content: null });
    await finish("two");
    expect(await begin("three")).toEqual({ type: "answered", answer: ANSWER });
  });

  it("a signed delivery that comes while it is answered waits, and gets the answer", async () => {
    await begin("one");
    const others = ["two", "three"].map((token) => begin(token, { waitMs: 60_000 }));
    await finish("one");
    expect(await Promise.all(others)).toEqual([
      { type: "answered", answer: ANSWER },
      { type: "answered", answer: ANSWER },
    ]);
  });

  it("a signed delivery that comes while it is answered is the first if that failed, and only one of them", async () => {
    await begin("one");
    const others = ["two", "three"].map((token) => begin(token, { waitMs: 50 }));
    await forget("one");
    expect((await Promise.all(others)).map(({ type }) => type).toSorted()).toEqual(["first", "under_way"]);
  });

  it("a signed delivery of a hundred at once is first for one", async () => {
    const all = await Promise.all(Array.from({ length: 100 }, (_, index) => begin(`token ${index}`)));
    expect(all.filter(({ type }) => type === "first")).toHaveLength(1);
  });

  it("a signed delivery that is another, or of another endpoint, is none of it", async () => {
    await begin("one");
    expect(await begin("two", { digest: `a${"b".repeat(63)}` })).toEqual({ type: "first" });
    expect(await begin("three", { digest: "b".repeat(64) })).toEqual({ type: "first" });
    endpoint += "-other";
    expect(await begin("four")).toEqual({ type: "first" });
  });

  it("a signed delivery costs two rows, and one more when it is deleted; a repeated one none", async () => {
    await begin("before", { digest: `a${"0".repeat(63)}` });
    const other = `a${"1".repeat(63)}`;
    const rows = (work: Parameters<ReturnType<typeof object>["rowsWritten"]>[0]) => object().rowsWritten(work);
    expect(await rows((signed) => signed.begin(DIGEST, "one", LEASE, 0))).toBe(1);
    expect(await rows((signed) => signed.finish(DIGEST, "one", ANSWER, WEEK))).toBe(1);
    expect(await rows((signed) => signed.begin(DIGEST, "two", LEASE, 0))).toBe(0);
    await begin("three", { digest: other });
    expect(await rows((signed) => signed.forget(other, "three"))).toBe(1);
  });
});

describe("what is kept of a signed delivery", () => {
  it("what is kept of a signed delivery is nothing a week after its answer, in any table", async () => {
    await begin("one");
    await finish("one");
    vi.setSystemTime(START + WEEK);
    await object().wake();
    expect(await object().left()).toEqual(NOTHING_LEFT);
  });

  it("what is kept of a signed delivery is a digest once the retention of runs is over: the answer is not shown, and gone within a hundredth", async () => {
    await begin("one");
    await finish("one", ANSWER, DAY);
    vi.setSystemTime(START + DAY);
    expect(await begin("two")).toEqual({ type: "answered", answer: { status: 202, content: null } });
    await object().wake();
    expect(await rows()).toEqual([{ digest: DIGEST, status: 202, answer: null }]);
    expect(await object().alarmAt()).toBe(START + WEEK);
  });

  it("what is kept of a signed delivery is gone with the week also if its holder was never heard of again", async () => {
    await begin("one");
    vi.setSystemTime(START + WEEK);
    await object().wake();
    expect(await object().alarmAt()).toBe(null);
  });

  it.each(["signed", "callers"])(
    "what is kept of a signed delivery is not left behind where more come than are deleted at a time: %s",
    async (table) => {
      await begin("one");
      const columns = table === "signed" ? "digest, token, until" : "digest, until, taken";
      const values = table === "signed" ? "'t', ?" : "?, '[]'";
      const old = ({ storage }: DurableObjectState): number =>
        Number(storage.sql.exec(`SELECT count(*) AS n FROM ${table} WHERE until <= ?`, Date.now()).one()["n"]);
      await object().inside(({ storage: { sql } }) => {
        sql.exec(
          `WITH RECURSIVE some(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM some WHERE n < 25000)
         INSERT INTO ${table} (${columns}) SELECT printf('%064d', n), ${values} FROM some`,
          START,
        );
      });
      const left: number[] = [];
      for (let alarms = 0; alarms < 3; alarms += 1) {
        await object().wake();
        left.push(await object().inside(old));
        const at = (await object().alarmAt()) ?? 0;
        // In a moment while there are more, else when the next one is due.
        if (alarms < 2) expect(at).toBeLessThanOrEqual(Date.now() + 1_000);
        else expect(at).toBeGreaterThan(Date.now() + 1_000);
      }
      expect(left).toEqual([15_000, 5_000, 0]);
    },
  );

  it("what is kept of a signed delivery is spread over sixteen objects, none of which is the one of the inspector", async () => {
    const before = new Set((await objectIds("DeliveriesObject", env.DELIVERIES)).map(String));
    for (const digit of "0123456789abcdef") await begin("one", { digest: digit.repeat(64) });
    const made = (await objectIds("DeliveriesObject", env.DELIVERIES)).map(String).filter((id) => !before.has(id));
    expect(made).toHaveLength(16);
    expect(made).not.toContain(String(env.DELIVERIES.idFromName(endpoint)));
  });
});
