import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callAudit } from "../../src/audit/audit-client.ts";
import { KEPT_MS } from "../../src/audit/audit-object.ts";
import type { AuditEntry, AuditFilter, AuditPage } from "../../src/core/audit-entry.ts";

const START = Date.UTC(2027, 0, 1);
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
  it("gives entries back as they came, also after an eviction; the same batch again changes nothing", async () => {
    const one = entry("one", { clientRequestId: "theirs" });
    await object().append("batch", [one]);
    await object().append("batch", [one]);
    await evictDurableObject(object());
    expect(await list()).toEqual({ entries: [one], next: null });
  });

  it("is read newest first, page by page, while more come", async () => {
    await append(...Array.from({ length: 7 }, (_, index) => entry(String(index))));
    const first = await list({}, 3);
    expect(subjects(first)).toEqual(["6", "5", "4"]);
    await append(entry("new"));
    const second = await list({}, 3, first.next);
    const third = await list({}, 3, second.next);
    expect([...subjects(second), ...subjects(third)]).toEqual(["3", "2", "1", "0"]);
    expect(third.next).toBeNull();
  });

  it("is searched by who, what and since", async () => {
    await append(entry("old", { at: START - DAY }), entry("desk", { who: "desk" }), entry("in", { what: "logIn" }));
    expect(subjects(await list({ who: "desk" }))).toEqual(["desk"]);
    expect(subjects(await list({ what: "logIn" }))).toEqual(["in"]);
    expect(subjects(await list({ since: START }))).toEqual(["in", "desk"]);
    expect(subjects(await list({ who: "desk", what: "logIn" }))).toEqual([]);
  });

  it("finds what is rare far back, over pages that have nothing", async () => {
    await append(entry("rare", { who: "rare" }));
    await runInDurableObject(object(), (_instance, { storage }) => {
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

  it("keeps an entry for a year, and no longer than a day more", async () => {
    await append(entry("first"));
    vi.setSystemTime(START + 30 * DAY);
    await append(entry("second"));
    vi.setSystemTime(START + KEPT_MS - 1);
    expect(await runDurableObjectAlarm(object())).toBe(true);
    expect(subjects(await list())).toEqual(["second", "first"]);
    vi.setSystemTime(START + KEPT_MS + DAY - 1);
    expect(await runDurableObjectAlarm(object())).toBe(true);
    expect(subjects(await list())).toEqual(["second"]);
    vi.setSystemTime(START + KEPT_MS + 31 * DAY);
    while (await runDurableObjectAlarm(object()));
    expect(await list()).toEqual({ entries: [], next: null });
  });

  it("whom nothing was told has no tables", async () => {
    expect(await list()).toEqual({ entries: [], next: null });
    const tables = await runInDurableObject(object(), (_instance, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it("is one object for the deployment", async () => {
    const one = entry(crypto.randomUUID());
    await callAudit(env, (audit) => audit.append(crypto.randomUUID(), [one]));
    expect(await env.AUDIT.getByName("audit").list({}, 1, null)).toMatchObject({ entries: [one] });
  });
});
