/** Random pipelines: what peach.conf says of them, what their methods do, and who triggers them when. */
import type { Plan, RetryPolicy, TaskPlan } from "../../src/core/plan.ts";
import { STRATEGIES, type Strategy, type TaskLimits } from "../../src/core/limit.ts";
import { RUN_IFS } from "../../src/core/run-if.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import type { Dice } from "../engine-simulation/ground/dice.ts";
import type { Limits } from "../engine-simulation/ground/ground.ts";
import { drawLength } from "./lengths.ts";

/** Payloads above it go to R2. Bytes. */
const INLINE_LIMIT_BYTES = 200;
export const RETENTION_MS = 2 * 3_600_000;
/** The task that is told of failures. */
export const TOLD = "told";

/** What the method of a task does. */
export interface Behaviour {
  readonly workMs: number;
  /** So many of its recorded attempts throw, or hang until their time is up. */
  readonly throws: number;
  readonly how: "error" | "retry_after" | "non_retryable" | "hang";
  /** So many of its attempts take their worker down. */
  readonly kills: number;
  readonly passesLarge: boolean;
  /** The children that it chooses; null: all of them. */
  readonly chooses: readonly string[] | null;
  /** A child that gets something of its own. */
  readonly passesTo: string | null;
  readonly logs: boolean;
  /** What comes of an attempt of an external task: after how long, from how many, and of how many attempts a failure; null: nothing. */
  readonly reports: { readonly afterMs: number; readonly copies: number; readonly fails: number } | null;
  readonly triggers: readonly { readonly task: string; readonly large: boolean }[];
  /** How long it awaits what it triggers; null: not at all. */
  readonly awaitsMs: number | null;
  /** How many steps it has before anything else, and whether what they come to is large. */
  readonly steps: number;
  readonly stepsLarge: boolean;
  /** How many items the array has that it passes; null: it passes none. */
  readonly passesItems: number | null;
}

/** Tasks with less time than that have no steps and await nothing: a few calls are then a good part of it. */
const UNHURRIED_MS = 5_000;

export interface Trigger {
  readonly atMs: number;
  readonly task: string;
  readonly key: string | null;
  readonly large: boolean;
  /** How long the root waits. */
  readonly delayMs: number;
  /** Whether a later one, of another client, takes the place of one whose root still waits. */
  readonly debounced: boolean;
  /** How many clients send it at about the same time. */
  readonly copies: number;
  /** When somebody cancels the run, if it has a key to be found by. */
  readonly cancelAfterMs: number | null;
  /** Whether it is cancelled with the runs that it has triggered. */
  readonly cancelChildren: boolean;
  /** When somebody retries it in place, if it has a key to be found by. */
  readonly retryAfterMs: readonly number[];
}

export interface Pipelines {
  readonly plan: Plan;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  readonly triggers: readonly Trigger[];
  /** What a later deploy takes away. */
  readonly removable: readonly string[];
  /** What somebody pauses for a while. */
  readonly paused: readonly string[];
}

export function makePipelines(dice: Dice, limits: Limits): Pipelines {
  const tasks: TaskPlan[] = [];
  const behaviours = new Map<string, Behaviour>();
  const roots: string[] = [];
  const pipelines = dice.between(1, 3);
  // The later ones first, so that a task triggers pipelines that exist, and never its own.
  for (let pipeline = pipelines - 1; pipeline >= 0; pipeline -= 1) {
    const drawn = drawPipeline(dice, `p${pipeline}`, limits.tasks);
    for (const task of drawn) behaviours.set(task.name, drawBehaviour(dice, task, roots));
    tasks.push(...drawn);
    roots.unshift(`p${pipeline}t0`);
  }
  const names = tasks.map(({ name }) => name);
  const triggers = Array.from({ length: dice.between(1, limits.triggers) }, (_, index) =>
    drawTrigger(dice, index, roots, names),
  );
  const paused = dice.fork("paused");
  // Who is told of failures; nobody else triggers it.
  const operator = dice.fork("told");
  const onFailure = operator.chance(0.6) ? TOLD : null;
  const told = taskPlan(TOLD, { retries: { ...taskPlan(TOLD).retries, limit: operator.between(0, 2) } });
  behaviours.set(TOLD, drawBehaviour(operator, told, []));
  return {
    plan: planOf([...tasks, told], {
      retentionMs: RETENTION_MS,
      inlineLimitBytes: INLINE_LIMIT_BYTES,
      version: "first",
      onFailure,
    }),
    behaviours,
    triggers,
    paused: names.filter(() => paused.chance(0.08)),
    removable: names.filter(
      (name) => !roots.includes(name) && !triggers.some(({ task }) => task === name) && dice.chance(0.3),
    ),
  };
}

/** The plan without these tasks, as a later version. */
export function planWithout(plan: Plan, removed: readonly string[]): Plan {
  const stays = (name: string): boolean => !removed.includes(name);
  const tasks = Object.values(plan.tasks).filter(({ name }) => stays(name));
  const cut = tasks.map((task) => ({
    ...task,
    downstream: task.downstream.filter(stays),
    upstream: task.upstream.filter(stays),
  }));
  return planOf(cut, { ...plan, version: "second" });
}

function drawPipeline(dice: Dice, name: string, mostTasks: number): TaskPlan[] {
  const size = Math.min(
    mostTasks,
    dice.chance(0.75) ? dice.between(1, 6) : dice.chance(0.8) ? dice.between(6, 12) : dice.between(12, 25),
  );
  const edges = Array.from({ length: size }, () => ({ downstream: new Set<number>(), upstream: new Set<number>() }));
  for (let child = 1; child < size; child += 1) {
    for (let draws = dice.pick([1, 1, 2, 3]); draws > 0; draws -= 1) {
      const parent = dice.between(Math.max(0, child - 5), child - 1);
      edges[parent]?.downstream.add(child);
      edges[child]?.upstream.add(parent);
    }
  }
  const dispatch = dice.chance(0.3) ? "direct" : "queue";
  const limited = dice.fork("limits");
  return edges.map(({ downstream, upstream }, index) => {
    const names = (ordinals: ReadonlySet<number>): string[] => [...ordinals].map((ordinal) => `${name}t${ordinal}`);
    const timeoutMs = dice.chance(0.15) ? dice.between(25_001, 840_000) : dice.between(200, 25_000);
    const retries: RetryPolicy = {
      limit: dice.pick([0, 0, 1, 2, 3]),
      delayMs: dice.pick([0, 10, 1_000, 20_000]),
      backoff: dice.pick(["exponential", "linear", "constant"]),
      maxDelayMs: 60_000,
      jitter: dice.chance(0.7),
    };
    const runIf = dice.chance(0.75) ? "all_success" : dice.pick([...RUN_IFS]);
    const outside = dice.fork(`external ${name} ${index}`);
    const external = outside.chance(0.12);
    const mapping = dice.fork(`each ${name} ${index}`);
    const each: TaskPlan["each"] =
      external || upstream.size > 1 || mapping.chance(0.9)
        ? null
        : {
            maxParallel: mapping.pick(timeoutMs > 25_000 ? [1, 2, 4] : [1, 2, 4, 1_000]),
            onError: mapping.pick(["fail", "continue"]),
          };
    return taskPlan(`${name}t${index}`, {
      ...(external && { external }),
      each,
      downstream: names(downstream),
      upstream: names(upstream),
      dispatch,
      timeoutMs: external ? outside.between(200, 1_200_000) : timeoutMs,
      retries,
      runIf,
      limits: drawLimits(limited),
    });
  });
}

/** Most tasks have none. */
function drawLimits(dice: Dice): TaskLimits | null {
  if (dice.chance(0.7)) return null;
  const hasKey = (): string[] | null => (dice.chance(0.3) ? ["group"] : null);
  const strategy = dice.pick<Strategy>(["queue", ...STRATEGIES]);
  const concurrency = dice.chance(0.7) ? { limit: dice.pick([1, 1, 2, 3]), strategy, key: hasKey() } : null;
  const isRated = concurrency === null || dice.chance(0.3);
  const rateLimit = isRated ? { limit: dice.between(1, 4), perMs: dice.between(1_000, 60_000), key: hasKey() } : null;
  return { concurrency, rateLimit, priority: dice.between(-2, 2) };
}

function drawBehaviour(dice: Dice, task: TaskPlan, others: readonly string[]): Behaviour {
  const outside = dice.fork(`reports on ${task.name}`);
  const methodMs = task.external ? Math.min(task.timeoutMs, 25_000) : task.timeoutMs;
  const [other] = others;
  return {
    workMs: dice.chance(0.3) ? 0 : Math.floor(methodMs * 0.4 * dice.next()),
    throws: dice.chance(0.75) ? 0 : dice.between(1, 4),
    how: dice.pick(["error", "error", "retry_after", "non_retryable", "hang"]),
    // Each item of a task does so: ten are enough.
    kills: Math.min(
      dice.chance(0.93) ? 0 : dice.pick([1, 2, Number.POSITIVE_INFINITY]),
      task.each === null ? Infinity : 1,
    ),
    passesLarge: dice.chance(0.25),
    chooses: dice.chance(0.9) || task.each !== null ? null : task.downstream.filter(() => dice.chance(0.5)),
    passesTo: dice.chance(0.2) && task.each === null ? (task.downstream[0] ?? null) : null,
    logs: dice.chance(0.3),
    reports: outside.chance(0.1)
      ? null
      : {
          afterMs: outside.chance(0.3) ? 0 : Math.floor(task.timeoutMs * 1.1 * outside.next()),
          copies: outside.chance(0.3) ? 2 : 1,
          fails: outside.chance(0.7) ? 0 : outside.between(1, 3),
        },
    triggers:
      other === undefined || dice.chance(0.85)
        ? []
        : Array.from({ length: dice.between(1, 2) }, () => ({
            task: dice.pick([other, ...others]),
            large: dice.chance(0.3),
          })),
    awaitsMs:
      task.timeoutMs < UNHURRIED_MS || dice.chance(0.3) ? null : dice.pick([1_000, 60_000, 3_600_000, 9_000_000]),
    steps: task.timeoutMs < UNHURRIED_MS || dice.chance(0.7) ? 0 : dice.between(1, 3),
    stepsLarge: dice.chance(0.3),
    passesItems: drawLength(dice.fork(`length ${task.name}`)),
  };
}

function drawTrigger(dice: Dice, index: number, roots: readonly string[], names: readonly string[]): Trigger {
  const [root = ""] = roots;
  const [name = ""] = names;
  const hasKey = dice.chance(0.7);
  const delayMs = dice.chance(0.25) ? dice.between(1, 120_000) : 0;
  const operator = dice.fork(`operator ${index}`);
  return {
    atMs: dice.between(0, 60_000),
    task: dice.chance(0.85) ? dice.pick([root, ...roots]) : dice.pick([name, ...names]),
    key: hasKey ? `key ${dice.chance(0.8) ? index : 0}` : null,
    large: dice.chance(0.3),
    delayMs,
    debounced: delayMs > 0 && hasKey && dice.chance(0.4),
    copies: hasKey && dice.chance(0.3) ? 3 : 1,
    cancelAfterMs: hasKey && dice.chance(0.12) ? dice.between(0, 200_000) : null,
    retryAfterMs: drawRetries(operator),
    cancelChildren: operator.chance(0.6),
  };
}

/** Mostly soon; now and then when the run is about to be forgotten, and twice at once. */
function drawRetries(dice: Dice): number[] {
  if (dice.chance(0.6)) return [];
  const late = dice.chance(0.2) ? RETENTION_MS + dice.between(-120_000, 120_000) : 0;
  const times = Array.from({ length: dice.between(1, 3) }, () => late + dice.between(0, 300_000));
  return dice.chance(0.3) ? [...times, ...times] : times;
}
