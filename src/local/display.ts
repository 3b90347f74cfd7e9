import { styleText } from "node:util";

/** The least width of a terminal for a live display, in columns. */
const MIN_COLUMNS = 40;
/** The interval between two pictures of a live display. */
const REDRAW_MS = 100;
/** The pictures of the mark of a line at work, in turn. */
const SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
/**
 * Control sequences of a terminal: cutting long lines at the edge, wrapping long lines, and erasing
 * everything below the cursor.
 */
const [CUT, WRAP, ERASE] = ["\u001B[?7l", "\u001B[?7h", "\u001B[0J"];

/** A line of the display, which its work updates. */
export interface DisplayLine {
  /** The text of the line. The last one stays when the work is done. */
  title: string;
  /** The text below the title while the work goes on. */
  output: string;
}

/** The outcome of the work behind a line. */
export type LineEnd = "succeeded" | "failed" | "skipped";

/** A line and its work. */
export interface LineOfWork {
  readonly title: string;
  readonly work: (line: DisplayLine) => Promise<LineEnd>;
}

/** The stream that takes the display. */
export type DisplayOutput = Pick<NodeJS.WriteStream, "isTTY" | "columns" | "rows"> & {
  write(text: string): void;
};

/** A line of the display with its state. */
interface ShownLine extends DisplayLine {
  /** The outcome of the work; null while the work goes on. */
  end: LineEnd | null;
}

/** The colour and the mark of a line after its work. */
const MARKS = {
  succeeded: ["green", "✔"],
  failed: ["red", "✖"],
  skipped: ["yellow", "↓"],
} as const;

/**
 * Shows the progress of a command: live in a terminal, as plain lines elsewhere, not at all if
 * silent.
 */
export class Display {
  readonly #output: DisplayOutput;
  readonly #mode: "silent" | "live" | "plain";

  constructor(silent: boolean, output: DisplayOutput = process.stdout) {
    this.#output = output;
    this.#mode = silent
      ? "silent"
      : output.isTTY && output.columns >= MIN_COLUMNS
        ? "live"
        : "plain";
  }

  /** Shows a line during its work, and returns the result of the work. */
  async step<T>(title: string, work: (line: DisplayLine) => Promise<T>): Promise<T> {
    let result: Promise<T> | null = null;
    await this.together([
      {
        title,
        work: async (line) => {
          result = work(line);
          return result.then(
            () => "succeeded",
            () => "failed",
          );
        },
      },
    ]);
    if (result === null) throw new Error(`the step "${title}" was not shown`);
    return result;
  }

  /** Shows a line per piece of work, all running at once. Work that rejects counts as failed. */
  async together(works: readonly LineOfWork[]): Promise<void> {
    const lines = works.map(({ title }): ShownLine => ({ title, output: "", end: null }));
    const finish = this.#mode === "live" ? this.#drawLive(lines) : null;
    await Promise.all(
      works.map(async ({ work }, index) => {
        const line = lines[index];
        if (line === undefined) return;
        if (this.#mode === "plain") this.#output.write(`❯ ${line.title}\n`);
        line.end = await work(line).catch((): LineEnd => "failed");
        if (this.#mode === "plain") this.#output.write(`${this.#ended(line, line.end)}\n`);
      }),
    );
    finish?.();
  }

  /** Draws the lines again and again. Returns the function that draws them for the last time. */
  #drawLive(lines: readonly ShownLine[]): () => void {
    // The number of lines of the last picture, which the next picture replaces.
    let height = 0;
    let frame = 0;
    const draw = (texts: readonly string[]): void => {
      const up = height === 0 ? "" : `\u001B[${height}A`;
      // The terminal itself cuts a line: no count of columns is right for every script.
      this.#output.write(
        `${up}\r${ERASE}${CUT}${texts.map((text) => `${text}\n`).join("")}${WRAP}`,
      );
      height = texts.length;
    };
    const next = (): void => {
      frame += 1;
      draw(this.#picture(lines, SPINNER[frame % SPINNER.length] ?? ""));
    };
    next();
    const timer = setInterval(next, REDRAW_MS);
    return () => {
      clearInterval(timer);
      draw([]);
      // The last picture is whole, and scrolls if it is higher than the terminal.
      for (const line of lines) this.#output.write(`${this.#ended(line, line.end ?? "skipped")}\n`);
    };
  }

  /**
   * Renders the lines, with the output below each line at work. A terminal without room for all
   * lines shows the lines at work first, and the number of hidden lines.
   */
  #picture(lines: readonly ShownLine[], spinner: string): string[] {
    const room = Math.max(1, this.#output.rows - 2);
    const isTall = lines.length > room;
    const first = isTall
      ? lines.toSorted((a, b) => Number(a.end !== null) - Number(b.end !== null))
      : lines;
    const texts = first.flatMap((line) => {
      if (line.end !== null) return [this.#ended(line, line.end)];
      const below = line.output === "" ? [] : [`  › ${line.output}`];
      return [`${this.#paint("cyan", spinner)} ${line.title}`, ...below];
    });
    const shown = texts.slice(0, room);
    return texts.length > shown.length ? [...shown, `  and ${lines.length - room} more`] : shown;
  }

  /** Renders a line after its work. The output below the line is gone. */
  #ended({ title }: DisplayLine, end: LineEnd): string {
    const [colour, mark] = MARKS[end];
    return `${this.#paint(colour, mark)} ${title}`;
  }

  /** Colours a text in a live display only: other readers get no control characters. */
  #paint(colour: "cyan" | (typeof MARKS)[LineEnd][0], text: string): string {
    return this.#mode === "live" ? styleText(colour, text, { validateStream: false }) : text;
  }
}
