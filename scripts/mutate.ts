/**
 * `npm run mutate`: makes many small changes to the source, one at a time, and reports the changes
 * that no test notices. See test/mutation/README.md.
 */
import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { type Mutant, mutate, nameOf } from "./mutate/mutants.ts";
import {
  changedLines,
  type Folder,
  folderOf,
  FOLDERS,
  sourcesIn,
  testsOf,
} from "./mutate/scope.ts";
import { tryOut } from "./mutate/trial.ts";

const HELP = `npm run mutate [-- [path ...] [--changed] [--since COMMIT] [--seconds N] [--least N] [--json]]

Changes src/{${FOLDERS.join(",")}} in small ways, and runs the tests of each folder against every
change.

  npm run mutate                         all of it: for an hour or more
  npm run mutate -- src/limits           what is below this path
  npm run mutate -- --changed            lines that are not as in the last commit but one
  npm run mutate -- --since v0.2.0       lines that are not as in this commit
  --seconds N    ends after this time, with what is known by then; which changes are tried is drawn
                 then (PEACH_TEST_SEED)
  --least N      exit code 1 if fewer than N of 100 were noticed, of twenty or more
  --json         one JSON object

Exit code: 0, 1 as --least says, 2 if the command was called wrongly.`;

/** The number of mutants per second in a run with a time limit, on an idle machine. */
const MUTANTS_A_SECOND = 3;

/** The least sample: in a smaller sample, changes without a possible test may dominate. */
const ENOUGH = 20;

interface Options {
  readonly paths: readonly string[];
  readonly since: string | null;
  readonly seconds: number;
  readonly least: number;
  readonly json: boolean;
  readonly help: boolean;
}

function optionsOf(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      changed: { type: "boolean", default: false },
      since: { type: "string" },
      seconds: { type: "string", default: "Infinity" },
      least: { type: "string", default: "0" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [seconds, least] = [Number(values.seconds), Number(values.least)];
  if (!(seconds > 0) || !(least >= 0 && least <= 100))
    throw new Error("--seconds and --least are numbers");
  const since = values.since ?? (values.changed ? "HEAD~1" : null);
  return { paths: positionals, since, seconds, least, json: values.json, help: values.help };
}

/** Finds the possible changes in these files and lines. */
function mutantsOf({ paths, since }: Options): Mutant[] {
  const lines = since === null ? null : changedLines(since);
  return sourcesIn(paths)
    .filter((file) => lines === null || lines.has(file))
    .flatMap((file) => mutate(file, readFileSync(file, "utf8")).mutants)
    .filter(({ file, line }) => lines?.get(file)?.has(line) ?? true);
}

/** Draws a sample, which is the same for the same seed. */
function drawn(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  if (mutants.length <= count) return mutants;
  let state = seed;
  const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  const places = mutants
    .map((mutant) => ({ mutant, place: next() }))
    .toSorted((one, other) => one.place - other.place);
  return places.slice(0, count).map(({ mutant }) => mutant);
}

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  let all: Mutant[];
  try {
    options = optionsOf(args);
    if (options.help) {
      console.log(HELP);
      return 0;
    }
    all = mutantsOf(options);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  const seed = Number(process.env["PEACH_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const chosen = drawn(all, Math.ceil(options.seconds * MUTANTS_A_SECOND), seed);
  const until = Date.now() + options.seconds * 1_000;
  const tell = (text: string): void => (options.json ? undefined : console.log(text));
  tell(
    `${chosen.length} of ${all.length} changes${chosen.length < all.length ? `, drawn with PEACH_TEST_SEED=${seed}` : ""}`,
  );

  let noticed = 0;
  const missed: { readonly mutant: Mutant; readonly isReached: boolean }[] = [];
  const failing: string[] = [];
  for (const folder of FOLDERS) {
    const mine = chosen.filter(({ file }) => folderOf(file) === folder);
    if (mine.length === 0 || Date.now() >= until) continue;
    const trial = await tryOut(mine, testsOf(folder), until);
    failing.push(...trial.failing);
    noticed += trial.noticed.size;
    tell(summaryOf(folder, trial.noticed.size, mine.length));
    // Tests that did not run might have noticed the remaining ones.
    if (!trial.hasEnded) continue;
    for (const mutant of mine.filter((one) => !trial.noticed.has(nameOf(one)))) {
      const isReached = trial.reached.has(nameOf(mutant));
      missed.push({ mutant, isReached });
      tell(describe(mutant, isReached));
    }
  }
  const tried = noticed + missed.length;
  const percent = tried === 0 ? 100 : (100 * noticed) / tried;
  for (const test of failing) tell(`fails without any change: ${test}`);
  if (options.json) console.log(JSON.stringify({ tried, noticed, missed, failing }, null, 2));
  else console.log(resultOf(noticed, tried, chosen.length));
  return tried >= ENOUGH && percent < options.least ? 1 : 0;
}

function resultOf(noticed: number, tried: number, chosen: number): string {
  const result = `${noticed} of ${tried} changes were noticed`;
  if (tried < chosen)
    return `${result}; the time was over before anything was known of ${chosen - tried} others`;
  return tried === 0 ? result : `${result} (${((100 * noticed) / tried).toFixed(1)} %)`;
}

function summaryOf(folder: Folder, noticed: number, of: number): string {
  return `src/${folder}: ${noticed} of ${of} noticed`;
}

function describe({ file, line, was, becomes }: Mutant, isReached: boolean): string {
  const short = (text: string): string => text.replaceAll(/\s+/g, " ").slice(0, 90);
  return `  ${file}:${line}${isReached ? "" : " (no test comes by)"}: ${short(was)} → ${short(becomes)}`;
}

process.exitCode = await main(process.argv.slice(2));
