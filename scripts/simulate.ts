/**
 * `npm run simulate`: simulates many seeded worlds with faults, and prints the events of one that
 * breaks an invariant.
 */
import { parseArgs, styleText } from "node:util";
import { simulateSeeds, type Tally } from "../test/engine-simulation/seeds/batch.ts";
import { FAULTS, type Fault } from "../src/testing/ground/faults.ts";
import type { Limits, Live } from "../src/testing/ground/ground.ts";
import { THEMES } from "../test/engine-simulation/themes.ts";
import { NO_LIMITS, replayCommand, shrink } from "../test/engine-simulation/seeds/shrink.ts";
import { openWorlds } from "../test/engine-simulation/worlds.ts";

const THEME_NAMES = THEMES.map(({ name }) => name);

const HELP = `npm run simulate [-- --seeds N --from S | --seed K] [--seconds N] [--failures N] [--json]

Runs the real worker on a simulated platform of objects, storage, queues, R2, clocks, network and
isolates that fail, one world a seed, and checks the invariants of the design after every step. The
first seed that breaks one is made as small as it stays broken, and its story is printed with the
command that replays it.

  --seeds N      how many seeds (default 1000; with --seconds as many as there are)
  --from S       the first of them (default 1)
  --seconds N    no seed begins after so many seconds
  --failures N   no seed begins after so many have broken an invariant (default 1)
  --threads N    how many threads (default 2)
  --seed K       one seed, with its story
  --without F    kinds of faults that do not occur, comma separated:
                 ${FAULTS.slice(0, 9).join(", ")},
                 ${FAULTS.slice(9, 17).join(", ")},
                 ${FAULTS.slice(17).join(", ")}
  --theme NAME   worlds about one thing only: ${THEME_NAMES.slice(0, 6).join(", ")},
                 ${THEME_NAMES.slice(6, 15).join(", ")},
                 ${THEME_NAMES.slice(15).join(", ")}
  --no-quick     no quick worlds: with them, most are small and without schedules
  --faults N     how many faults strike at most
  --triggers N   how many triggers there are at most (default ${NO_LIMITS.triggers})
  --tasks N      how many tasks a pipeline has at most (default ${NO_LIMITS.tasks})
  --json         one JSON object: {seeds, from, seconds, cpu_seconds, seeds_per_second, events,
                 faults, kinds, runs, tasks, violation}; cpu_ms_per_seed is a mean, and
                 ordinary the same of the worlds of at most 3,000 events
  --help         this text

Exit code: 0 if every invariant held, 1 if one did not, 2 if the command was called wrongly.`;

/** The maximum number of lines in a story. The last lines are kept, as they matter most. */
const STORY_LINES = 80;

class UsageError extends Error {}

interface Command {
  readonly seeds: number;
  readonly from: number;
  readonly threads: number;
  readonly forMs: number;
  readonly failures: number;
  readonly seed: number | null;
  readonly limits: Limits;
  readonly json: boolean;
  readonly help: boolean;
}

function readCommand(args: readonly string[]): Command {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    seeds: text,
    from: text,
    threads: text,
    seconds: text,
    failures: text,
    seed: text,
    without: text,
    theme: text,
    faults: text,
    triggers: text,
    tasks: text,
    "no-quick": flag,
    json: flag,
    help: flag,
  };
  const { values } = parseArgs({ args: [...args], options });
  const whole = (
    name: string,
    value: string | undefined,
    least: number,
    otherwise: number,
  ): number => {
    if (value === undefined) return otherwise;
    const number = Number(value);
    if (Number.isSafeInteger(number) && number >= least && value.trim() !== "") return number;
    throw new UsageError(`--${name} is a whole number from ${least}, given "${value}"`);
  };
  return {
    seeds: whole(
      "seeds",
      values.seeds,
      1,
      values.seconds === undefined ? 1_000 : Number.MAX_SAFE_INTEGER,
    ),
    from: whole("from", values.from, 0, 1),
    threads: whole("threads", values.threads, 1, 2),
    forMs: whole("seconds", values.seconds, 1, Number.POSITIVE_INFINITY) * 1_000,
    failures: whole("failures", values.failures, 1, 1),
    seed: values.seed === undefined ? null : whole("seed", values.seed, 0, 0),
    limits: {
      without: new Set(
        (values.without ?? "").split(",").flatMap((name) => (name === "" ? [] : [faultOf(name)])),
      ),
      ...(values.theme !== undefined && { theme: themeNamed(values.theme) }),
      ...(values["no-quick"] === true && { quick: false }),
      faults: whole("faults", values.faults, 0, NO_LIMITS.faults),
      triggers: whole("triggers", values.triggers, 1, NO_LIMITS.triggers),
      tasks: whole("tasks", values.tasks, 1, NO_LIMITS.tasks),
    },
    json: values.json === true,
    help: values.help === true,
  };
}

function themeNamed(name: string): string {
  if (THEME_NAMES.includes(name)) return name;
  throw new UsageError(`--theme knows no "${name}"; there are ${THEME_NAMES.join(", ")}`);
}

function faultOf(name: string): Fault {
  const fault = FAULTS.find((known) => known === name);
  if (fault === undefined)
    throw new UsageError(`--without knows no fault "${name}"; there are ${FAULTS.join(", ")}`);
  return fault;
}

interface Found {
  readonly seed: number;
  readonly invariant: string;
  readonly detail: string;
  readonly replay: string;
  readonly story: readonly string[];
}

async function findSmallest(
  live: Live,
  seed: number,
  limits: Limits,
  invariant: string,
): Promise<Found> {
  const smallest = await shrink(live, seed, limits, invariant);
  const { violation, story } = await live(seed, smallest, true);
  const [detail, replay] = [violation?.detail ?? "", replayCommand(seed, smallest)];
  return { seed, invariant, detail, replay, story };
}

/** Prints the story of a broken invariant, and how to replay the seed. */
function tell({ seed, invariant, detail, replay, story }: Found): void {
  const left = story.length - STORY_LINES;
  console.log(styleText("red", `seed ${seed} breaks the invariant "${invariant}":`), detail);
  console.log(left > 0 ? `\n… ${left} lines before\n` : "");
  for (const line of story.slice(-STORY_LINES)) console.log(line);
  console.log(`\nreplay it: ${replay}`);
}

async function simulateMany({
  from,
  seeds,
  threads,
  limits,
  json,
  forMs,
  failures,
}: Command): Promise<number> {
  const startedAt = performance.now();
  const progress = (done: number): void => {
    if (process.stderr.isTTY && !json) process.stderr.write(`\r${done} seeds `);
  };
  const { live, thread } = await openWorlds();
  const tally = await simulateSeeds(
    thread,
    { from, seeds, limits, threads, forMs, failures },
    progress,
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1_000_000;
  const [first] = tally.failures;
  const found =
    first === undefined
      ? null
      : await findSmallest(live, first.seed, limits, first.violation.invariant);
  if (json) {
    const violations = tally.failures.map(({ seed, violation }) => ({ seed, ...violation }));
    const said = { ...figures(tally, seconds, cpuSeconds), from, violation: found, violations };
    console.log(JSON.stringify(said));
  } else {
    if (process.stderr.isTTY) process.stderr.write("\r");
    if (found !== null) {
      tell(found);
      for (const { seed, violation } of tally.failures.slice(1))
        console.log(
          `seed ${seed} breaks the invariant "${violation.invariant}" too:`,
          violation.detail,
        );
    } else
      console.log(
        `${tally.seeds} seeds, every invariant held: ` +
          JSON.stringify(figures(tally, seconds, cpuSeconds)),
      );
  }
  return found === null ? 0 : 1;
}

function figures(
  { seeds, events, faults, kinds, runs, tasks, cpuMs, cpuMsOfEach, ordinary }: Tally,
  seconds: number,
  cpuSeconds: number,
): Readonly<Record<string, unknown>> {
  // Threads of the garbage collector and of the compiler add to the CPU time of the worlds.
  const share = cpuMs === 0 ? 0 : (cpuSeconds * 1_000) / cpuMs;
  const ordinaryMs = (share * ordinary.cpuMs) / Math.max(1, ordinary.seeds);
  return {
    seeds,
    seconds: Number(seconds.toFixed(2)),
    // The CPU time of all threads, independent of other load on the machine.
    cpu_seconds: Number(cpuSeconds.toFixed(2)),
    seeds_per_second: Math.round(seeds / seconds),
    cpu_ms_per_seed: Number(((cpuSeconds * 1_000) / Math.max(1, seeds)).toFixed(2)),
    median_cpu_ms_per_seed: Number((share * medianOf(cpuMsOfEach)).toFixed(2)),
    ordinary: {
      seeds: ordinary.seeds,
      cpu_ms_per_seed: Number(ordinaryMs.toFixed(2)),
      median_cpu_ms_per_seed: Number((share * medianOf(ordinary.cpuMsOfEach)).toFixed(2)),
      seeds_per_second_and_core: Math.round(1_000 / Math.max(1, ordinaryMs)),
    },
    events,
    faults,
    kinds: kinds.size,
    runs,
    tasks,
  };
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

async function simulateOne(seed: number, limits: Limits, json: boolean): Promise<number> {
  const { live } = await openWorlds();
  const { violation, story, events, faults, runs, tasks } = await live(seed, limits, true);
  if (json) console.log(JSON.stringify({ seed, events, faults, runs, tasks, violation, story }));
  else {
    for (const line of story) console.log(line);
    console.log(
      violation === null
        ? "every invariant held"
        : `the invariant "${violation.invariant}" does not hold: ${violation.detail}`,
    );
  }
  return violation === null ? 0 : 1;
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2));
  if (command.help) {
    console.log(HELP);
    return 0;
  }
  const { seed, limits, json } = command;
  return seed === null ? simulateMany(command) : simulateOne(seed, limits, json);
}

try {
  process.exitCode = await main();
} catch (error) {
  const wrongUse =
    error instanceof UsageError ||
    (error instanceof TypeError &&
      "code" in error &&
      String(error.code).startsWith("ERR_PARSE_ARGS"));
  if (!wrongUse) throw error;
  console.error(`${error.message}\nsee: npm run simulate -- --help`);
  process.exitCode = 2;
}
