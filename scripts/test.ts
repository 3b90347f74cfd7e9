/**
 * `npm test`: compiles the project, runs every test, and always ends with a plain line, `N passed,
 * N failed`. Arguments are passed to vitest: `npm test -- test/domain`.
 */
import { resolve } from "node:path";
import { compileForTests } from "./test-compile.ts";
import { deleteTestFolder, makeTestFolder, testFoldersIn } from "./test-folder.ts";
import { projectsOf } from "./test-projects.ts";
import { runVitest, watchVitest } from "./test-run.ts";
import { summaryLine, type TestCounts } from "./test-summary.ts";

const HELP = `npm test [-- [filter ...] [vitest options]]

Compiles peach.conf, runs the tests and closes with one line: N passed, N failed[, N skipped].

  npm test                              everything
  npm test -- test/domain               the files whose path contains test/domain
  npm test -- --project unit            one of: unit, workers, e2e
  npm test -- -t "joins"                the tests whose name matches
  npm run test:unit                     those that need no runtime
  npm run test:changed [-- main]        those that import what has changed since the last commit, or
                                        since main
  npm run test:watch [-- test/domain]   again whenever something that they import changes, until
                                        Ctrl-C

Exit code: 0 if nothing failed, else 1.`;

const WATCH = "--watch";
const GENERATED = resolve(import.meta.dirname, "../src/generated");
/**
 * The cache of compiled files, shared by all processes of a run, the runtimes under test among
 * them, and by later runs.
 */
const COMPILED = resolve(import.meta.dirname, "../node_modules/.cache/peach-tests");

/**
 * Lets esbuild and the type checker, which are written in Go, collect garbage at a quarter of the
 * usual times: a fifth less processor time for some more memory.
 */
const GOGC = "400";

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  const filters = args.filter((arg) => !arg.startsWith("-"));
  const hasProject = args.some((arg) => arg.startsWith("--project"));
  // Other projects are not even started.
  const projects = hasProject ? [] : (projectsOf(filters) ?? []);
  const chosen = [
    ...args.filter((arg) => arg !== WATCH),
    ...projects.map((project) => `--project=${project}`),
  ];
  const compiled = compileForTests(GENERATED, process.env);
  if (args.includes(WATCH)) return compiled ? inFolder((env) => watchVitest(chosen, env)) : 1;
  const counts: TestCounts = compiled
    ? await inFolder((env) => runVitest(chosen, "inherit", env))
    : { passed: 0, failed: 1, skipped: 0 };
  console.log(summaryLine(counts));
  return counts.failed === 0 ? 0 : 1;
}

/** Runs a function with a folder for temporary files, and deletes the folder. */
async function inFolder<T>(run: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const folder = makeTestFolder(testFoldersIn());
  try {
    return await run({ TMPDIR: folder, NODE_COMPILE_CACHE: COMPILED, GOGC });
  } finally {
    deleteTestFolder(folder);
  }
}

process.exitCode = await main(process.argv.slice(2));
