import { afterAll, describe, expect, it } from "vitest";
import { runIdFromBytes, type RunId } from "../../../src/domain/ids.ts";
import type { LimitName, SlotHolder, SlotStatus } from "../../../src/domain/limits/limit.ts";
import { LimitController } from "../../../src/objects/limits/limit-controller.ts";
import { LimitStore } from "../../../src/objects/limits/store.ts";
import { Dice } from "../../../src/testing/ground/dice.ts";
import { MemoryStorage } from "../../support/journal-storage.ts";

const MINUTE = 60_000;
const NAME: LimitName = { kind: "rate_limit", task: "rated", key: null };
const RUNS = 1_000;

/** The real limit object over real SQL, its clock, alarm and runs driven by hand; it is reset now and then. */
class Driven {
  now = 1_800_000_000_000;
  readonly storage = new MemoryStorage(async () => {});
  readonly startedAt = new Map<RunId, number>();
  readonly #dice = new Dice(7);
  #alarmAt: number | null = null;
  #controller = this.#begin();

  async burst(): Promise<void> {
    for (let run = 0; run < RUNS; run += 1) {
      const runId = runIdFromBytes(Uint8Array.from({ length: 16 }, (_, byte) => (byte < 2 ? run >> (8 * byte) : 1)));
      const holder = { runId, ordinal: 0, attempt: 1 };
      const rule = { limit: 100, perMs: MINUTE, planAt: 0 };
      const request = { holder, rule, strategy: "queue", since: this.now, priority: 0 } as const;
      if (this.#controller.ask(NAME, request) === "granted") this.#start(holder);
    }
  }

  /** Lets time pass until everything has happened. */
  async settle(): Promise<void> {
    for (let alarms = 0; this.#alarmAt !== null && alarms < 20_000; alarms += 1) {
      this.now = Math.max(this.now + 1, this.#alarmAt);
      this.#alarmAt = null;
      if (this.#dice.chance(0.1)) this.#controller = this.#begin();
      await this.#controller.alarm(this.now);
      // What was told to runs is told within a few turns.
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    }
  }

  #begin(): LimitController {
    return new LimitController(new LimitStore(this.storage), {
      now: () => this.now,
      setAlarm: (at) => {
        this.#alarmAt = at;
      },
      permitted: async (_name, holder) => this.#start(holder),
      displaced: async () => ({ type: "over", afterMs: 0 }),
      planned: () => null,
      listed: async () => {},
      waitUntil: (work) => void work,
      log: (message, error) => {
        throw new Error(message, { cause: error });
      },
    });
  }

  /** The run has heard that it may, and starts. */
  #start({ runId }: SlotHolder): SlotStatus {
    if (!this.startedAt.has(runId)) this.startedAt.set(runId, this.now);
    return { type: "spent", perMs: MINUTE };
  }
}

describe("a limit of 100 a minute, with a burst of 1,000", () => {
  const driven = new Driven();
  afterAll(() => driven.storage.close());

  it("a limit of 100 a minute, with a burst of 1,000, never starts more than 100 in any minute, and loses none", async () => {
    await driven.burst();
    await driven.settle();
    expect(driven.startedAt.size).toBe(RUNS);
    const starts = [...driven.startedAt.values()].toSorted((a, b) => a - b);
    for (const [index, at] of starts.entries()) {
      const before = starts[index - 100];
      if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(MINUTE);
    }
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeLessThan(11 * MINUTE);
  });

  it("a limit of 100 a minute, with a burst of 1,000, keeps nothing after it", () => {
    expect(driven.storage.isEmpty).toBe(true);
  });
});
