/** Collects the results of the test runs: the noticed changes, and the remaining work of a run. */
import * as z from "zod";

const names = z.array(z.string());
const LINE = z.union([
  z.object({ ended: z.string() }),
  /** A test file that could not be loaded. */
  z.object({ unloaded: z.string() }),
  z.object({
    file: z.string(),
    title: z.string(),
    id: z.string(),
    reached: names,
    noticed: names,
    untried: names,
    fails: z.enum(["always", "afterwards"]).optional(),
  }),
  /** Written before a test with a change begins, and after a test has noticed the change. */
  z.object({
    file: z.string(),
    title: z.string(),
    timeout: z.number(),
    trying: z.string().optional(),
    noticed: z.string().optional(),
  }),
]);

/** The number of runs in which a slow test continues with the remaining changes. */
const MOST_GOES = 2;
/**
 * The grace period after the time limit of a test, in milliseconds. A test without a result by then
 * is an endless loop, which no timer can interrupt.
 */
const BEYOND_TIMEOUT_MS = 20_000;

interface Begun {
  /** The active change; null during a test of the original code. */
  readonly name: string | null;
  readonly title: string;
  readonly until: number;
}

export class Progress {
  /** The test that noticed a change, by the change's name. */
  readonly noticed = new Map<string, string>();
  readonly reached = new Set<string>();
  /** Tests that fail without any change, and files that could not be loaded. */
  readonly failing = new Set<string>();
  /** Test files without remaining changes. */
  readonly ended = new Set<string>();
  /** The remaining changes of a test, by the test's id. */
  readonly untried: Record<string, readonly string[]> = {};

  readonly #names: ReadonlySet<string>;
  /** The running test of each file. */
  readonly #begun = new Map<string, Begun>();
  /** Tests with remaining changes in this run, by file. */
  readonly #left = new Map<string, string[]>();
  readonly #spoilt = new Set<string>();
  readonly #endedNow = new Set<string>();
  #runs = 0;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
  }

  /** Adds a line of a run's report. Throws `ZodError` for a malformed line. */
  add(text: string, now: number): void {
    const line = LINE.parse(JSON.parse(text));
    if ("ended" in line) {
      this.#begun.delete(line.ended);
      this.#endedNow.add(line.ended);
      return;
    }
    if ("unloaded" in line) {
      this.failing.add(`${line.unloaded}: could not be loaded`);
      this.#spoilt.add(line.unloaded);
      this.#endedNow.add(line.unloaded);
      return;
    }
    const test = `${line.file}: ${line.title}`;
    if ("timeout" in line) {
      const { file, title, trying = null, noticed } = line;
      if (noticed !== undefined) this.noticed.set(noticed, test);
      const until = now + line.timeout + BEYOND_TIMEOUT_MS;
      this.#begun.set(file, { name: trying, title, until });
      return;
    }
    this.#begun.delete(line.file);
    for (const name of line.reached) this.reached.add(name);
    for (const name of line.noticed) this.noticed.set(name, test);
    this.untried[line.id] = line.untried;
    if (line.untried.length > 0)
      this.#left.set(line.file, [...(this.#left.get(line.file) ?? []), line.id]);
    if (line.fails === "always") this.failing.add(test);
    if (line.fails === "afterwards") this.#spoilt.add(line.file);
  }

  /** Finds endless tests. The active change of an endless test counts as noticed. */
  giveUp(now: number): boolean {
    const stopped = [...this.#begun].filter(([, { until }]) => now > until);
    for (const [file, { name, title }] of stopped)
      if (name !== null) this.noticed.set(name, `${file}: ${title}`);
    return stopped.length > 0;
  }

  /** Ends a run. Returns true if no change remains for another run. */
  nextRun(): boolean {
    const isLeft = (id: string): boolean =>
      this.untried[id]?.some((name) => this.#names.has(name) && !this.noticed.has(name)) ?? false;
    this.#runs += 1;
    const goesOn = (file: string): boolean =>
      this.#runs < MOST_GOES && (this.#left.get(file)?.some(isLeft) ?? false);
    const open = [...this.#endedNow].filter((file) => this.#spoilt.has(file) || goesOn(file));
    for (const file of this.#endedNow) if (!open.includes(file)) this.ended.add(file);
    this.#begun.clear();
    this.#left.clear();
    this.#spoilt.clear();
    this.#endedNow.clear();
    return open.length === 0;
  }
}
