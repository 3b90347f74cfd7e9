import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callAudit } from "../../../src/objects/audit/audit-client.ts";
import { KEPT_MS } from "../../../src/objects/audit/audit-object.ts";
import type { AuditEntry, AuditFilter, AuditPage } from "../../../src/domain/audit-entry.ts";

const START = Date.UTC(2027, 0, 1);
const HOUR = 3_600_000;
const DAY = 86_400_000;
/** Of its own for each test: entries cannot be removed. */
let name = "";
const object = () => env.AUDIT.getByName(name);

beforeEach(() => {
  vi.setSystemTime(START);
  name = crypto.randomUUID();
});
afterEach(() => vi.useRealTimers());

function entry(on: string, overrides: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: Date.now(),
    who: "api",
    what: "cancelRun",
    on,
    status: 200,
    from: "192.0.2.7",
    requestId: "r",
    clientRequestId: null,
    count: 1,
    ...overrides,
  };
}

async function append(...entries: readonly AuditEntry[]): Promise<void> {
  for (const one of entries) await object().append(crypto.randomUUID(), [one]);
}

const list = (filter: AuditFilter = {}, limit = 500, before: number | null = null): Promise<AuditPage> =>
  object().list(filter, limit, before);
const subjects = ({ entries }: AuditPage): string[] => entries.map(({ on }) => on);

describe("the audit", () => {
  it("the audit gives entries back as they came, also after an eviction; the same batch again changes nothing", async () => {
    const one = entry("one", { clientRequestId: "theirs" });
    await object().append("batch", [one]);
    await object().append("batch", [one]);
    await driven(object()).evict();
    expect(await list()).toEqual({ entries: [one], next: null });
  });

  it("the audit is read newest first, page by page, while more come", async () => {
    await append(...Array.from({ length: 7 }, (_, index) => entry(String(index))));
    const first = await list({}, 3);
    expect(subjects(first)).toEqual(["6", "5", "4"]);
    await append(entry("new"));
    const second = await list({}, 3, first.next);
    const third = await list({}, 3, second.next);
    expect([...subjects(second), ...subjects(third)]).toEqual(["3", "2", "1", "0"]);
    expect(third.next).toBeNull();
  });

  it("the audit is searched by who, what, since and a part of what it was about", async () => {
    await append(entry("old", { at: START - DAY }), entry("desk", { who: "desk" }), entry("in", { what: "logIn" }));
    expect(subjects(await list({ who: "desk" }))).toEqual(["desk"]);
    expect(subjects(await list({ what: "logIn" }))).toEqual(["in"]);
    expect(subjects(await list({ since: START }))).toEqual(["in", "desk"]);
    expect(subjects(await list({ who: "desk", what: "logIn" }))).toEqual([]);
    expect(subjects(await list({ on: "es" }))).toEqual(["desk"]);
    expect(subjects(await list({ on: "es", who: "api" }))).toEqual([]);
    expect(subjects(await list({ on: "%" }))).toEqual([]);
  });

  it("the audit finds what is rare far back, over pages that have nothing", async () => {
    await append(entry("rare", { who: "rare" }));
    await driven(object()).inside(({ storage }) => {
      const many = JSON.stringify(Array.from({ length: 60_000 }, () => 0));
      storage.sql.exec(
        "INSERT INTO entries (at, who, what, entry) SELECT ?, 'api', 'w', '{}' FROM json_each(?)",
        START,
        many,
      );
    });
    const first = await list({ who: "rare" }, 50);
    expect(first.entries).toEqual([]);
    expect(first.next).not.toBeNull();
    const second = await list({ who: "rare" }, 50, first.next);
    expect(subjects(second)).toEqual(["rare"]);
    expect(second.next).toBeNull();
  });

  it("the audit keeps an entry for a year, and no longer than a day more", async () => {
    await append(entry("first"));
    vi.setSystemTime(START + 30 * DAY);
    await append(entry("second"));
    vi.setSystemTime(START + KEPT_MS - 1);
    expect(await driven(object()).wake()).toBe(true);
    expect(subjects(await list())).toEqual(["second", "first"]);
    vi.setSystemTime(START + KEPT_MS + DAY - 1);
    expect(await driven(object()).wake()).toBe(true);
    expect(subjects(await list())).toEqual(["second"]);
    vi.setSystemTime(START + KEPT_MS + 31 * DAY);
    while (await driven(object()).wake());
    expect(await list()).toEqual({ entries: [], next: null });
  });

  it("the audit lets entries go as well that come when all before them are gone", async () => {
    await append(entry("first"));
    vi.setSystemTime(START + 2 * KEPT_MS);
    while (await driven(object()).wake());
    await append(entry("second"));
    vi.setSystemTime(START + 4 * KEPT_MS);
    expect(await driven(object()).wake()).toBe(true);
    expect(subjects(await list())).toEqual([]);
  });

  const done = (from: number, to: number, on = "t") =>
    Array.from({ length: to - from }, (_, index) =>
      entry(`${on}${from + index}`, { who: "desk", what: "pauseTask", from: `10.0.0.${index % 9}` }),
    );
  const shown = ({ entries }: AuditPage) =>
    entries.map(({ who, on, from, count, at, lastAt }) => [who, on, from, count, at - START, (lastAt ?? at) - START]);

  it("the audit has 5,000 entries a day for what one has done; more of a kind are one, with the first and the last time", async () => {
    await object().append("first", [entry("before"), ...done(0, 4_999)]);
    vi.setSystemTime(START + HOUR);
    await object().append("second", [...done(4_999, 5_001), ...done(5_000, 5_001), ...done(0, 1)]);
    await driven(object()).evict();
    vi.setSystemTime(START + 2 * HOUR);
    await append(...done(5_000, 5_001), entry("other"));
    expect(shown(await list({}, 5))).toEqual([
      ["api", "other", "192.0.2.7", 1, 2 * HOUR, 2 * HOUR],
      ["desk", "t0", "many addresses", 1, HOUR, HOUR],
      ["desk", "t5000", "many addresses", 3, HOUR, 2 * HOUR],
      ["desk", "t4999", "10.0.0.0", 1, HOUR, HOUR],
      ["desk", "t4998", "10.0.0.3", 1, 0, 0],
    ]);
    expect(subjects(await list({ who: "api" }))).toEqual(["other", "before"]);
    vi.setSystemTime(START + DAY);
    await append(entry("next day", { who: "desk" }));
    expect(shown(await list({}, 1))).toEqual([["desk", "next day", "192.0.2.7", 1, DAY, DAY]]);
  });

  it("the audit finds of many that are one by the last of them, so that a flood hides nothing that comes behind it", async () => {
    await object().append("flood", [...done(0, 5_000), ...done(0, 1), ...done(1, 2)]);
    vi.setSystemTime(START + HOUR);
    await append(...done(1, 2), entry("other"));
    expect(shown(await list({ since: START + HOUR }))).toEqual([
      ["api", "other", "192.0.2.7", 1, HOUR, HOUR],
      ["desk", "t1", "many addresses", 2, 0, HOUR],
    ]);
    expect(subjects(await list({ since: START + HOUR + 1 }))).toEqual([]);
  });

  it("the audit has 5,000 kinds more of them a day, and one entry for all others", async () => {
    await object().append("first", [...done(0, 5_000), ...done(0, 5_000, "more")]);
    await append(...done(0, 3, "beyond"), ...done(4_999, 5_000, "more"));
    expect(shown(await list({}, 2))).toEqual([
      ["desk", "", "many addresses", 3, 0, 0],
      ["desk", "more4999", "many addresses", 2, 0, 0],
    ]);
  });

  it("the audit has no more than 1,000 a day for what one was refused, which costs what they have done no place", async () => {
    const refused = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) =>
        entry(`made up ${from + index}`, { who: "nobody", status: 401, count: 3 }),
      );
    await object().append("first", refused(0, 1_010));
    await append(entry("done", { who: "nobody" }));
    const { entries } = await list({}, 3);
    expect(entries).toMatchObject([
      { on: "done", count: 1 },
      { on: "", from: "many addresses", status: 401, count: 30 },
      { on: "made up 999", count: 3 },
    ]);
  });

  it("the audit that was told nothing has no tables", async () => {
    expect(await list()).toEqual({ entries: [], next: null });
    expect(await driven(object()).tables()).toEqual([]);
  });

  it("the audit is one object for the deployment", async () => {
    const one = entry(crypto.randomUUID());
    await callAudit(env, (audit) => audit.append(crypto.randomUUID(), [one]));
    expect(await env.AUDIT.getByName("audit").list({}, 1, null)).toMatchObject({ entries: [one] });
  });
});
