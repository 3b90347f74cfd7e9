import { type Signal, signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogEvent } from "../../src/contract/run-events.ts";
import type { TaskOfRun } from "../../src/contract/run.ts";
import { inOrder, type LinesSource, RunLines } from "../../src/dashboard/run/run-lines.ts";
import { at, attempt, task } from "./support.ts";

/** A run whose tasks and live lines the test sets. */
class MadeRun implements LinesSource {
  readonly runId = "run_1";
  readonly tasks: Signal<readonly string[]>;
  readonly #tasks: ReadonlyMap<string, Signal<TaskOfRun>>;
  readonly #live = new Map<string, Signal<readonly LogEvent[]>>();

  constructor(...tasks: readonly TaskOfRun[]) {
    this.tasks = signal(tasks.map((one) => one.task));
    this.#tasks = new Map(tasks.map((one) => [one.task, signal(one)]));
  }

  task(name: string): Signal<TaskOfRun> | undefined {
    return this.#tasks.get(name);
  }

  logs(name: string): Signal<readonly LogEvent[]> {
    const live = this.#live.get(name) ?? signal<readonly LogEvent[]>([]);
    this.#live.set(name, live);
    return live;
  }

  set(one: TaskOfRun): void {
    const known = this.#tasks.get(one.task);
    if (known !== undefined) known.value = one;
  }

  tell(name: string, ms: number, message: string): void {
    const lines = this.logs(name);
    lines.value = [...lines.peek(), { task: name, attempt: 1, at: at(ms), level: "info", message, fields: null }];
  }
}

/** The stored lines by task: the time of each in milliseconds. A page has two of them. */
let stored: Record<string, readonly number[]>;
let asked: string[];

beforeEach(() => {
  [stored, asked] = [{}, []];
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("fetch", async (url: string) => {
    const { pathname, searchParams } = new URL(url, "https://peach.example");
    const name = pathname.split("/")[6] ?? "";
    asked.push(`${name} ${searchParams.get("attempt")} ${searchParams.get("cursor") ?? ""}`.trim());
    const from = Number(searchParams.get("cursor") ?? "0");
    const all = stored[name] ?? [];
    return Response.json({
      logs: all.slice(from, from + 2).map((ms, index) => ({
        at: at(ms),
        attempt: 1,
        level: "info",
        message: `${name} ${from + index}`,
        fields: null,
      })),
      dropped: 0,
      next_cursor: from + 2 < all.length ? String(from + 2) : null,
    });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const SOON = { timeout: 10_000, interval: 5 };
const messages = (lines: RunLines): string[] => lines.lines.value.map(({ message }) => message);

describe("the lines of a run", () => {
  it("the lines of a run are those of all its tasks, read to the last page, in the order of time", async () => {
    stored = { a: [10, 20, 30, 40, 50], b: [15, 35] };
    const run = new MadeRun(
      task("a", { attempts: [attempt(0, 60, { log_lines: 5 })] }),
      task("b", { attempts: [attempt(0, 60, { log_lines: 2 })] }),
      // It has no lines, so nothing is read.
      task("c", { attempts: [attempt(0, 60)] }),
    );
    const lines = new RunLines(run);
    // A log that is whole never gets another line in between: the page scrolls to a line then.
    let countWhenWhole = 0;
    lines.isWhole.subscribe((isWhole) => {
      if (isWhole) countWhenWhole ||= lines.lines.peek().length;
    });
    await vi.waitFor(() => expect(messages(lines)).toHaveLength(7), SOON);
    expect(countWhenWhole).toBe(7);
    expect(messages(lines)).toEqual(["a 0", "b 0", "a 1", "a 2", "b 1", "a 3", "a 4"]);
    expect(lines.isWhole.value).toBe(true);
    expect(asked.toSorted()).toEqual(["a 1", "a 1 2", "a 1 4", "b 1"]);
    lines.close();
  });

  it("the error of an attempt is a line where it happened, also if the attempt wrote none", async () => {
    const error = { name: "RangeError", message: "too far", stack: "at film.ts:3" };
    const attempts = [attempt(0, 60, { status: "failed", error })];
    const lines = new RunLines(new MadeRun(task("a", { attempts })));
    await vi.waitFor(
      () =>
        expect(lines.lines.value).toMatchObject([
          {
            level: "error",
            index: -1,
            message: "attempt 1 failed: RangeError: too far",
            fields: { stack: error.stack },
          },
        ]),
      SOON,
    );
    expect(asked).toEqual([]);
    lines.close();
  });

  it("a task that runs is followed, no line is hidden or doubled, and all is read again when its attempt has ended", async () => {
    stored = { a: [10, 20, 30] };
    const run = new MadeRun(task("a", { status: "running", attempts: [attempt(0, null)] }));
    // These came by the stream; the first two are stored as well.
    run.tell("a", 20, "a 1");
    run.tell("a", 30, "a 2");
    run.tell("a", 40, "live");
    const lines = new RunLines(run);
    await vi.waitFor(() => expect(messages(lines)).toEqual(["a 0", "a 1", "a 2", "live"]), SOON);
    run.tell("a", 50, "later");
    await vi.waitFor(() => expect(messages(lines).at(-1)).toBe("later"), SOON);
    stored = { a: [10, 20, 30, 40, 50, 60] };
    run.set(task("a", { attempts: [attempt(0, 70, { log_lines: 6 })] }));
    await vi.waitFor(() => expect(messages(lines)).toEqual(["a 0", "a 1", "a 2", "a 3", "a 4", "a 5"]), SOON);
    lines.close();
  });

  it("lines of the same time keep the order of their attempt", () => {
    const line = (name: string, index: number, ms: number) =>
      ({ task: name, attempt: 1, index, at: ms, level: "info", message: "", fields: null }) as const;
    const ordered = inOrder([
      [line("a", 0, 5), line("a", 1, 5)],
      [line("b", 0, 4), line("b", 1, 5)],
    ]);
    expect(ordered.map(({ task: name, index }) => `${name}${index}`)).toEqual(["b0", "a0", "a1", "b1"]);
  });
});
