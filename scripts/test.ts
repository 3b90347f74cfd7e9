/**
 * `npm test`: compiles the project, runs every test and closes with one plain line, `N passed, N failed`, whatever happens.
 * Arguments are vitest's: `npm test -- test/core`.
 */
import { join, resolve } from "node:path";
import { deleteTestFolder, makeTestFolder, testFoldersIn } from "./test-folder.ts";
import { runNode, runVitest } from "./test-run.ts";
import { summaryLine, type TestCounts } from "./test-summary.ts";

const HELP = `npm test [-- [filter ...] [vitest options]]

Compiles peach.conf, runs the tests and closes with one line: N passed, N failed[, N skipped].

  npm test                              everything
  npm test -- test/core                 the files whose path contains test/core
  npm test -- --project unit            one of: unit, workers, e2e
  npm test -- -t "joins"                the tests whose name matches

Exit code: 0 if nothing failed, else 1.`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  const compiled = (await runNode([resolve(import.meta.dirname, "compile.ts")], {}, "inherit")) === 0;
  const counts = compiled ? await runTests(args) : { passed: 0, failed: 1, skipped: 0 };
  console.log(summaryLine(counts));
  return counts.failed === 0 ? 0 : 1;
}

async function runTests(args: readonly string[]): Promise<TestCounts> {
  const folder = makeTestFolder(testFoldersIn());
  try {
    // Each process of the run, the runtimes under test among them, uses what another has compiled.
    return await runVitest(args, "inherit", { TMPDIR: folder, NODE_COMPILE_CACHE: join(folder, "compiled") });
  } finally {
    deleteTestFolder(folder);
  }
}

process.exitCode = await main(process.argv.slice(2));
