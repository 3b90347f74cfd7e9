import { Listr, type ListrRendererValue } from "listr2";

/** Narrower, a live display is unreadable. */
const MIN_COLUMNS = 40;

/** A line of the display. */
export interface DisplayLine {
  /** What it says; once it is done, what it said last. */
  title: string;
  /** What it says below its title meanwhile. */
  output: string;
}

/** How the work behind a line ended. */
export type LineEnd = "succeeded" | "failed" | "skipped";

export interface LineOfWork {
  readonly title: string;
  readonly work: (line: DisplayLine) => Promise<LineEnd>;
}

/** What a command does, as it goes on: live in a terminal, plain lines elsewhere, nothing if silent. */
export class Display {
  readonly #renderer: ListrRendererValue;

  constructor(silent: boolean) {
    const { isTTY, columns } = process.stdout;
    this.#renderer = silent ? "silent" : isTTY && columns >= MIN_COLUMNS ? "default" : "simple";
  }

  /** Shows a line while the work behind it is done; its result, or its rejection. */
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

  /** Shows a line for each while all the work is done. */
  async together(lines: readonly LineOfWork[]): Promise<void> {
    const tasks = lines.map(({ title, work }) => ({
      title,
      task: async (_context: unknown, line: DisplayLine & { skip(message?: string): void }) => {
        const end = await work(line);
        // Only signs: the title says how it ended, and why it failed is the command's to tell.
        if (end === "skipped") line.skip("did not run");
        if (end === "failed") throw new Error("see below");
      },
    }));
    await new Listr(tasks, {
      renderer: this.#renderer,
      rendererOptions: { showErrorMessage: false, showSkipMessage: false },
      concurrent: true,
      exitOnError: false,
      // Signals are the command's own affair: it has something to end first.
      registerSignalListeners: false,
    }).run();
  }
}
