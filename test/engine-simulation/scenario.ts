/**
 * The scenario of one seed: peach.conf, the behaviour of the methods, and the actions of clients and operators with
 * their times.
 */
import type { Plan, RetryPolicy, TaskPlan } from "../../src/domain/plan/plan.ts";
import { STRATEGIES, type Strategy, type TaskLimits } from "../../src/domain/limits/limit.ts";
import { RUN_IFS } from "../../src/domain/run/start-rule.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import type { Behaviour } from "./behaviour.ts";
import { drawSchedulePauses, drawSchedules, scheduled, type SchedulePause, type Timed } from "./schedules.ts";
import type { Dice } from "../../src/testing/ground/dice.ts";
import type { Limits } from "../../src/testing/ground/ground.ts";

/** Payloads above it go to R2. Bytes. */
const INLINE_LIMIT_BYTES = 400;
export const RETENTION_MS = 2 * 3_600_000;
/** The clock of a machine is ahead or behind by so much at most. Milliseconds. */
export const MOST_SKEW_MS = 1_500;
/** The task that is told of failures. */
export const TOLD = "told";
/** Whose payloads there are: where limits have a key, it is this. */
export const GROUPS = ["anna", "ben", "cleo"] as const;
export type Group = (typeof GROUPS)[number];

/** Tasks with less time than that have no steps and await nothing: a few calls are then a good part of it. */
const UNHURRIED_MS = 5_000;

/** How long work takes at most: mostly not so long that anybody has to report on it. */
const LENGTHS_MS = [200, 800, 800, 3_000, 3_000, 60_000] as const;

/** Somebody triggers something, with a key or without. */
export interface Trigger {
  readonly atMs: number;
  readonly task: string;
  readonly key: string | null;
  readonly group: Group;
  /** Whether it carries that group under a key of others, which carry the group of the key; absent: no. */
  readonly misusesKey?: boolean;
  readonly large: boolean;
  /** How long the root waits. */
  readonly delayMs: number;
  /** How many clients send it at about the same time. */
  readonly copies: number;
  /** When somebody cancels the run. */
  readonly cancelAfterMs: number | null;
  /** Whether it is cancelled with the runs that it has triggered. */
  readonly cancelChildren: boolean;
  /** When somebody retries it in place. */
  readonly retryAfterMs: readonly number[];
  /** When somebody replays it, and from which of its tasks on: from 0 (its root) to 1 (its last task). */
  readonly replay: { readonly afterMs: number; readonly from: number } | null;
}

export interface Scenario {
  /** Whether living through it takes seconds. */
  readonly kind: "ordinary" | "heavy";
  readonly plan: Plan;
  /** By their versions: the first, and one that lacks what is `removable`. */
  readonly plans: ReadonlyMap<string, Plan>;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  readonly triggers: readonly Trigger[];
  /** Events that are emitted, with keys. */
  readonly events: readonly {
    readonly atMs: number;
    readonly name: string;
    readonly key: string;
    readonly group: Group;
  }[];
  /** Objects that are uploaded. */
  readonly uploads: readonly { readonly atMs: number; readonly key: string; readonly told: number }[];
  /** What a later deploy takes away. */
  readonly removable: readonly string[];
  /** What somebody pauses for a while. */
  readonly paused: readonly { readonly task: string; readonly atMs: number; readonly forMs: number }[];
  /** Who rolls out which release when, and which share of everything stays with the one before. */
  readonly rollouts: readonly { readonly atMs: number; readonly release: "first" | "second"; readonly share: number }[];
  /** When the consumers of runs stand still, and for how long; null: never. */
  readonly stopped: { readonly atMs: number; readonly forMs: number } | null;
  readonly timed: readonly Timed[];
  readonly schedulePauses: readonly SchedulePause[];
  /** When the objects of the runs of this task begin to refuse calls, which (null: all), and for how long; null: never. */
  readonly cutOff: {
    readonly task: string;
    readonly atMs: number;
    readonly forMs: number;
    readonly method: string | null;
  } | null;
}

/**
 * Most worlds are quick ones: small, without schedules, and with few tasks that kill their worker. They find most bugs as often as the
 * others, in a third of the time. The others are as they would be without them.
 */
const QUICK = 0.75;
/** How probable it is that a task kills no worker. */
const SPARES = { quick: 0.97, any: 0.95 } as const;

export function drawScenario(dice: Dice, limits: Limits): Scenario {
  const isQuick = limits.quick !== false && dice.fork("quick").chance(QUICK);
  const tasks: TaskPlan[] = [];
  const behaviours = new Map<string, Behaviour>();
  const roots: string[] = [];
  const isSmall = dice.chance(0.6) || isQuick;
  const most = isSmall ? { tasks: Math.min(5, limits.tasks), triggers: Math.min(2, limits.triggers) } : limits;
  const pipelines = isQuick ? dice.pick([1, 1, 2]) : isSmall ? dice.between(1, 2) : dice.between(1, 3);
  const spares = isQuick ? SPARES.quick : SPARES.any;
  // The later ones first, so that a task triggers pipelines that exist, and never its own.
  for (let pipeline = pipelines - 1; pipeline >= 0; pipeline -= 1) {
    const drawn = drawPipeline(dice, `p${pipeline}`, most.tasks);
    for (const task of drawn) behaviours.set(task.name, drawBehaviour(dice, task, roots, spares));
    tasks.push(...drawn);
    roots.unshift(`p${pipeline}t0`);
  }
  const names = tasks.map(({ name }) => name);
  const triggers = Array.from({ length: dice.between(1, most.triggers) }, (_, index) =>
    drawTrigger(dice, index, roots, names),
  );
  const operator = dice.fork("told");
  const onFailure = operator.chance(0.6) ? TOLD : null;
  const told = taskPlan(TOLD, { retries: { ...taskPlan(TOLD).retries, limit: operator.between(0, 2) } });
  behaviours.set(TOLD, drawBehaviour(operator, told, [], spares));
  const outside = dice.fork("outside");
  const pauses = dice.fork("paused");
  const isRoot = ({ name }: TaskPlan): boolean => roots.includes(name);
  const timed = isSmall && !isQuick ? drawSchedules(dice.fork("schedules"), tasks.filter(isRoot)) : [];
  const plan = planOf([...tasks.map((task) => scheduled(task, timed, "first")), told], {
    retentionMs: RETENTION_MS,
    inlineLimitBytes: INLINE_LIMIT_BYTES,
    version: "first",
    onFailure,
  });
  const removable = names.filter(
    (name) => !roots.includes(name) && !triggers.some(({ task }) => task === name) && dice.chance(0.3),
  );
  const second = planOf(
    tasksWithout(tasks, removable)
      .map((task) => scheduled(task, timed, "second"))
      .concat(told),
    {
      ...plan,
      version: "second",
    },
  );
  return {
    plan,
    plans: new Map([plan, second].map((each) => [each.version, each])),
    behaviours,
    triggers,
    events: drawEvents(outside, tasks),
    uploads: drawUploads(outside, tasks),
    removable,
    paused: names.flatMap((task) =>
      pauses.chance(0.08) ? [{ task, atMs: pauses.between(0, 60_000), forMs: pauses.between(1_000, 400_000) }] : [],
    ),
    kind: "ordinary",
    stopped: null,
    cutOff: null,
    rollouts: drawRollouts(dice.fork("rollouts"), timed.length > 0 ? 0.6 : 0.03),
    timed,
    schedulePauses: drawSchedulePauses(dice.fork("schedules paused"), timed),
  };
}

/** A release is rolled out step by step, forwards and back, and is everywhere in the end. */
function drawRollouts(dice: Dice, chance: number): Scenario["rollouts"] {
  if (!dice.chance(chance)) return [];
  const steps = dice.between(1, 3);
  let atMs = dice.between(0, 120_000);
  return Array.from({ length: steps }, (_, step) => {
    const isLast = step === steps - 1;
    const release = isLast || dice.chance(0.6) ? "second" : "first";
    const rollout = { atMs, release, share: isLast ? 0 : dice.pick([0.2, 0.5, 0.8]) } as const;
    atMs += dice.pick([20_000, 120_000, 420_000, 600_000]);
    return rollout;
  });
}

/** All but these, none of which is downstream or upstream of another any more. */
function tasksWithout(tasks: readonly TaskPlan[], removed: readonly string[]): TaskPlan[] {
  const stays = (name: string): boolean => !removed.includes(name);
  return tasks
    .filter(({ name }) => stays(name))
    .map((task) => ({
      ...task,
      downstream: task.downstream.filter(stays),
      upstream: task.upstream.filter(stays),
    }));
}

/** What a world of a theme has; the rest as in most worlds. */
export interface ScenarioParts {
  readonly tasks: readonly (readonly [TaskPlan, Behaviour])[];
  /** What the second release says otherwise of tasks of these names. */
  readonly second?: readonly TaskPlan[];
  readonly triggers: readonly Trigger[];
  readonly isHeavy?: boolean;
  readonly timed?: readonly Timed[];
  readonly schedulePauses?: readonly SchedulePause[];
  readonly stopped?: Scenario["stopped"];
  readonly cutOff?: Scenario["cutOff"];
  readonly inlineLimitBytes?: number;
  readonly rollouts?: Scenario["rollouts"];
  /** How probable it is that the second release is rolled out, if not when. */
  readonly rolls?: number;
}

export function scenarioOf(dice: Dice, parts: ScenarioParts): Scenario {
  const { tasks: made, second = [], timed = [], schedulePauses = [], stopped = null, triggers } = parts;
  const told = taskPlan(TOLD);
  const tasks = made.map(([task]) => task);
  const { inlineLimitBytes = INLINE_LIMIT_BYTES } = parts;
  const settings = { retentionMs: RETENTION_MS, inlineLimitBytes, onFailure: null };
  const later = tasks.map((task) => second.find(({ name }) => name === task.name) ?? task);
  const plans = [
    planOf([...tasks.map((task) => scheduled(task, timed, "first")), told], { ...settings, version: "first" }),
    planOf([...later.map((task) => scheduled(task, timed, "second")), told], { ...settings, version: "second" }),
  ] as const;
  return {
    kind: parts.isHeavy === true ? "heavy" : "ordinary",
    plan: plans[0],
    plans: new Map(plans.map((plan) => [plan.version, plan])),
    behaviours: new Map(made.map(([{ name }, behaviour]) => [name, behaviour])),
    triggers,
    events: [],
    uploads: [],
    removable: [],
    paused: [],
    rollouts: parts.rollouts ?? (parts.rolls === undefined ? [] : drawRollouts(dice, parts.rolls)),
    stopped,
    cutOff: parts.cutOff ?? null,
    timed,
    schedulePauses,
  };
}

function drawSize(dice: Dice, mostTasks: number): number {
  return Math.min(
    mostTasks,
    dice.chance(0.75) ? dice.between(1, 6) : dice.chance(0.8) ? dice.between(6, 12) : dice.between(12, 25),
  );
}

export function drawPipeline(
  dice: Dice,
  name: string,
  mostTasks: number,
  size = drawSize(dice, mostTasks),
): TaskPlan[] {
  const edges = Array.from({ length: size }, () => ({ downstream: new Set<number>(), upstream: new Set<number>() }));
  for (let child = 1; child < size; child += 1) {
    for (let draws = dice.pick([1, 1, 2, 3]); draws > 0; draws -= 1) {
      const parent = dice.between(Math.max(0, child - 5), child - 1);
      edges[parent]?.downstream.add(child);
      edges[child]?.upstream.add(parent);
    }
  }
  const dispatch = dice.chance(0.3) ? "direct" : "queue";
  return edges.map(({ downstream, upstream }, index) => {
    const names = (ordinals: ReadonlySet<number>): string[] => [...ordinals].map((ordinal) => `${name}t${ordinal}`);
    const timeoutMs = dice.chance(0.15) ? dice.between(25_001, 840_000) : dice.between(200, 25_000);
    const outside = dice.fork(`external ${name} ${index}`);
    const external = outside.chance(0.12);
    const entry = dice.fork(`entry ${name} ${index}`);
    const isRoot = upstream.size === 0;
    const each = external || upstream.size > 1 ? null : drawEach(dice.fork(`each ${name} ${index}`), timeoutMs);
    return taskPlan(`${name}t${index}`, {
      ...(external && { external }),
      each,
      downstream: names(downstream),
      upstream: names(upstream),
      dispatch,
      timeoutMs: external ? outside.between(200, 1_200_000) : timeoutMs,
      retries: drawRetryPolicy(dice),
      runIf: dice.chance(0.75) ? "all_success" : dice.pick([...RUN_IFS]),
      limits: drawLimits(dice.fork(`limits ${name} ${index}`), each !== null),
      debounce:
        isRoot && entry.chance(0.15)
          ? { delayMs: entry.between(200, 20_000), maxWaitMs: null, key: entry.chance(0.5) ? ["group"] : null }
          : null,
      on: {
        r2:
          isRoot && entry.chance(0.2)
            ? [{ bucket: "uploads", prefix: `${name}/`, suffix: "", actions: ["create"] }]
            : [],
        events: isRoot && entry.chance(0.3) ? [`published.${name}`] : [],
      },
    });
  });
}

function drawRetryPolicy(dice: Dice): RetryPolicy {
  return {
    limit: dice.pick([0, 0, 1, 2, 3]),
    delayMs: dice.pick([0, 10, 1_000, 20_000]),
    backoff: dice.pick(["exponential", "linear", "constant"]),
    maxDelayMs: 60_000,
    jitter: dice.chance(0.7),
  };
}

function drawEach(dice: Dice, timeoutMs: number): TaskPlan["each"] {
  if (dice.chance(0.9)) return null;
  return {
    maxParallel: dice.pick(timeoutMs > 25_000 ? [1, 2, 4] : [1, 2, 4, 1_000]),
    onError: dice.pick(["fail", "continue"]),
  };
}

/** Most tasks have none. Items always wait for their slot: peach.conf takes no other strategy of a task with `each`. */
function drawLimits(dice: Dice, areItems: boolean): TaskLimits | null {
  if (dice.chance(0.75)) return null;
  const drawKey = (): string[] | null => (dice.chance(0.5) ? ["group"] : null);
  const drawn = dice.pick<Strategy>(["queue", ...STRATEGIES]);
  const strategy = areItems ? "queue" : drawn;
  const concurrency = dice.chance(0.7) ? { limit: dice.pick([1, 1, 2, 3]), strategy, key: drawKey() } : null;
  const isRated = concurrency === null || dice.chance(0.3);
  const rateLimit = isRated ? { limit: dice.between(1, 4), perMs: dice.between(1_000, 60_000), key: drawKey() } : null;
  return { concurrency, rateLimit, priority: dice.between(-2, 2) };
}

/** `spares`: how probable it is that it kills no worker. */
function drawBehaviour(dice: Dice, task: TaskPlan, others: readonly string[], spares: number): Behaviour {
  const outside = dice.fork(`reports on ${task.name}`);
  const made = dice.fork(`triggers of ${task.name}`);
  const methodMs = task.external ? Math.min(task.timeoutMs, 25_000) : task.timeoutMs;
  const [other] = others;
  const isUnhurried = task.timeoutMs >= UNHURRIED_MS;
  return {
    workMs: dice.chance(0.3) ? 0 : Math.floor(Math.min(methodMs * 0.4, dice.pick(LENGTHS_MS)) * dice.next()),
    throws: dice.chance(0.75) ? 0 : dice.between(1, 4),
    how: dice.pick(["error", "error", "retry_after", "non_retryable", "hang"]),
    kills: dice.chance(spares) ? 0 : dice.pick([1, 2, Number.POSITIVE_INFINITY]),
    killsLate: false,
    killsItem: dice.chance(0.7) ? null : dice.between(0, 3),
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
      other === undefined || made.chance(0.85)
        ? []
        : Array.from({ length: made.pick([1, 1, 2, 3]) }, () => ({
            task: made.pick([other, ...others]),
            large: made.chance(0.3),
          })),
    sweeps: made.chance(0.5),
    unawaited: made.chance(0.2),
    emits: other === undefined || made.chance(0.85) ? null : `published.${made.pick([other, ...others]).slice(0, 2)}`,
    awaitsMs: !isUnhurried || dice.chance(0.3) ? null : dice.pick([1_000, 60_000, 3_600_000, 9_000_000]),
    awaitsAll: null,
    steps: !isUnhurried || dice.chance(0.7) ? 0 : dice.between(1, 3),
    stepsLarge: dice.chance(0.3),
    passesItems: drawLength(dice.fork(`length ${task.name}`)),
  };
}

/** Mostly few, now and then more than one driver takes; rarely no array at all. */
function drawLength(dice: Dice): number | null {
  return dice.chance(0.04) ? null : dice.chance(0.85) ? dice.between(0, 5) : dice.between(6, 30);
}

function drawTrigger(dice: Dice, index: number, roots: readonly string[], names: readonly string[]): Trigger {
  const [root = ""] = roots;
  const [name = ""] = names;
  const hasKey = dice.chance(0.7);
  const operator = dice.fork(`operator ${index}`);
  return {
    atMs: dice.between(0, 60_000),
    task: dice.chance(0.85) ? dice.pick([root, ...roots]) : dice.pick([name, ...names]),
    key: hasKey ? `key ${dice.chance(0.8) ? index : 0}` : null,
    group: operator.pick(GROUPS),
    large: dice.chance(0.3),
    delayMs: dice.chance(0.25) ? dice.between(1, 120_000) : 0,
    copies: hasKey && dice.chance(0.3) ? 3 : 1,
    cancelAfterMs: dice.chance(0.12) ? dice.between(0, 200_000) : null,
    retryAfterMs: drawRetries(operator),
    cancelChildren: operator.chance(0.6),
    replay: operator.chance(0.15) ? { afterMs: operator.between(10_000, 600_000), from: operator.next() } : null,
  };
}

/** Mostly soon; now and then when the run is about to be forgotten, and twice at once. */
function drawRetries(dice: Dice): number[] {
  if (dice.chance(0.6)) return [];
  const late = dice.chance(0.2) ? RETENTION_MS + dice.between(-120_000, 120_000) : 0;
  const times = Array.from({ length: dice.between(1, 3) }, () => late + dice.between(0, 300_000));
  return dice.chance(0.3) ? [...times, ...times] : times;
}

function drawEvents(dice: Dice, tasks: readonly TaskPlan[]): Scenario["events"] {
  const [name, ...names] = tasks.flatMap(({ on }) => on.events);
  if (name === undefined) return [];
  return Array.from({ length: dice.between(0, 2) }, (_, index) => ({
    atMs: dice.between(0, 60_000),
    name: dice.pick([name, ...names]),
    key: `event ${index}`,
    group: dice.pick(GROUPS),
  }));
}

function drawUploads(dice: Dice, tasks: readonly TaskPlan[]): Scenario["uploads"] {
  const prefixes = tasks.flatMap(({ on }) => on.r2.map(({ prefix }) => prefix));
  const [prefix] = prefixes;
  if (prefix === undefined) return [];
  return Array.from({ length: dice.between(0, 3) }, (_, index) => ({
    atMs: dice.between(0, 60_000),
    key: `${dice.pick([prefix, ...prefixes])}object ${dice.chance(0.7) ? index : 0}`,
    told: dice.chance(0.3) ? 2 : 1,
  }));
}
