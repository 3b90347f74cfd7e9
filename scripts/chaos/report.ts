/** The final report of `npm run chaos`. */
import type { History } from "./history.ts";
import type { Kill } from "./fixture.ts";
import type { Violation } from "./violation.ts";

export interface Outcome {
  readonly seed: number;
  readonly history: History;
  readonly violations: readonly Violation[];
  readonly kills: readonly Kill[];
  readonly load: {
    readonly accepted: number;
    readonly unanswered: number;
    readonly found: number;
    readonly byKind: ReadonlyMap<string, number>;
  };
  readonly tookMs: number;
  /**
   * Time from the last start to the moment when the last run was read as final; null if one never
   * was.
   */
  readonly lastFinalAfterMs: number | null;
  readonly quiet: number;
  readonly deadLetters: readonly unknown[];
  /** The time was up before the end of the scenario. */
  readonly gaveUp: boolean;
}

/** The figures as an object, for programs. */
export function figuresOf(outcome: Outcome): Record<string, unknown> {
  const { history, kills, load } = outcome;
  const runs = history.runs.filter(({ final }) => final !== null);
  const statuses = countBy(runs, ({ final }) => final?.document.status ?? "");
  const tasks = runs.flatMap(({ final }) => final?.document.tasks ?? []);
  const attempts = tasks.flatMap((task) => task.attempts);
  const ends = history.reports.filter(({ event }) => event === "end").length;
  // Collecting the items of a task is not the task's code.
  const succeeded = tasks.filter(
    ({ status, each }) => status === "succeeded" && each === undefined,
  ).length;
  const ready = kills.map(({ readyAfterMs }) => readyAfterMs).toSorted((one, other) => one - other);
  return {
    seed: outcome.seed,
    took_seconds: Math.round(outcome.tookMs / 1_000),
    gave_up: outcome.gaveUp,
    triggers: {
      accepted: load.accepted,
      by_kind: Object.fromEntries(load.byKind),
      unanswered_calls: load.unanswered,
      sent_again_and_found: load.found,
    },
    runs: {
      known: history.runs.length,
      by_source: countBy(history.runs, ({ source }) => source),
      final: runs.length,
      by_status: statuses,
      deleted_after_retention: history.runs.filter(({ gone }) => gone === "after").length,
      uploads_lost_with_the_queue: history.runs.filter(
        (run) => run.source === "announced" && !run.heard && run.lastRead === null,
      ).length,
      asked_while_quiet: outcome.quiet,
    },
    kills: {
      count: kills.length,
      by_poison: kills.filter(({ by }) => by === "poison").length,
      ready_after_ms: {
        median: ready[Math.floor(ready.length / 2)] ?? null,
        max: ready.at(-1) ?? null,
      },
      last_start_to_all_final_ms: outcome.lastFinalAfterMs,
    },
    attempts: {
      recorded: attempts.length,
      by_status: countBy(attempts, ({ status }) => status),
      started: history.reports.filter(({ event }) => event === "start").length,
      effects_executed: ends,
      effects_accepted: succeeded,
      effects_executed_more_than_accepted: ends - succeeded,
    },
    dead_letters: outcome.deadLetters,
    // Payloads of triggers that were cut off before they were recorded; their alarm deletes them,
    // eight days later.
    objects_to_be_collected: history.leftovers.length,
    violations: outcome.violations,
  };
}

/** The same as text. */
export function renderReport(outcome: Outcome): string {
  const figures = Object.entries(figuresOf(outcome)).filter(([name]) => name !== "violations");
  const lines = figures.flatMap(([name, value]) => rows(name, value));
  const width = Math.max(...lines.map(([name]) => name.length));
  const shown = outcome.violations.slice(0, SHOWN);
  return [
    ...lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    "",
    `${outcome.violations.length} violations`,
    ...shown.map(
      ({ rule, run, task, detail }) => `  ${rule} ${run ?? ""} ${task ?? ""}: ${detail}`,
    ),
    ...(outcome.violations.length > SHOWN
      ? [`  and ${outcome.violations.length - SHOWN} more (--json has all)`]
      : []),
  ].join("\n");
}

const SHOWN = 40;

/** A line for each figure; counts of one thing share a line. */
function rows(name: string, value: unknown): [string, string][] {
  if (value === null || typeof value !== "object") return [[words(name), JSON.stringify(value)]];
  if (Array.isArray(value)) {
    return [
      [words(name), String(value.length)],
      ...value.map((entry): [string, string] => ["", JSON.stringify(entry)]),
    ];
  }
  const entries = Object.entries(value);
  const isPlain = entries.every(([, inner]) => typeof inner !== "object" || inner === null);
  if (!isPlain) return entries.flatMap(([key, inner]) => rows(`${name}: ${key}`, inner));
  return [
    [words(name), entries.map(([key, inner]) => `${words(key)} ${String(inner)}`).join(", ")],
  ];
}

function words(name: string): string {
  return name.replaceAll("_", " ");
}

function countBy<T>(all: readonly T[], name: (one: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of all) counts[name(one)] = (counts[name(one)] ?? 0) + 1;
  return counts;
}
