import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import type { RunGraph } from "../../../src/domain/plan/run-graph.ts";
import { newRun } from "../../../src/domain/run/state.ts";
import { type RunChange } from "../../../src/domain/run/run-change.ts";
import type { Outcome } from "../../../src/domain/run/machine-events.ts";
import { JournalBytes } from "../../../src/objects/run/journal-bytes.ts";
import { EventBackfill } from "../../../src/objects/run/event-backfill.ts";
import { changeEvent, endEvent, type RunEvent } from "../../../src/objects/run/public-events.ts";
import { Journal } from "../../../src/objects/run/journal.ts";
import { MemoryStorage } from "../../support/journal-storage.ts";
import { anyGraph, anyMove, playMove, type Move } from "../../support/random-run.ts";
import { failed, FRESH_DRIVER, genesisOf, passedArray, PAYLOAD, Play, succeeded } from "../../support/run-play.ts";

/** Never told where the journal is whole. */
const AS_IT_IS: RunEvent = { id: 0, event: "run", data: "{}" };

/** A journal of these changes, and what a listener heard who was there when they were made. */
class RecordedJournal {
  readonly storage = new MemoryStorage(() => Promise.resolve());
  readonly store = new Journal(this.storage);
  readonly live: RunEvent[] = [];

  constructor(graph: RunGraph, [first, ...others]: readonly RunChange[], bytesOf = (_nth: number): number => 0) {
    const genesis = genesisOf(graph, 1_000_000);
    const run = newRun(genesis);
    const tell = (change: RunChange): void => {
      applyChange(run, change);
      this.live.push(changeEvent(run, change, this.store.nextSeq - 1, () => null));
    };
    if (first === undefined) throw new Error("a run has a first change");
    this.store.create(genesis, new JournalBytes(1), first, 0);
    tell(first);
    others.forEach((change, nth) => {
      const data = new JournalBytes(this.store.nextSeq);
      for (let size = bytesOf(nth); size > 0; size -= 1_000_000) data.place(new Uint8Array(Math.min(size, 1_000_000)));
      this.store.append(run, change, data, 0);
      tell(change);
    });
    if (run.finishedAt !== null) this.live.push(endEvent(run, this.store.nextSeq - 1));
  }

  /** What a listener hears that comes back after this position. */
  heardAfter(after: number, asItIs: () => RunEvent[] = () => [AS_IT_IS]): RunEvent[] {
    const replay = new EventBackfill(this.store, after, { events: asItIs, progressOf: () => null });
    const heard: RunEvent[] = [];
    for (let batch = replay.next(); batch !== null; batch = replay.next()) {
      heard.push(...batch.events);
      if (batch.hasEnd) break;
    }
    return heard;
  }
}

/** The same move with an output that lies in the run object: such results of items are packed. */
function inRun(move: Move): Move {
  if (move.type !== "settle" || move.outcome.type !== "succeeded") return move;
  const { length } = move.outcome.passed.output;
  const output = {
    kind: "json",
    size: 4,
    contentType: "application/json",
    at: "run",
    seq: 1,
    offset: 0,
    ...(length !== undefined && { length }),
  } as const;
  const outcome: Outcome = { type: "succeeded", passed: { ...move.outcome.passed, output } };
  return { ...move, outcome };
}

// a ─▶ b (each) ─▶ c
const OVER_ITEMS = { b: { each: { maxParallel: 10, onError: "fail" } } } as const;

/** Four items of b, one after the other, then c. */
function playItems(): Play {
  const play = new Play("a > b, b > c", OVER_ITEMS, { claim: FRESH_DRIVER });
  play.settle("a", passedArray(4));
  play.claim();
  for (let index = 0; index < 4; index += 1) {
    const move = inRun({ type: "settle", back: 0, twist: 0, outcome: succeeded(), claim: true });
    if (move.type === "settle") play.settle(`b[${index}]`, move.outcome);
  }
  play.succeedAll();
  return play;
}

const graphOfItems = playItems().run.graph;

describe("the changes that a listener missed", () => {
  it("the changes that a listener missed are told as they were told live, whatever happened to the run and wherever it comes back", () => {
    const moves = fc.array(
      fc.tuple(anyMove(12), fc.boolean()).map(([move, lies]) => (lies ? inRun(move) : move)),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(anyGraph(12), moves, fc.nat(100), (graph, made, place) => {
        const play = new Play(graph);
        for (const move of made) playMove(play, move);
        const journal = new RecordedJournal(graph, play.changes);
        const after = place % journal.store.nextSeq;
        expect(journal.heardAfter(after)).toEqual(
          journal.live.filter(({ id, event }) => event === "end" || Number(id) > after),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("the changes that a listener missed count the items of a task with `each` as they stood then", () => {
    const journal = new RecordedJournal(graphOfItems, playItems().changes);
    const counted = journal.heardAfter(0).flatMap(({ data }): unknown[] => {
      const { tasks = [] }: { tasks?: { task: string; each?: { succeeded: number } }[] } = JSON.parse(data);
      return tasks.flatMap(({ task, each }) => (task === "b" ? [each?.succeeded] : []));
    });
    expect(counted).toEqual([0, 0, 1, 2, 3, 4, 4, 4]);
  });

  it("the changes that a listener missed are told also where bytes lie between the entries", () => {
    const play = playItems();
    const journal = new RecordedJournal(graphOfItems, play.changes, (nth) => (nth % 2 === 0 ? 3_500_000 : 0));
    expect(journal.store.nextSeq).toBeGreaterThan(play.changes.length + 4);
    expect(journal.heardAfter(0)).toEqual(journal.live);
  });

  it("the changes that a listener missed are told a page at a time", () => {
    const play = new Play("a", {}, { claim: FRESH_DRIVER });
    const lease = play.leaseOf("a");
    for (let nth = 0; nth < 450; nth += 1) play.event({ type: "stepped", lease, name: `${nth}`, result: PAYLOAD });
    const journal = new RecordedJournal(play.run.graph, play.changes);
    expect(journal.heardAfter(3)).toEqual(journal.live.slice(3));
  });

  it.each([
    ["the first one", 1],
    ["one before the position", 3],
    ["one behind it", 6],
  ])(
    "the changes that a listener missed are not told from a journal that lacks %s: the run as it is takes their place",
    (_, gone) => {
      const journal = new RecordedJournal(graphOfItems, playItems().changes);
      journal.storage.sql.exec("DELETE FROM journal WHERE seq = ?", gone);
      const asItIs: RunEvent[] = [AS_IT_IS, { id: 11, event: "end", data: "{}" }];
      expect(journal.heardAfter(4, () => asItIs).slice(-2)).toEqual(asItIs);
    },
  );

  it("the changes that a listener missed bring what a running attempt has said last, and nothing of it for the attempt before", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 0 } } }, { claim: FRESH_DRIVER });
    const first = play.leaseOf("a").token;
    play.settle("a", failed());
    play.wakeWhenDue();
    play.claim();
    const second = play.leaseOf("a").token;
    const journal = new RecordedJournal(play.run.graph, play.changes);
    const progress = { fraction: 0.5, message: "half", at: 0 };
    const progressOf = (_: number, token: number) => (token === second ? progress : null);
    const replay = new EventBackfill(journal.store, 0, { events: () => [AS_IT_IS], progressOf });
    const said = (replay.next()?.events ?? []).map(({ data }): unknown => {
      const { tasks }: { tasks: { status: string; progress: unknown }[] } = JSON.parse(data);
      return tasks.map(({ status, progress: told }) => [status, told !== null]);
    });
    expect(first).not.toBe(second);
    expect(said.flat()).toEqual([
      ["running", false],
      ["queued", false],
      ["queued", false],
      ["running", true],
    ]);
  });

  it("the changes that a listener missed are told as the run as it is once more, when it has changed while a reader took that", () => {
    const play = new Play("a", {}, { claim: FRESH_DRIVER });
    const journal = new RecordedJournal(play.run.graph, play.changes);
    journal.storage.sql.exec("DELETE FROM journal WHERE seq = 1");
    journal.store.append(play.run, { tasks: [] }, new JournalBytes(2), 0);
    let told = 0;
    const asItIs = (): RunEvent[] => [{ ...AS_IT_IS, id: ++told }];
    const replay = new EventBackfill(journal.store, 0, { events: asItIs, progressOf: () => null });
    expect(replay.next()?.events).toMatchObject([{ id: 1 }]);
    journal.store.append(play.run, { tasks: [] }, new JournalBytes(3), 0);
    expect(replay.next()?.events).toMatchObject([{ id: 2 }]);
    expect(replay.next()).toBe(null);
  });
});
