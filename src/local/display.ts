import { Listr, type ListrRendererValue } from "listr2";

/** The least width of a terminal for a live display, in columns. */
const MIN_COLUMNS = 40;

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

/**
 * Shows the progress of a command: live in a terminal, as plain lines elsewhere, not at all if
 * silent.
 */
export class Display {
  readonly #renderer: ListrRendererValue;

  constructor(silent: boolean) {
    const { isTTY, columns } = process.stdout;
    this.#renderer = silent ? "silent" : isTTY && columns >= MIN_COLUMNS ? "default" : "simple";
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

  /** Shows a line per piece of work, all running at once. */
  async together(lines: readonly LineOfWork[]): Promise<void> {
    const tasks = lines.map(({ title, work }) => ({
      title,
      task: async (_context: unknown, line: DisplayLine & { skip(message?: string): void }) => {
        const end = await work(line);
        // These messages are not shown: the title tells the outcome, and the command reports the
        // error.
        if (end === "skipped") line.skip("did not run");
        if (end === "failed") throw new Error("see below");
      },
    }));
    await new Listr(tasks, {
      renderer: this.#renderer,
      rendererOptions: { showErrorMessage: false, showSkipMessage: false },
      concurrent: true,
      exitOnError: false,
      // The command handles signals itself, since it has processes to end first.
      registerSignalListeners: false,
    }).run();
  }
}
