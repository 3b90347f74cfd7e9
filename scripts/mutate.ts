/**
 * `npm run mutate`: makes many small changes to the source, one at a time, and reports the changes
 * that no test notices. See test/mutation/README.md.
 */
import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { commitOf } from "./commit.ts";
import { type Explained, outdated, readExplained, reasonOf } from "./mutate/explained.ts";
import { type Mutant, mutate, nameOf } from "./mutate/mutants.ts";
import { type Figures, intervalOf, keepMutations } from "./mutate/report.ts";
import {
  changedLines,
  type Folder,
  folderOf,
  FOLDERS,
  sourcesIn,
  testsOf,
} from "./mutate/scope.ts";
import { type Trial, tryOut } from "./mutate/trial.ts";

const HELP = `npm run mutate [-- [path ...] [--changed] [--since COMMIT] [--sample N] [--seconds N]
                   [--least N] [--json] [--into FILE]]

Changes src/{${FOLDERS.join(",")}} in small ways, and runs the tests of each folder against every
change.

  npm run mutate                         all of it: for an hour or more
  npm run mutate -- src/limits           what is below this path
  npm run mutate -- --changed            lines that are not as in the last commit but one
  npm run mutate -- --since v0.2.0       lines that are not as in this commit
  --sample N     tries N changes of each folder, drawn with PEACH_TEST_SEED
  --seconds N    ends after this time, with what is known by then; which changes are tried is drawn
                 then (PEACH_TEST_SEED)
  --least N      exit code 1 if fewer than N of 100 were noticed, of twenty or more
  --json         one JSON object
  --into FILE    keeps the figures of each folder that was tried as a whole, or by a sample, in
                 this file (docs/proof/mutation.json)

Exit code: 0, 1 as --least says, 2 if the command was called wrongly.`;

/** The number of mutants per second in a run with a time limit, on an idle machine. */
const MUTANTS_A_SECOND = 3;

/** The least sample: in a smaller sample, changes without a possible test may dominate. */
const ENOUGH = 20;

interface Options {
  readonly paths: readonly string[];
  readonly since: string | null;
  readonly sample: number;
  readonly seconds: number;
  readonly least: number;
  readonly json: boolean;
  readonly into: string | null;
  readonly help: boolean;
}

/** Parses the command line. */
function optionsOf(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      changed: { type: "boolean", default: false },
      since: { type: "string" },
      sample: { type: "string", default: "Infinity" },
      seconds: { type: "string", default: "Infinity" },
      least: { type: "string", default: "0" },
      json: { type: "boolean", default: false },
      into: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const [seconds, least] = [Number(values.seconds), Number(values.least)];
  const sample = Number(values.sample);
  if (!(seconds > 0) || !(least >= 0 && least <= 100) || !(sample > 0))
    throw new Error("--sample, --seconds and --least are numbers");
  const since = values.since ?? (values.changed ? "HEAD~1" : null);
  const { json, help, into = null } = values;
  return { paths: positionals, since, sample, seconds, least, json, into, help };
}

/** Finds the possible changes in these files and lines. */
function mutantsOf({ paths, since }: Pick<Options, "paths" | "since">): Mutant[] {
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

/** Draws a sample of each folder. */
function sampled(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  const byFolder = Map.groupBy(mutants, ({ file }) => folderOf(file));
  return [...byFolder.values()].flatMap((mine) => drawn(mine, count, seed));
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
  const chosen = drawn(
    sampled(all, options.sample, seed),
    options.seconds * MUTANTS_A_SECOND,
    seed,
  );
  const until = Date.now() + options.seconds * 1_000;
  const tell = (text: string): void => (options.json ? undefined : console.log(text));
  tell(
    `${chosen.length} of ${all.length} changes${chosen.length < all.length ? `, drawn with PEACH_TEST_SEED=${seed}` : ""}`,
  );

  const known = readExplained();
  const everything = mutantsOf({ paths: [], since: null });
  const folders: Record<string, Figures> = {};
  const failing: string[] = [];
  for (const folder of FOLDERS) {
    const mine = chosen.filter(({ file }) => folderOf(file) === folder);
    if (mine.length === 0 || Date.now() >= until) continue;
    const begunAt = Date.now();
    const trial = await tryOut(mine, testsOf(folder), until);
    const all = everything.filter(({ file }) => folderOf(file) === folder);
    const isSample = mine.length < all.length;
    const figures = {
      ...figuresOf(mine, trial, known, begunAt),
      ...(isSample ? { drawn_from: all.length, seed } : {}),
    };
    folders[folder] = figures;
    failing.push(...trial.failing);
    tell(summaryOf(folder, figures));
    for (const line of figures.missed) tell(`  ${line}`);
    const isOfAll = mine.length === Math.min(options.sample, all.length);
    if (options.into !== null && trial.hasEnded && isOfAll && isWhole(options, folder))
      keepMutations(options.into, { [folder]: figures });
  }
  const sum = (of: (one: Figures) => number): number =>
    Object.values(folders).reduce((total, one) => total + of(one), 0);
  const tried = sum((one) => one.tried);
  const answered = sum((one) => one.noticed + one.explained);
  for (const test of failing) tell(`fails without any change: ${test}`);
  for (const old of outdated(known, everything))
    tell(`explained, but there is no such change: ${old}`);
  if (options.json) console.log(JSON.stringify({ folders, failing }, null, 2));
  else console.log(resultOf(answered, tried, chosen.length));
  const percent = tried === 0 ? 100 : (100 * answered) / tried;
  return tried >= ENOUGH && percent < options.least ? 1 : 0;
}

/** Tests if the sample was drawn from all of a folder. */
function isWhole({ paths, since }: Options, folder: Folder): boolean {
  const isIn = (path: string): boolean => `src/${folder}/`.startsWith(path);
  return since === null && (paths.length === 0 || paths.some(isIn));
}

function figuresOf(
  mutants: readonly Mutant[],
  { noticed, reached, hasEnded }: Trial,
  known: Explained,
  begunAt: number,
): Figures {
  // A test that did not run may notice a remaining change.
  const left = hasEnded ? mutants.filter((one) => !noticed.has(nameOf(one))) : [];
  const missed = left.filter((one) => reasonOf(known, one) === null);
  return {
    commit: commitOf(),
    taken_at: new Date(begunAt).toISOString(),
    seconds: Math.round((Date.now() - begunAt) / 1_000),
    tried: noticed.size + left.length,
    noticed: noticed.size,
    explained: left.length - missed.length,
    missed: missed.map((one) => describe(one, reached.has(nameOf(one)))),
  };
}

function resultOf(answered: number, tried: number, chosen: number): string {
  const result = `${answered} of ${tried} changes were noticed, or are explained`;
  if (tried < chosen)
    return `${result}; the time was over before anything was known of ${chosen - tried} others`;
  return tried === 0 ? result : `${result} (${((100 * answered) / tried).toFixed(1)} %)`;
}

function summaryOf(folder: Folder, figures: Figures): string {
  const { noticed, explained, tried, seconds, drawn_from: all } = figures;
  const share =
    all === undefined ? "" : `; of all ${all} ${intervalOf(noticed + explained, tried)}`;
  return `src/${folder}: ${noticed} of ${tried} noticed, ${explained} explained${share}, in ${seconds} s`;
}

function describe({ file, line, was, becomes }: Mutant, isReached: boolean): string {
  const short = (text: string): string => text.replaceAll(/\s+/g, " ").slice(0, 160);
  return `${file}:${line}${isReached ? "" : " (no test comes by)"}: ${short(was)} → ${short(becomes)}`;
}

process.exitCode = await main(process.argv.slice(2));
