/**
 * The vitest reporter behind the last line of `npm test`. Counts tests, not files, and writes the
 * counts to the file in `PEACH_TEST_SUMMARY`. Errors outside of tests (a file that cannot be
 * loaded, an unhandled error) count as failures.
 *
 * Also ends a run without progress. A test in the workers pool that awaits a promise of another
 * invocation loses the test's timeout, and vitest would wait forever.
 */
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, Vitest } from "vitest/node";

/**
 * The time without progress after which a run is ended: longer than any test may take.
 * `PEACH_TEST_STALL_MS` sets another.
 */
const STALL_MS = 300_000;

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

type RunEnd = Parameters<NonNullable<Reporter["onTestRunEnd"]>>;
type TestModule = RunEnd[0][number];

/** Renders the last line: `N passed, N failed`, and the skipped ones if there are any. */
export function summaryLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Lists files with skipped tests and how to run them; empty if none was skipped. */
export function skippedLines(skippedIn: ReadonlyMap<string, number>): string[] {
  if (skippedIn.size === 0) return [];
  return [
    "Skipped:",
    ...[...skippedIn].map(([file, count]) => `  ${file} (${count})`),
    "They need a program that is missing here (chromium, python3, redis-server, influxd), Linux, " +
      "more time and npm's registry (PEACH_TEST_LONG=1 npm test), or seeds of their own " +
      "(PEACH_TEST_SEED=1 npm test). .ci/run has all of it.",
  ];
}

function countModule(module: TestModule): TestCounts {
  const states = [...module.children.allTests()].map((test) => test.result().state);
  const suites = [module, ...module.children.allSuites()];
  return {
    passed: states.filter((state) => state === "passed").length,
    // A test without a result ("pending") was lost with its file. Errors of a file or suite come
    // from its imports and hooks.
    failed:
      states.filter((state) => state === "failed" || state === "pending").length +
      suites.filter((suite) => suite.errors().length > 0).length,
    skipped: states.filter((state) => state === "skipped").length,
  };
}

function writeSummary(modules: readonly TestModule[], furtherFailures: number): void {
  const path = process.env["PEACH_TEST_SUMMARY"];
  if (path === undefined) return;
  const counts = modules.map(countModule);
  const sum = (count: (counts: TestCounts) => number): number =>
    counts.reduce((total, one) => total + count(one), 0);
  const summary: TestCounts = {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed) + furtherFailures,
    skipped: sum(({ skipped }) => skipped),
  };
  writeFileSync(path, JSON.stringify(summary));
}

export default class TestSummary implements Reporter {
  #isWhole = true;
  readonly #running = new Set<TestModule>();
  readonly #ended = new Set<TestModule>();
  #stall: NodeJS.Timeout | undefined;

  onInit(vitest: Vitest): void {
    // A user who selects tests by name knows that the rest is skipped.
    this.#isWhole = vitest.config.testNamePattern === undefined;
  }

  onTestRunStart(): void {
    this.#progress();
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.add(module);
    this.#progress();
  }

  onTestCaseResult(): void {
    this.#progress();
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module);
    this.#ended.add(module);
    this.#progress();
  }

  onTestRunEnd(modules: RunEnd[0], unhandledErrors: RunEnd[1]): void {
    clearTimeout(this.#stall);
    writeSummary(modules, unhandledErrors.length);
    if (!this.#isWhole) return;
    const skipped = modules.map(
      (module) => [relative("", module.moduleId), countModule(module).skipped] as const,
    );
    for (const line of skippedLines(new Map(skipped.filter(([, count]) => count > 0))))
      console.log(line);
  }

  #progress(): void {
    clearTimeout(this.#stall);
    const stallMs = Number(process.env["PEACH_TEST_STALL_MS"] ?? STALL_MS);
    this.#stall = setTimeout(() => this.#giveUp(stallMs), stallMs);
  }

  #giveUp(stallMs: number): void {
    const files = [...this.#running].map(({ moduleId }) => relative("", moduleId));
    console.error(
      `No test has ended for ${stallMs / 1000} s; given up. Running: ${files.join(", ") || "none"}`,
    );
    writeSummary([...this.#ended, ...this.#running], 1);
    // The runtimes of the pool end with this process.
    process.exit(1);
  }
}
