import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeadLetter } from "../../../src/domain/dead-letter.ts";
import { deadLetterIdFromBytes } from "../../../src/domain/ids.ts";
import { callDeadLetters } from "../../../src/objects/dead-letters/dead-letters-client.ts";
import { clearDeadLetters } from "../../support/dead-letters.ts";

const START = Date.UTC(2027, 0, 1);
const DAY = 86_400_000;
const object = () => env.DEAD_LETTERS.getByName("dead-letters");

beforeEach(async () => {
  vi.setSystemTime(START);
  await clearDeadLetters();
});
afterEach(() => vi.useRealTimers());

function letter(detail: string, overrides: Partial<DeadLetter> = {}): DeadLetter {
  return {
    id: deadLetterIdFromBytes(crypto.getRandomValues(new Uint8Array(16))),
    queue: "peach-runs",
    reason: "not_understood",
    detail,
    body: '{"a":1}',
    receivedAt: Date.now(),
    attempts: 1,
    expiresAt: Date.now() + DAY,
    ...overrides,
  };
}

async function record(...letters: readonly DeadLetter[]): Promise<void> {
  for (const one of letters) await callDeadLetters(env, (kept) => kept.record(one));
}

const list = (limit = 200, before: number | null = null) => callDeadLetters(env, (kept) => kept.list(limit, before));

describe("the dead letters", () => {
  it("the dead letters come out as they went in, once, also after an eviction", async () => {
    const one = letter("one");
    await record(one, { ...one, detail: "the same message again" });
    await driven(object()).evict();
    expect(await list()).toEqual({ letters: [one], next: null });
    expect(await callDeadLetters(env, (kept) => kept.read(one.id))).toEqual(one);
  });

  it("the dead letters are listed newest first, page by page, while some are removed and others come", async () => {
    const letters = Array.from({ length: 7 }, (_, index) => letter(String(index)));
    await record(...letters);
    const first = await list(3);
    expect(first.letters.map(({ detail }) => detail)).toEqual(["6", "5", "4"]);
    await record(letter("new"));
    await callDeadLetters(env, (kept) => kept.remove(first.letters[2]?.id ?? letter("").id));
    const second = await list(3, first.next);
    const third = await list(3, second.next);
    expect([...second.letters, ...third.letters].map(({ detail }) => detail)).toEqual(["3", "2", "1", "0"]);
    expect(third.next).toBeNull();
  });

  it("the dead letters tell of one that has failed again, and are kept longer for it", async () => {
    const one = letter("first");
    await record(one);
    const why = { reason: "refused", detail: "second", expiresAt: START + 2 * DAY } as const;
    expect(await callDeadLetters(env, (kept) => kept.failedAgain(one.id, why))).toBe(true);
    expect((await list()).letters).toEqual([{ ...one, ...why, attempts: 2 }]);
    expect(await callDeadLetters(env, (kept) => kept.failedAgain(letter("").id, why))).toBe(false);
  });

  it("the dead letters are gone when they have expired, and their rows after the alarm", async () => {
    await record(letter("old"), letter("young", { expiresAt: START + 2 * DAY }));
    expect(await driven(object()).alarmAt()).toBe(START + DAY);
    vi.setSystemTime(START + DAY);
    expect((await list()).letters.map(({ detail }) => detail)).toEqual(["young"]);
    const rows = () =>
      driven(object()).inside(({ storage }) => storage.sql.exec("SELECT id FROM letters").toArray().length);
    expect(await rows()).toBe(2);
    await driven(object()).wake();
    expect(await rows()).toBe(1);
    expect(await driven(object()).alarmAt()).toBe(START + 2 * DAY);
    vi.setSystemTime(START + 2 * DAY);
    await driven(object()).wake();
    expect(await rows()).toBe(0);
    expect(await driven(object()).alarmAt()).toBeNull();
  });
});
