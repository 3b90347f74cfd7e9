import { driven, NOTHING_LEFT } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import type {
  DigestedNotified,
  DigestedVersion,
  ObjectVersionsRpc,
} from "../../../src/objects/object-versions/object-versions-rpc.ts";

const DAY = 86_400_000;
const AT = Date.parse("2026-05-24T19:36:44.379Z");
/** Digests of key and etag. */
const [OBJECT, OTHER] = ["a".repeat(64), "b".repeat(64)];
let objects = 0;

function versions() {
  objects += 1;
  return env.OBJECT_VERSIONS.getByName(`uploads/test-${objects}`);
}

function notified(overrides: Partial<DigestedNotified> = {}): DigestedNotified {
  return { object: OBJECT, eventTime: new Date(AT).toISOString(), current: null, ...overrides };
}

function seen(overrides: Partial<DigestedVersion> = {}): DigestedVersion {
  return { object: OBJECT, version: "v1", uploadedAt: AT + 40, ...overrides };
}

async function list(object: ObjectVersionsRpc, ...listed: readonly DigestedVersion[]) {
  return object.listed(listed, DAY);
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a version", () => {
  it("a version is called by the time of its notification, whenever a listing meets it", async () => {
    const object = versions();
    const { eventTime, ...rest } = notified();
    const current = { version: "v1", uploadedAt: AT + 40 };
    expect(await object.notified({ ...rest, eventTime, current }, DAY)).toEqual({ identity: eventTime, known: false });
    expect(await object.notified({ ...rest, eventTime, current: null }, DAY)).toEqual({
      identity: eventTime,
      known: true,
    });
    expect(await list(object, seen())).toEqual([{ identity: eventTime, known: true }]);
  });

  it("a version is called by R2's version where a listing met it first, also by the notification that comes late", async () => {
    const object = versions();
    expect(await list(object, seen())).toEqual([{ identity: "version v1", known: false }]);
    await driven(object).evict();
    // Meanwhile the object was overwritten: nothing but the time tells.
    for (const known of [true, true])
      expect(await object.notified(notified(), DAY)).toEqual({ identity: "version v1", known });
    expect(await list(object, seen())).toEqual([{ identity: "version v1", known: true }]);
  });

  it("a version of the same bytes put again is another one, in whatever order they are met", async () => {
    const object = versions();
    const [first, second] = [notified(), notified({ eventTime: new Date(AT + 1_500).toISOString() })];
    const current = { version: "v2", uploadedAt: AT + 1_540 };
    // The second comes first, the first finds that what is there now is the second's.
    const late = await object.notified({ ...second, current }, DAY);
    const early = await object.notified({ ...first, current }, DAY);
    expect([late.identity, early.identity]).toEqual([second.eventTime, first.eventTime]);
    expect(await list(object, seen({ version: "v2", uploadedAt: AT + 1_540 }))).toEqual([
      { identity: second.eventTime, known: true },
    ]);
    expect(await list(object, seen({ version: "v3", uploadedAt: AT + 3_000 }))).toEqual([
      { identity: "version v3", known: false },
    ]);
  });

  it("a version of another key or of other bytes is another one", async () => {
    const object = versions();
    await list(object, seen());
    expect(await object.notified(notified({ object: OTHER }), DAY)).toMatchObject({ known: false });
    expect(await object.notified(notified({ object: OTHER.toUpperCase() }), DAY)).toMatchObject({ known: false });
  });

  it("a version is found without being remembered", async () => {
    const object = versions();
    expect(await object.find([seen()])).toEqual([null]);
    expect(await driven(object).tables()).toEqual([]);
    await list(object, seen());
    expect(await object.find([seen({ object: OTHER }), seen()])).toEqual([null, "version v1"]);
  });
});

describe("what is remembered", () => {
  it("what is remembered is one row a version, and goes when it was kept long enough, leaving nothing", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: AT });
    const object = versions();
    await list(object, seen());
    vi.setSystemTime(AT + DAY);
    await object.notified(notified({ object: OTHER }), 3 * DAY);
    vi.setSystemTime(AT + 2 * DAY);
    expect(await driven(object).wake()).toBe(true);
    expect(await object.find([seen()])).toEqual([null]);
    expect(await object.notified(notified({ object: OTHER }), DAY)).toMatchObject({ known: true });
    vi.setSystemTime(AT + 5 * DAY);
    expect(await driven(object).wake()).toBe(true);
    expect(await driven(object).left()).toEqual(NOTHING_LEFT);
  });

  it("what is remembered goes as well where it comes after nothing was left", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: AT });
    const object = versions();
    await list(object, seen());
    vi.setSystemTime(AT + 2 * DAY);
    expect(await driven(object).wake()).toBe(true);
    await list(object, seen({ object: OTHER }));
    vi.setSystemTime(AT + 4 * DAY);
    expect(await driven(object).wake()).toBe(true);
    expect(await object.find([seen({ object: OTHER })])).toEqual([null]);
  });
});
