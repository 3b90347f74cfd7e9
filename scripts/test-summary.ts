/**
 * The vitest reporter behind the closing line of `npm test`: it counts tests, not files, and leaves the count in the file that
 * `PEACH_TEST_SUMMARY` names. What broke outside a test (a file that cannot be loaded, an unhandled error) is a failure as well.
 */
import { writeFileSync } from "node:fs";
import type { Reporter } from "vitest/node";

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

type RunEnd = Parameters<NonNullable<Reporter["onTestRunEnd"]>>;
type TestModule = RunEnd[0][number];

/** The closing line: `N passed, N failed`, and the skipped ones if there are any. */
export function summaryLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function countModule(module: TestModule): TestCounts {
  const states = [...module.children.allTests()].map((test) => test.result().state);
  const suites = [module, ...module.children.allSuites()];
  return {
    passed: states.filter((state) => state === "passed").length,
    // A test that never got its result ("pending") was lost with its file. Errors of a file or a suite are its import and its hooks.
    failed:
      states.filter((state) => state === "failed" || state === "pending").length +
      suites.filter((suite) => suite.errors().length > 0).length,
    skipped: states.filter((state) => state === "skipped").length,
  };
}

export default class TestSummary implements Reporter {
  onTestRunEnd(modules: RunEnd[0], unhandledErrors: RunEnd[1]): void {
    const path = process.env["PEACH_TEST_SUMMARY"];
    if (path === undefined) return;
    const counts = modules.map(countModule);
    const sum = (count: (counts: TestCounts) => number): number => counts.reduce((total, one) => total + count(one), 0);
    const summary: TestCounts = {
      passed: sum(({ passed }) => passed),
      failed: sum(({ failed }) => failed) + unhandledErrors.length,
      skipped: sum(({ skipped }) => skipped),
    };
    writeFileSync(path, JSON.stringify(summary));
  }
}
