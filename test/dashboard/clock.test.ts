import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { reach } from "../../src/dashboard/api.ts";
import { formatRelative } from "../../src/dashboard/format.ts";
import { fastNow, now, serverNow } from "../../src/dashboard/live/clock.ts";

/** Ten o'clock on the server. */
const SERVER = Date.parse("2026-11-22T10:00:00.000Z");
const HOUR = 3_600_000;

/** Answers with this header after `tookMs`. */
function answers(date: string | null, tookMs = 0): void {
  vi.stubGlobal("fetch", async () => {
    vi.advanceTimersByTime(tookMs);
    return new Response(null, { headers: date === null ? {} : { Date: date } });
  });
}

/** The header that a server sends at this time: it has no milliseconds. */
const dateAt = (at: number): string => new Date(at).toUTCString();

beforeEach(async () => {
  vi.useFakeTimers({ now: SERVER });
  // The clock is the module's: an exact answer takes back what another test left.
  answers(dateAt(SERVER));
  await reach("/api/v1/tasks", {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the clock of the dashboard", () => {
  it.each([
    ["slow", -HOUR],
    ["fast", HOUR],
  ])("the clock of the dashboard follows the server's where the browser's is an hour %s", async (_, wrong) => {
    vi.setSystemTime(SERVER + wrong);
    answers(dateAt(SERVER));
    await reach("/api/v1/tasks", {});
    for (const time of [now.value, fastNow.value, serverNow()]) {
      expect(Math.abs(time - SERVER)).toBeLessThanOrEqual(1_000);
      expect(formatRelative(SERVER - 12 * 60_000 - 2_000, time)).toBe("12 m ago");
    }
  });

  it("the clock of the dashboard is the browser's where no answer contradicts it", async () => {
    // A header names the second that has begun, and the answer was three seconds on its way.
    answers(dateAt(SERVER + 1_000), 3_000);
    await reach("/api/v1/tasks", {});
    expect(serverNow()).toBe(SERVER + 3_000);
    vi.setSystemTime(SERVER + 3_999);
    answers(dateAt(SERVER + 3_999));
    await reach("/api/v1/tasks", {});
    expect(serverNow()).toBe(SERVER + 3_999);
  });

  it.each([[null], ["yesterday"], ["Sun, 22 Nov 2026 09:00:00 GMT, Sun, 22 Nov 2026 09:00:00 GMT"]])(
    "the clock of the dashboard stays where an answer names no time: %s",
    async (date) => {
      answers(date);
      await reach("/api/v1/tasks", {});
      expect(serverNow()).toBe(SERVER);
    },
  );

  it("the clock of the dashboard is right again once the browser's has been set", async () => {
    vi.setSystemTime(SERVER - HOUR);
    answers(dateAt(SERVER));
    await reach("/api/v1/tasks", {});
    vi.setSystemTime(SERVER + 60_000);
    answers(dateAt(SERVER + 60_000));
    await reach("/api/v1/tasks", {});
    expect(Math.abs(serverNow() - SERVER - 60_000)).toBeLessThanOrEqual(1_000);
  });
});
