/** `npm run simulate`: lives through many seeded worlds with faults, and tells the story of one that breaks an invariant. */
import { parseArgs, styleText } from "node:util";
import { simulateSeeds, type Tally } from "../test/simulation/batch.ts";
import { FAULTS, type Fault } from "../test/simulation/faults.ts";
import type { Limits } from "../test/simulation/ground.ts";
import { NO_LIMITS, replayCommand, shrink } from "../test/simulation/shrink.ts";
import { simulate } from "../test/simulation/world.ts";

const HELP = `npm run simulate [-- --seeds N --from S | --seed K] [--json]

Runs the real run machine, store, run protocol, driver and executor protocol in a simulated world of queue, objects, R2, clock and
network that fails, one world a seed, and checks the invariants of the design after every step. The first seed that breaks one is
made as small as it stays broken, and its story is printed with the command that replays it.

  --seeds N      how many seeds (default 1000)
  --from S       the first of them (default 1)
  --threads N    how many threads (default 2)
  --seed K       one seed, with its story
  --without F    kinds of faults that do not occur, comma separated:
                 ${FAULTS.slice(0, 9).join(", ")},
                 ${FAULTS.slice(9).join(", ")}
  --faults N     how many faults strike at most
  --triggers N   how many triggers there are at most (default ${NO_LIMITS.triggers})
  --tasks N      how many tasks a pipeline has at most (default ${NO_LIMITS.tasks})
  --json         one JSON object: {seeds, from, seconds, seeds_per_second, events, faults, runs, tasks, violation}
  --help         this text

Exit code: 0 if every invariant held, 1 if one did not, 2 if the command was called wrongly.`;

/** What a story shows at most; the end matters. Lines. */
const STORY_LINES = 80;

class UsageError extends Error {}

interface Command {
  readonly seeds: number;
  readonly from: number;
  readonly threads: number;
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
    seed: text,
    without: text,
    faults: text,
    triggers: text,
    tasks: text,
    json: flag,
    help: flag,
  };
  const { values } = parseArgs({ args: [...args], options });
  const whole = (name: string, value: string | undefined, least: number, otherwise: number): number => {
    if (value === undefined) return otherwise;
    const number = Number(value);
    if (Number.isSafeInteger(number) && number >= least && value.trim() !== "") return number;
    throw new UsageError(`--${name} is a whole number from ${least}, given "${value}"`);
  };
  return {
    seeds: whole("seeds", values.seeds, 1, 1_000),
    from: whole("from", values.from, 0, 1),
    threads: whole("threads", values.threads, 1, 2),
    seed: values.seed === undefined ? null : whole("seed", values.seed, 0, 0),
    limits: {
      without: new Set((values.without ?? "").split(",").flatMap((name) => (name === "" ? [] : [faultOf(name)]))),
      faults: whole("faults", values.faults, 0, NO_LIMITS.faults),
      triggers: whole("triggers", values.triggers, 1, NO_LIMITS.triggers),
      tasks: whole("tasks", values.tasks, 1, NO_LIMITS.tasks),
    },
    json: values.json === true,
    help: values.help === true,
  };
}

function faultOf(name: string): Fault {
  const fault = FAULTS.find((known) => known === name);
  if (fault === undefined) throw new UsageError(`--without knows no fault "${name}"; there are ${FAULTS.join(", ")}`);
  return fault;
}

interface Found {
  readonly seed: number;
  readonly invariant: string;
  readonly detail: string;
  readonly replay: string;
  readonly story: readonly string[];
}

async function findSmallest(seed: number, limits: Limits, invariant: string): Promise<Found> {
  const smallest = await shrink(seed, limits, invariant);
  const { violation, story } = await simulate(seed, smallest, true);
  const [detail, replay] = [violation?.detail ?? "", replayCommand(seed, smallest)];
  return { seed, invariant, detail, replay, story };
}

function tell({ seed, invariant, detail, replay, story }: Found): void {
  const left = story.length - STORY_LINES;
  console.log(styleText("red", `seed ${seed} breaks the invariant "${invariant}":`), detail);
  console.log(left > 0 ? `\n… ${left} lines before\n` : "");
  for (const line of story.slice(-STORY_LINES)) console.log(line);
  console.log(`\nreplay it: ${replay}`);
}

async function simulateMany({ from, seeds, threads, limits, json }: Command): Promise<number> {
  const startedAt = performance.now();
  const progress = (done: number): void => {
    if (process.stderr.isTTY && !json) process.stderr.write(`\r${done} of ${seeds} seeds `);
  };
  const tally = await simulateSeeds(from, seeds, limits, threads, progress);
  const seconds = (performance.now() - startedAt) / 1000;
  const [first] = tally.failures;
  const found = first === undefined ? null : await findSmallest(first.seed, limits, first.violation.invariant);
  if (json) console.log(JSON.stringify({ ...figures(tally, seconds), from, violation: found }));
  else {
    if (process.stderr.isTTY) process.stderr.write("\r");
    if (found !== null) tell(found);
    else console.log(`${tally.seeds} seeds, every invariant held: ${JSON.stringify(figures(tally, seconds))}`);
  }
  return found === null ? 0 : 1;
}

function figures({ seeds, events, faults, kinds, runs, tasks }: Tally, seconds: number): Record<string, number> {
  const rounded = Number(seconds.toFixed(2));
  return {
    seeds,
    seconds: rounded,
    seeds_per_second: Math.round(seeds / seconds),
    events,
    faults,
    kinds: kinds.size,
    runs,
    tasks,
  };
}

async function simulateOne(seed: number, limits: Limits, json: boolean): Promise<number> {
  const { violation, story, events, faults, runs, tasks } = await simulate(seed, limits, true);
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
  return command.seed === null ? simulateMany(command) : simulateOne(command.seed, command.limits, command.json);
}

try {
  process.exitCode = await main();
} catch (error) {
  const wrongUse =
    error instanceof UsageError ||
    (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"));
  if (!wrongUse) throw error;
  console.error(`${error.message}\nsee: npm run simulate -- --help`);
  process.exitCode = 2;
}
