import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Display, type DisplayLine, type LineEnd } from "../../src/local/display.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A terminal that knows what the display uses: lines, going up, and erasing to the end. */
class Terminal {
  readonly columns = 80;
  readonly written: string[] = [];
  readonly isTTY: boolean;
  readonly rows: number;
  #lines: string[] = [];

  constructor(isTTY: boolean, rows = 24) {
    this.isTTY = isTTY;
    this.rows = rows;
  }

  write(text: string): void {
    this.written.push(text);
    const [, up = "0"] = /^.\[(\d+)A/.exec(text) ?? [];
    const kept = this.#lines.slice(0, this.#lines.length - Number(up));
    const rest = stripVTControlCharacters(text).replace("\r", "").split("\n").slice(0, -1);
    this.#lines = [...kept, ...rest];
  }

  /** What is to be seen, with one sign for each picture of the spinner. */
  get screen(): readonly string[] {
    return this.#lines.map((line) => line.replace(/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/u, "…"));
  }
}

/** Work that ends by hand. */
function scripted(title: string): {
  title: string;
  work: (line: DisplayLine) => Promise<LineEnd>;
  line: () => DisplayLine;
  end: (end: LineEnd) => void;
} {
  const { promise, resolve } = Promise.withResolvers<LineEnd>();
  let shown: DisplayLine = { title, output: "" };
  const work = (line: DisplayLine): Promise<LineEnd> => {
    shown = line;
    return promise;
  };
  return { title, work, line: () => shown, end: resolve };
}

describe("a display", () => {
  it("a display in a terminal redraws its lines in place, and leaves the last picture", async () => {
    const terminal = new Terminal(true);
    const [first, second] = [scripted("first"), scripted("second")];
    const shown = new Display(false, terminal).together([first, second]);
    expect(terminal.screen).toEqual(["… first", "… second"]);
    first.line().output = "half of it";
    second.end("skipped");
    await vi.advanceTimersByTimeAsync(150);
    expect(terminal.screen).toEqual(["… first", "  › half of it", "↓ second"]);
    first.line().title = "first is over";
    first.end("succeeded");
    await shown;
    expect(terminal.screen).toEqual(["✔ first is over", "↓ second"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a display with more lines than the terminal has shows those at work, and at its end all of them", async () => {
    const terminal = new Terminal(true, 5);
    const works = ["a", "b", "c", "d", "e"].map(scripted);
    const shown = new Display(false, terminal).together(works);
    expect(terminal.screen).toEqual(["… a", "… b", "… c", "  and 2 more"]);
    works[0]?.end("succeeded");
    await vi.advanceTimersByTimeAsync(150);
    expect(terminal.screen).toEqual(["… b", "… c", "… d", "  and 2 more"]);
    for (const work of works) work.end("failed");
    await shown;
    expect(terminal.screen).toEqual(["✔ a", "✖ b", "✖ c", "✖ d", "✖ e"]);
  });

  it("a display that is no terminal prints a line without colours when work begins, and another one when it is done", async () => {
    const terminal = new Terminal(false);
    const display = new Display(false, terminal);
    expect(await display.step("count", async (line) => ((line.title = "counted"), 7))).toBe(7);
    await expect(display.step("fall", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(terminal.written).toEqual(["❯ count\n", "✔ counted\n", "❯ fall\n", "✖ fall\n"]);
  });

  it("a silent display prints nothing", async () => {
    const terminal = new Terminal(true);
    expect(await new Display(true, terminal).step("count", async () => 7)).toBe(7);
    expect(terminal.written).toEqual([]);
  });
});
