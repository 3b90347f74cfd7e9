/**
 * Worlds about one thing each. They combine several rare things, which random pipelines and faults seldom meet at once.
 * Most worlds have no theme.
 */
import { STRATEGIES, type Strategy } from "../../src/domain/limits/limit.ts";
import type { TaskPlan } from "../../src/domain/plan/plan.ts";
import type { Dice } from "../../src/testing/ground/dice.ts";
import type { Fault } from "../../src/testing/ground/faults.ts";
import { EPOCH, type Limits } from "../../src/testing/ground/ground.ts";
import { taskPlan } from "../support/plan.ts";
import { cancelled, cutOff, due, heldUp, hindered, unheard, stumbling } from "./attempt-themes.ts";
import { drawPipeline, RETENTION_MS, scenarioOf, type Scenario } from "./scenario.ts";
import { drawSchedulePauses, drawSchedule, type Timed } from "./schedules.ts";
import { NO_LIMITS } from "./seeds/shrink.ts";
import { CALLS, chain, made, MINUTE_MS, PLAIN, RESETS, triggers, type Made } from "./theme-parts.ts";

export interface Theme {
  readonly name: string;
  /** So many of a thousand worlds have it. */
  readonly share: number;
  /** Those of which one strikes now and then, or often; absent: as in any world. */
  readonly faults?: readonly Fault[];
  /** So many strike at most. */
  readonly mostFaults?: number;
  /** Whether living through it takes seconds. */
  readonly isHeavy?: boolean;
  /** Null: as any world. */
  draw(dice: Dice, limits: Limits): Scenario | null;
}

export const THEMES: readonly Theme[] = [
  { name: "one fault", share: 40, faults: [...CALLS, ...RESETS, "crash"], mostFaults: 1, draw: () => null },
  { name: "schedules", share: 40, faults: [...CALLS, ...RESETS, "overload", "alarm_late"], draw: schedules },
  { name: "children", share: 30, faults: [...CALLS, "crash", "overload"], draw: children },
  { name: "late retry", share: 20, faults: [...CALLS, ...RESETS], draw: lateRetry },
  { name: "external", share: 30, faults: [...CALLS, "crash", "isolate_crash"], draw: external },
  { name: "limits", share: 40, faults: [...CALLS, ...RESETS, "crash"], draw: limited },
  { name: "debounce", share: 30, faults: [...CALLS, ...RESETS, "overload", "r2_unsure"], draw: debounced },
  { name: "backlog", share: 20, faults: ["message_lost", "message_doubled", "send_failed"], draw: backlog },
  { name: "awaited", share: 30, faults: [...CALLS, ...RESETS, "crash"], draw: awaited },
  { name: "items", share: 30, faults: [...CALLS, ...RESETS, "crash", "isolate_crash"], draw: items },
  { name: "retention", share: 10, faults: ["late_trigger"], draw: retention },
  { name: "company", share: 15, faults: [...CALLS, "crash"], draw: company },
  { name: "retried", share: 20, faults: [...CALLS, ...RESETS, "crash"], draw: retried },
  { name: "held", share: 4, faults: [...CALLS, ...RESETS], mostFaults: 5, draw: held },
  { name: "wide", share: 2, faults: [...RESETS, "crash"], mostFaults: 5, isHeavy: true, draw: wide },
  { name: "large graph", share: 2, faults: [...RESETS, "crash"], mostFaults: 5, isHeavy: true, draw: largeGraph },
  { name: "due", share: 15, faults: RESETS, draw: due },
  { name: "cancelled", share: 15, faults: [...CALLS, ...RESETS], draw: cancelled },
  { name: "stumbling", share: 15, faults: [...CALLS, ...RESETS, "crash"], draw: stumbling },
  { name: "unheard", share: 10, faults: [...CALLS, ...RESETS], mostFaults: 3, draw: unheard },
  { name: "cut off", share: 10, faults: [...CALLS], mostFaults: 3, draw: cutOff },
  { name: "hindered", share: 10, faults: ["r2_refused", "r2_unsure"], draw: hindered },
  { name: "held up", share: 10, faults: ["overload", "call_lost", ...RESETS], draw: heldUp },
];

/** The theme of this name. Throws if there is none. */
export function themeOf(name: string): Theme {
  const theme = THEMES.find((one) => one.name === name);
  if (theme !== undefined) return theme;
  throw new Error(`there are no worlds about "${name}"; there are ${THEMES.map((one) => one.name).join(", ")}`);
}

/** The theme of the world of these dice; null: it has none. */
export function drawTheme(dice: Dice): Theme | null {
  let at = dice.between(0, 999);
  for (const theme of THEMES) if ((at -= theme.share) < 0) return theme;
  return null;
}

/** Which faults strike how often in a world of this theme. */
export function drawFocus({ faults }: Theme, dice: Dice): ReadonlyMap<Fault, number> | null {
  const [first, ...others] = faults ?? [];
  if (first === undefined) return null;
  const rates = new Map<Fault, number>();
  if (dice.chance(0.4)) return rates;
  for (let kinds = dice.pick([1, 1, 2]); kinds > 0; kinds -= 1)
    rates.set(dice.pick([first, ...others]), dice.pick([0.02, 0.1, 0.3]));
  return rates;
}

/** A task may name a run by a key that is like a due time: it is another run. */
function schedules(dice: Dice, limits: Limits): Scenario {
  const lastsMs = dice.chance(0.4) ? dice.between(MINUTE_MS, 4 * MINUTE_MS) : null;
  const reports = lastsMs === null ? null : { afterMs: lastsMs, copies: 1, fails: 0 };
  const timed: Timed[] = [drawSchedule(dice, "p0t0", { presence: dice.pick(["both", "first", "second", "second"]) })];
  const everyMs = (timed[0]?.everyMinutes ?? 1) * MINUTE_MS;
  const dueAt = (Math.floor(EPOCH / everyMs) + dice.between(2, 3)) * everyMs;
  const tasks = [
    ...chain(
      made("p0t0", {}, { workMs: dice.between(0, 500) }),
      made("p0t1", lastsMs === null ? {} : { external: true, timeoutMs: 10 * MINUTE_MS }, { reports }),
    ),
    made("p1t0", {}, { triggers: [{ task: "p0t0", large: false, key: new Date(dueAt).toISOString() }] }),
  ];
  return scenarioOf(dice, {
    tasks,
    timed,
    schedulePauses: drawSchedulePauses(dice, timed),
    triggers: triggers(dice, limits, 2, "p0t0", MINUTE_MS, (index) => (index === 0 ? { task: "p1t0" } : {})),
    ...(dice.chance(0.3) ? { rollouts: thereAndBack(dice) } : { rolls: 0.8 }),
  });
}

/** A release is taken back after a few minutes. */
function thereAndBack(dice: Dice): Scenario["rollouts"] {
  const atMs = dice.between(MINUTE_MS, 3 * MINUTE_MS);
  return [
    { atMs, release: "second", share: 0 },
    { atMs: atMs + dice.between(3 * MINUTE_MS, 8 * MINUTE_MS), release: "first", share: 0 },
  ];
}

/** A run is cancelled with the long runs that it has triggered, and retried soon: what it triggers then is not cancelled. */
function children(dice: Dice, limits: Limits): Scenario {
  if (dice.chance(0.3)) return deafChild(dice, limits);
  const [own, large, isFresh] = [dice.between(1, 4), dice.chance(0.3), dice.chance(0.6)];
  return scenarioOf(dice, {
    tasks: [
      made(
        "p0t0",
        { retries: { ...taskPlan("").retries, limit: dice.between(0, 2), delayMs: 5_000 } },
        {
          workMs: dice.between(0, 10_000),
          throws: dice.pick([0, 1, 2]),
          kills: dice.pick([0, 0, 1]),
          triggers: Array.from({ length: own }, () => ({ task: "p1t0", large, isFresh })),
        },
      ),
      made(
        "p1t0",
        { external: true, timeoutMs: 60 * MINUTE_MS },
        { reports: { afterMs: dice.between(35, 55) * MINUTE_MS, copies: 1, fails: 0 } },
      ),
    ],
    triggers: triggers(dice, limits, 2, "p0t0", 5_000, () => {
      const cancelAfterMs = dice.between(500, 25_000);
      const again = dice.chance(0.7) ? [cancelAfterMs + dice.between(500, 60_000)] : [];
      return { cancelAfterMs, cancelChildren: true, retryAfterMs: again };
    }),
  });
}

/** The same, and what it had triggered before cannot be told for some time: it is told again when the retry has triggered more. */
function deafChild(dice: Dice, limits: Limits): Scenario {
  const cancelledAtMs = dice.between(5_000, 10_000);
  const external = { external: true, timeoutMs: 60 * MINUTE_MS } as const;
  return scenarioOf(dice, {
    tasks: [
      made("p0t0", external, {
        triggers: [{ task: "p1t0", large: false, isFresh: true }],
        reports: { afterMs: dice.between(20, 30) * MINUTE_MS, copies: 1, fails: 0 },
      }),
      made("p1t0", external, { reports: { afterMs: dice.between(35, 55) * MINUTE_MS, copies: 1, fails: 0 } }),
    ],
    triggers: triggers(dice, limits, 1, "p0t0", 0, () => ({
      cancelAfterMs: cancelledAtMs,
      cancelChildren: true,
      retryAfterMs: [cancelledAtMs + dice.between(500, 6_000)],
    })),
    cutOff: {
      task: "p1t0",
      atMs: cancelledAtMs - 1_000,
      forMs: dice.between(9_000, 14_000),
      method: "cancel",
    },
  });
}

/** A run fails long after the runs that it has triggered have ended, and is retried when those are over: they are not made again. */
function lateRetry(dice: Dice, limits: Limits): Scenario {
  const failsAfterMs = dice.between(12, 18) * MINUTE_MS;
  const retryAfterMs = RETENTION_MS + dice.between(3 * MINUTE_MS, failsAfterMs - MINUTE_MS);
  return scenarioOf(dice, {
    tasks: [
      made(
        "p0t0",
        { external: true, timeoutMs: 20 * MINUTE_MS },
        {
          reports: { afterMs: failsAfterMs, copies: 1, fails: 1 },
          triggers: Array.from({ length: dice.between(1, 3) }, () => ({ task: "p1t0", large: dice.chance(0.3) })),
        },
      ),
      made("p1t0", {}, { workMs: dice.between(0, 1_000) }),
    ],
    triggers: triggers(dice, limits, 1, "p0t0", 5_000, () => ({ retryAfterMs: [retryAfterMs] })),
  });
}

/** What was reported of a task is limited by whose it is; also when the attempt that was told where to report was lost. */
function external(dice: Dice, limits: Limits): Scenario {
  const strategy = dice.pick<Strategy>(["queue", ...STRATEGIES]);
  const throws = dice.pick([0, 0, 1, 2]);
  return scenarioOf(dice, {
    tasks: chain(
      made(
        "p0t0",
        { external: true, timeoutMs: 15 * MINUTE_MS, retries: { ...taskPlan("").retries, limit: throws } },
        {
          reports: { afterMs: dice.between(0, 90_000), copies: dice.pick([1, 2]), fails: 0 },
          kills: dice.pick([0, 1, 2]),
          killsLate: true,
          throws,
        },
      ),
      made(
        "p0t1",
        { limits: { concurrency: { limit: 1, strategy, key: ["group"] }, rateLimit: null, priority: 0 } },
        { workMs: dice.between(3_000, 15_000) },
      ),
    ),
    triggers: triggers(dice, limits, 6, "p0t0", 20_000),
  });
}

/** More waits for a limit than it lets go; a deploy may raise or lower it. */
function limited(dice: Dice, limits: Limits): Scenario {
  const key = dice.chance(0.3) ? ["group"] : null;
  const isRate = dice.chance(0.4);
  const limitsOf = (limit: number): TaskPlan["limits"] => ({
    concurrency: isRate ? null : { limit, strategy: "queue", key },
    rateLimit: isRate ? { limit, perMs: 10_000, key } : null,
    priority: 0,
  });
  const [first, second] = dice.pick([
    [1, 4],
    [1, 4],
    [3, 1],
  ] as const);
  const cancels = dice.chance(0.3);
  const workMs = dice.between(10_000, 22_000);
  // A limit that is lowered holds for what comes once its release is everywhere.
  const withinMs = first > second ? 4 * MINUTE_MS : 20_000;
  const task = made("p0t0", { limits: limitsOf(first) }, { workMs: isRate ? 0 : workMs });
  return scenarioOf(dice, {
    tasks: [task],
    second: [taskPlan("p0t0", { limits: limitsOf(second) })],
    triggers: triggers(dice, limits, dice.between(8, 14), "p0t0", withinMs, () => ({
      cancelAfterMs: cancels && dice.chance(0.4) ? dice.between(0, 30_000) : null,
    })),
    rollouts: dice.chance(0.7) ? [{ atMs: dice.between(10_000, 40_000), release: "second", share: 0 }] : [],
  });
}

/** Many triggers in a window, sent again where they were not answered: the last payload is the run's. */
function debounced(dice: Dice, limits: Limits): Scenario {
  const large = dice.chance(0.7);
  const debounce = {
    delayMs: dice.between(2_000, 20_000),
    maxWaitMs: dice.chance(0.3) ? 30_000 : null,
    key: dice.chance(0.5) ? ["group"] : null,
  };
  return scenarioOf(dice, {
    tasks: [made("p0t0", { debounce }, { workMs: 100 })],
    triggers: triggers(dice, limits, dice.between(3, 8), "p0t0", MINUTE_MS, (index) => ({
      large,
      key: dice.chance(0.8) ? `key ${dice.chance(0.2) ? 0 : index}` : null,
      copies: dice.pick([1, 1, 2]),
      misusesKey: dice.fork(`misuse ${index}`).chance(0.3),
    })),
  });
}

/** Consumers stand still, for up to an hour: late is not lost. */
function backlog(dice: Dice, limits: Limits): Scenario {
  const tasks = chain(
    made("p0t0", {}, { workMs: dice.between(0, 500) }),
    ...(dice.chance(0.5) ? [made("p0t1", {}, { workMs: 100 })] : []),
  );
  return scenarioOf(dice, {
    tasks,
    triggers: triggers(dice, limits, dice.between(3, 12), "p0t0", 3 * MINUTE_MS, () => ({
      delayMs: dice.chance(0.2) ? dice.between(1, 2 * MINUTE_MS) : 0,
    })),
    stopped: { atMs: dice.between(0, MINUTE_MS), forMs: dice.pick([MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS]) },
  });
}

/** One task awaits several runs at once: it goes on when all of them have ended, and reads what they passed. */
function awaited(dice: Dice, limits: Limits): Scenario {
  return scenarioOf(dice, {
    tasks: [
      made(
        "p0t0",
        { retries: { ...taskPlan("").retries, limit: 1 } },
        {
          triggers: Array.from({ length: dice.between(2, 6) }, (_, index) => ({
            task: index % 2 === 0 ? "p1t0" : "p1t1",
            large: dice.chance(0.3),
          })),
          awaitsMs: dice.pick([10 * MINUTE_MS, 60 * MINUTE_MS]),
          awaitsAll: dice.pick(["result", "output"]),
        },
      ),
      made("p1t0", {}, { workMs: dice.between(0, 20_000), passesLarge: dice.chance(0.5) }),
      made("p1t1", dice.chance(0.5) ? { external: true, timeoutMs: 5 * MINUTE_MS } : {}, {
        reports: { afterMs: dice.between(20_000, 4 * MINUTE_MS), copies: 1, fails: 0 },
      }),
    ],
    triggers: triggers(dice, limits, 2, "p0t0", 10_000),
  });
}

/** An array, and what comes of its items. */
function items(dice: Dice, limits: Limits): Scenario {
  const each = { maxParallel: dice.pick([1, 2, 4]), onError: dice.pick(["fail", "continue"] as const) };
  const retries = { ...taskPlan("").retries, limit: dice.between(0, 2) };
  return scenarioOf(dice, {
    tasks: chain(
      made("p0t0", {}, { passesItems: dice.between(2, 25), passesLarge: dice.chance(0.4) }),
      made(
        "p0t1",
        { each, retries },
        {
          workMs: dice.between(0, 3_000),
          throws: dice.pick([0, 0, 1]),
          kills: dice.pick([0, 0, 1, 4]),
          killsItem: dice.between(0, 5),
          passesLarge: dice.chance(0.3),
        },
      ),
      ...(dice.chance(0.4) ? [made("p0t2", { each: { ...each, onError: "continue" } }, { workMs: 300 })] : []),
      made("p0t3", {}, {}),
    ),
    triggers: triggers(dice, limits, 2, "p0t0", 10_000),
  });
}

/** Triggers with keys come again just when their runs are forgotten, with payloads that are in R2. */
function retention(dice: Dice, limits: Limits): Scenario {
  return scenarioOf(dice, {
    tasks: chain(made("p0t0", {}, { workMs: dice.between(0, 300) }), made("p0t1", {}, { passesLarge: true })),
    triggers: triggers(dice, limits, dice.between(2, 5), "p0t0", 20_000, (index) => ({
      key: `key ${index}`,
      large: true,
    })),
  });
}

/** Long tasks of several runs, one of which takes its isolate down again and again, with whoever is in it. */
function company(dice: Dice, limits: Limits): Scenario {
  const long = { timeoutMs: 2 * MINUTE_MS };
  return scenarioOf(dice, {
    tasks: [
      made("p0t0", long, { workMs: dice.between(5_000, 20_000) }),
      made("p1t0", long, { workMs: dice.between(0, 8_000), kills: dice.pick([3, Number.POSITIVE_INFINITY]) }),
    ],
    triggers: [
      ...triggers(dice, limits, dice.between(3, 6), "p0t0", 40_000),
      ...triggers(dice, limits, dice.between(1, 2), "p1t0", 10_000, (index) => ({ key: `poison ${index}` })),
    ],
  });
}

/** A join reads more than fits into one answer, all of it small enough to ride with the run's state: the rest is asked for. */
function held(dice: Dice, limits: Limits): Scenario {
  const passesLength = 900_000;
  const parents = Array.from({ length: dice.between(5, 6) }, (_, index) => `p0t${index + 1}`);
  return scenarioOf(dice, {
    inlineLimitBytes: 1_000_000,
    tasks: [
      made("p0t0", { downstream: [...parents] }),
      ...parents.map((name) => made(name, { upstream: ["p0t0"], downstream: ["p0t9"] }, { passesLength })),
      made("p0t9", { upstream: [...parents] }),
    ],
    triggers: triggers(dice, limits, 1, "p0t0", 1_000),
  });
}

/** A task fails for good, with what comes after it, and is retried in place until it succeeds. */
function retried(dice: Dice, limits: Limits): Scenario {
  const retries = { ...taskPlan("").retries, limit: dice.between(0, 2), delayMs: 1_000 };
  const throws = retries.limit + dice.between(1, 4);
  return scenarioOf(dice, {
    tasks: chain(
      made("p0t0", {}, { workMs: dice.between(0, 500) }),
      made("p0t1", { retries }, { workMs: dice.between(0, 2_000), throws, kills: dice.pick([0, 0, 1, 2]) }),
      made("p0t2", {}, {}),
      made("p0t3", { runIf: dice.pick(["all_success", "all_done"]) }, {}),
    ),
    triggers: triggers(dice, limits, 2, "p0t0", 10_000, () => ({
      retryAfterMs: [90_000, 180_000, 270_000].map((ms) => ms + dice.between(0, 20_000)),
    })),
  });
}

/** Thousands of items, some of them held by a limit. */
function wide(dice: Dice, limits: Limits): Scenario {
  const count = limits.tasks < NO_LIMITS.tasks ? limits.tasks : dice.pick([1_000, 1_000, 1_000, 3_000, 10_000]);
  const isLimited = count <= 1_000 && dice.chance(0.5);
  const concurrency = { limit: 50, strategy: "queue", key: ["group"] } as const;
  return scenarioOf(dice, {
    isHeavy: true,
    tasks: chain(
      made("p0t0", {}, { passesItems: count }),
      made(
        "p0t1",
        {
          each: { maxParallel: 1_000, onError: "continue" },
          limits: isLimited ? { concurrency, rateLimit: null, priority: 0 } : null,
        },
        { workMs: dice.pick([0, 200]) },
      ),
      made("p0t2", {}, {}),
    ),
    triggers: triggers(dice, limits, 1, "p0t0", 1_000),
  });
}

/** A thousand tasks in one run. */
function largeGraph(dice: Dice, limits: Limits): Scenario {
  const size = limits.tasks < NO_LIMITS.tasks ? limits.tasks : 1_000;
  const tasks = drawPipeline(dice, "p0", size, size).map((task): Made => [
    { ...task, external: false, each: null, limits: null, debounce: null, timeoutMs: 25_000 },
    { ...PLAIN, workMs: dice.between(0, 200), passesLarge: dice.chance(0.02) },
  ]);
  return scenarioOf(dice, { isHeavy: true, tasks, triggers: triggers(dice, limits, 1, "p0t0", 1_000) });
}
