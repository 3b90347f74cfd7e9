/**
 * `simulate`: the same test in many worlds, in each of which other things go wrong: workers die,
 * messages are lost, doubled and late, calls hang. Each world is drawn from a seed, and the same
 * seed lives the same life again.
 */
import { Dice } from "./ground/dice.ts";
import type { Fault } from "./ground/faults.ts";
import { RUN_ID } from "./snapshot.ts";
import { openPipeline, type TestPipeline, type TestPipelineOptions } from "./pipeline.ts";
import type { Mocks } from "./registry.ts";

/** Kinds of faults, by the name that a test uses. */
const FAULT_GROUPS = {
  /** Messages of queues that never arrive. */
  lost_messages: ["message_lost", "send_failed"],
  /** Messages and alarms that come twice. */
  double_deliveries: ["message_doubled", "alarm_doubled"],
  /** Messages and alarms that come late, and so in another order. */
  reordering: ["message_late", "alarm_late"],
  /** Invocations, objects and isolates that end at any await. */
  dead_workers: [
    "crash",
    "isolate_crash",
    "consumer_killed",
    "reset_before_commit",
    "reset_after_commit",
  ],
  /** Calls that fail, with or without effect, and objects that refuse calls for a while. */
  lost_calls: ["call_lost", "answer_lost", "overload"],
  /** Calls that are never answered. */
  hanging_calls: ["call_hangs"],
} as const satisfies Record<string, readonly Fault[]>;

/** A kind of faults. */
export type FaultGroup = keyof typeof FAULT_GROUPS;

/** The state of one seed, made by `state`; empty without it. */
type State = Record<string, unknown>;

/** Options of `simulate`. */
export interface SimulateOptions extends Omit<TestPipelineOptions, "seed" | "mocks" | "env"> {
  /** The number of worlds. Default: 100. */
  readonly seeds?: number;
  /** Only the world of this seed: as the error of a failed simulation says. */
  readonly seed?: number;
  /** The faults that may strike. Default: all. */
  readonly faults?: readonly FaultGroup[];
  /** Functions in the place of tasks; or made for each seed, with its `state`. */
  readonly mocks?: Mocks | ((state: State) => Mocks);
  /** Values of the worker's `env`; or made for each seed, with its `state`. */
  readonly env?: Readonly<Record<string, unknown>> | ((state: State) => Record<string, unknown>);
  /** Makes the state of a seed, which is `peach.state`. Default: an empty object. */
  readonly state?: () => State;
  /** Acts in each world. A trigger whose answer was lost is sent again. */
  readonly scenario: (peach: TestPipeline) => unknown;
  /** Looks at each world when everything is at rest. Throws if something is wrong. */
  readonly check?: (peach: TestPipeline) => unknown;
}

/** The summary of a simulation that held. */
export interface SimulationSummary {
  /** The number of worlds. */
  readonly seeds: number;
  /** Faults that have struck, in all worlds. */
  readonly faults: number;
}

/** A world in which the scenario, the check or a run failed. `cause` is the error. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
  readonly seed: number;
  readonly #story: readonly string[];

  constructor(seed: number, cause: unknown, story: readonly string[]) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const shown = readable(story);
    super(
      `seed ${seed}: ${reason}\n\n${shown.join("\n")}\n\nLive through it again: simulate({ seed: ${seed}, … })`,
      { cause },
    );
    this.seed = seed;
    this.#story = story;
  }

  /** The events of the world, in order. No own property: test runners print those of an error. */
  get story(): readonly string[] {
    return this.#story;
  }
}

const DEFAULT_SEEDS = 100;
/** Time within which a world comes to rest after the last fault, in milliseconds. */
const REST_MS = 86_400_000;
/** Faults of one world. */
const MOST_FAULTS = 12;
/**
 * Deaths of one world: a task that is alone in three workers that die in a row is blamed for it.
 */
const MOST_DEATHS = 2;
/** Lines of a story in a message. */
const STORY_LINES = 60;

/**
 * Lives through the scenario in many worlds, one after the other. Rejects with a `SimulationError`
 * for the first world in which the scenario or the check throws, or a run never ends.
 *
 * @example
 * await simulate({
 *   seeds: 500,
 *   state: () => ({ charges: [] }),
 *   env: (state) => ({ BANK: { charge: (order) => state.charges.push(order) } }),
 *   scenario: (peach) => peach.trigger("charge", { order: 1 }),
 *   check: (peach) => expect(peach.state.charges).toEqual([1]),
 * });
 */
export async function simulate(options: SimulateOptions): Promise<SimulationSummary> {
  const { seeds = DEFAULT_SEEDS, seed } = options;
  if (!Number.isSafeInteger(seeds) || seeds < 1)
    throw new RangeError(`seeds is a whole number from 1, given ${seeds}`);
  const all = seed === undefined ? Array.from({ length: seeds }, (_, index) => index + 1) : [seed];
  let faults = 0;
  for (const each of all) {
    const lived = await live(each, options, false);
    faults += lived.faults;
    if (lived.error === null) continue;
    // The same seed again, this time with its story.
    const told = await live(each, options, true);
    throw new SimulationError(each, (told.error ?? lived.error).thrown, told.story);
  }
  return { seeds: all.length, faults };
}

interface Lived {
  readonly error: { readonly thrown: unknown } | null;
  readonly faults: number;
  readonly story: readonly string[];
}

async function live(seed: number, options: SimulateOptions, isTelling: boolean): Promise<Lived> {
  const state = options.state?.() ?? {};
  const { mocks = {}, env = {}, now = "2026-01-01T00:00:00Z" } = options;
  const dice = new Dice(seed).fork("what goes wrong");
  const peach = await openPipeline({
    ...options,
    now,
    seed,
    state,
    isTelling,
    mocks: typeof mocks === "function" ? mocks(state) : mocks,
    env: typeof env === "function" ? env(state) : env,
    faults: {
      rates: ratesOf(options, dice),
      most: dice.between(0, MOST_FAULTS),
      mostDeaths: MOST_DEATHS,
    },
  });
  let error: Lived["error"] = null;
  try {
    await options.scenario(peach);
    await peach.rest(REST_MS);
    await options.check?.(peach);
  } catch (thrown) {
    error = { thrown };
  } finally {
    peach.close();
  }
  return { error, faults: peach.struck, story: peach.story };
}

/** Draws the mixture of a seed: each fault never strikes, now and then, or often. */
function ratesOf({ faults }: SimulateOptions, dice: Dice): ReadonlyMap<Fault, number> {
  const groups = faults ?? FAULT_NAMES;
  return new Map(
    groups.flatMap((group) =>
      FAULT_GROUPS[group].map((fault): [Fault, number] => {
        const own = dice.fork(fault);
        return [fault, own.chance(0.4) ? 0 : own.pick([0.02, 0.08, 0.25])];
      }),
    ),
  );
}

const FAULT_NAMES = Object.keys(FAULT_GROUPS).filter(
  (name): name is FaultGroup => name in FAULT_GROUPS,
);

/** Selects the lines about the project's code and about faults. Shortens the names of runs. */
function readable(story: readonly string[]): readonly string[] {
  const names = new Map<string, string>();
  const lines = story
    .filter((line) => /(!! |>> | dies: |the clock )/.test(line))
    .map((line) =>
      line.replaceAll(RUN_ID, (id) => {
        const name = names.get(id) ?? `<run ${names.size + 1}>`;
        names.set(id, name);
        return name;
      }),
    );
  const left = lines.length - STORY_LINES;
  return left > 0 ? [`… ${left} lines before`, ...lines.slice(-STORY_LINES)] : lines;
}
