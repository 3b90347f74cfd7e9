import { describe, expect, it } from "vitest";
import { versionNotified, type MetVersion } from "../../src/domain/object-version.ts";

const AT = 1_000_000_000;
const MINUTE = 60_000;

/** Met by a listing only. */
function listed(version: string, uploadedAt: number): MetVersion {
  return { eventTime: null, version, uploadedAt };
}

const NOTIFIED: MetVersion = { eventTime: "2026-01-01T00:00:00Z", version: "v0", uploadedAt: AT };

describe("which version of an object a notification is about", () => {
  it.each<[string, readonly MetVersion[], { version: string; uploadedAt: number } | null, string | null]>([
    ["none, where none was met", [], null, null],
    ["none, where the one that was met has its notification", [NOTIFIED], null, null],
    ["the one that a listing met, at about its time", [listed("v1", AT + 900)], null, "v1"],
    ["none, where the one that was met is of another time and gone", [listed("v1", AT + 2 * MINUTE)], null, null],
    ["the nearest in time", [listed("v1", AT - 5_000), listed("v2", AT + 1_000)], null, "v2"],
    [
      "what is there now, at any distance: an upload in parts takes its time",
      [listed("v1", AT - 90 * MINUTE)],
      { version: "v1", uploadedAt: AT - 90 * MINUTE },
      "v1",
    ],
    [
      "none that was met, where what is there now is nearer and new",
      [listed("v1", AT - 30_000)],
      { version: "v2", uploadedAt: AT + 10 },
      null,
    ],
    [
      "the older one, where the same bytes were put again since",
      [listed("v1", AT + 5)],
      { version: "v2", uploadedAt: AT + 30_000 },
      "v1",
    ],
    [
      "the older one, where the same bytes were put again since and met too",
      [listed("v1", AT + 5), listed("v2", AT + 30_000)],
      { version: "v2", uploadedAt: AT + 30_000 },
      "v1",
    ],
    [
      "what is there now, though another that is gone was met too",
      [listed("v1", AT - 90 * MINUTE), listed("v2", AT + 1_000)],
      { version: "v2", uploadedAt: AT + 1_000 },
      "v2",
    ],
    ["one that is a minute away at most", [listed("v1", AT - MINUTE)], null, "v1"],
    ["the first of two that are as near", [listed("v1", AT - 5), listed("v2", AT + 5)], null, "v1"],
  ])("which version of an object a notification is about is %s", (_, met, current, version) => {
    expect(versionNotified(met, AT, current)?.version ?? null).toBe(version);
  });
});
