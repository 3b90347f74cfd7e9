/** The long proofs: command, JSON output and display on the page of each proof. */
import * as z from "zod";

export interface Proof {
  readonly name: string;
  readonly title: string;
  /** The proven statement, in one or two sentences. */
  readonly says: string;
  /** The words after `npm run --silent`, `--json` among them. */
  readonly command: readonly string[];
  /** Renders its report as Markdown. Throws `ZodError` for a malformed report. */
  show(report: unknown): string;
}

const figure = z.object({
  median: z.number().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
});
const SYSTEMS = ["peach", "workflows", "bound"] as const;
type SystemName = (typeof SYSTEMS)[number];
const HEADINGS: Readonly<Record<SystemName, string>> = {
  peach: "Peach",
  workflows: "Workflows",
  bound: "bare bound",
};
const bench = z.object({
  versions: z.record(z.string(), z.string()),
  rounds: z.number(),
  results: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      unit: z.string(),
      figures: z.partialRecord(z.enum(SYSTEMS), figure),
    }),
  ),
  verdicts: z.array(
    z.object({
      metric: z.string(),
      against: z.enum(SYSTEMS).nullable(),
      of: z.string().optional(),
      bound: z.string(),
      limit: z.number(),
      ratio: z.number().nullable(),
      reached: z.boolean(),
    }),
  ),
  cost: z
    .object({
      operations: z.record(z.string(), z.number()),
      tasks: z.number(),
      dollarsPerMillionTasks: z.number(),
    })
    .nullable(),
});

const simulation = z.object({
  from: z.number(),
  seeds: z.number(),
  seconds: z.number(),
  cpu_seconds: z.number(),
  seeds_per_second: z.number(),
  ordinary: z.object({
    seeds: z.number(),
    cpu_ms_per_seed: z.number(),
    median_cpu_ms_per_seed: z.number(),
    seeds_per_second_and_core: z.number(),
  }),
  events: z.number(),
  faults: z.number(),
  kinds: z.number(),
  runs: z.number(),
  tasks: z.number(),
  violation: z
    .object({ seed: z.number(), invariant: z.string(), detail: z.string(), replay: z.string() })
    .nullable(),
});

const fuzz = z.object({
  seed: z.number(),
  requests: z.number(),
  statuses: z.record(z.string(), z.number()),
  succeeded: z.array(z.string()),
  heavy: z.object({ requests: z.number(), grown_mb: z.number().nullable(), health_ms: z.number() }),
  faults: z.array(z.object({ why: z.string(), request: z.object({ id: z.string() }) })),
});

const chaos = z.object({
  seed: z.number(),
  took_seconds: z.number(),
  triggers: z.object({ accepted: z.number() }),
  runs: z.object({
    known: z.number(),
    final: z.number(),
    by_status: z.record(z.string(), z.number()),
  }),
  kills: z.object({
    count: z.number(),
    by_poison: z.number(),
    ready_after_ms: z.object({ median: z.number().nullable(), max: z.number().nullable() }),
    last_start_to_all_final_ms: z.number().nullable(),
  }),
  attempts: z.object({
    recorded: z.number(),
    by_status: z.record(z.string(), z.number()),
    effects_executed_more_than_accepted: z.number(),
  }),
  dead_letters: z.array(z.unknown()),
  violations: z.array(z.object({ rule: z.string(), detail: z.string() })),
});

const lists = z.object({
  runs: z.number(),
  counted_first_ms: z.number(),
  calls: z.array(
    z.object({ what: z.string(), first_ms: z.number(), median_ms: z.number(), max_ms: z.number() }),
  ),
});

export const PROOFS: readonly Proof[] = [
  {
    name: "simulation",
    title: "Simulation",
    says:
      "The whole worker but its HTTP side on a simulated platform that loses, doubles and " +
      "reorders messages, kills isolates and objects at " +
      "every await, lets calls hang, sets clocks back and deploys; every invariant is " +
      "checked after every step.",
    command: ["simulate", "--", "--from", "20000000", "--seconds", "1200", "--json"],
    show(report) {
      const {
        from,
        seeds,
        seconds,
        cpu_seconds: cpu,
        ordinary,
        violation,
        ...rest
      } = simulation.parse(report);
      return list([
        `seeds ${whole(from)} to ${whole(from + seeds - 1)}, in ${whole(seconds)} s: ` +
          `${rest.seeds_per_second} a second, ` +
          `${(seconds === 0 ? 0 : (cpu * 1_000) / Math.max(1, seeds)).toFixed(1)} ms of ` +
          `processor time a seed`,
        `${whole(ordinary.seeds)} of them are ordinary worlds, of at most 3,000 events: ` +
          `${ordinary.cpu_ms_per_seed.toFixed(1)} ms each ` +
          `(median ${ordinary.median_cpu_ms_per_seed.toFixed(1)}), ` +
          `${ordinary.seeds_per_second_and_core} a second on each core`,
        `${whole(rest.runs)} runs, ${whole(rest.tasks)} tasks, ${whole(rest.faults)} faults ` +
          `of ${rest.kinds} kinds, ${whole(rest.events)} events`,
        violation === null
          ? "every invariant held"
          : `**seed ${violation.seed} broke "${violation.invariant}"**: ${violation.detail} ` +
            `(\`${violation.replay}\`)`,
      ]);
    },
  },
  {
    name: "chaos",
    title: "Chaos",
    says:
      "Load on the local runtime, all of whose processes are killed by SIGKILL again and " +
      "again on the same state, with two versions of " +
      "peach.conf by turns; what the API says and what a recorder outside has seen are held " +
      "against what Peach promises.",
    command: ["chaos", "--", "--json"],
    show(report) {
      const {
        seed,
        took_seconds: took,
        triggers,
        runs,
        kills,
        attempts,
        ...rest
      } = chaos.parse(report);
      return list([
        `seed ${seed}: ${whole(triggers.accepted)} triggers accepted, ${whole(runs.known)} ` +
          `runs, ${kills.count} kills, ${kills.by_poison} of them by poison items, in ` +
          `${whole(took)} s`,
        `runs: ${counts(runs.by_status)}`,
        `${whole(attempts.recorded)} attempts (${counts(attempts.by_status)}); ` +
          `${whole(attempts.effects_executed_more_than_accepted)} were executed, but lost ` +
          `before they were recorded`,
        `after a kill it was ready in ${whole(kills.ready_after_ms.median ?? 0)} ms (median; ` +
          `at most ${whole(kills.ready_after_ms.max ?? 0)}); after the last start all runs ` +
          `were final in ${whole(kills.last_start_to_all_final_ms ?? 0)} ms`,
        `${rest.dead_letters.length} dead letters, ${rest.violations.length} violations`,
        ...rest.violations.slice(0, 10).map(({ rule, detail }) => `**${rule}**: ${detail}`),
      ]);
    },
  },
  {
    name: "fuzz",
    title: "Fuzzing",
    says:
      "On the local runtime: made-up requests by every way in, and the worst bodies of 10 " +
      "MB. It fails on a 5xx, a stack, a secret, an error " +
      "that is no problem document, a refusal above 64 KB, a worker that grows by more than " +
      "150 MB, a `/healthz` that takes more than a second.",
    command: ["fuzz", "--", "--json"],
    show(report) {
      const { seed, requests, statuses, succeeded, heavy, faults } = fuzz.parse(report);
      return list([
        `seed ${seed}: ${whole(requests)} requests, answered ${counts(statuses)}; ` +
          `${succeeded.length} calls and ways in succeeded at least once`,
        `${whole(heavy.requests)} bodies of 10 MB: the worker grew by at most ` +
          `${heavy.grown_mb ?? "?"} MB, \`/healthz\` answered within ` +
          `${whole(heavy.health_ms)} ms of computing`,
        `${faults.length} faults`,
        ...faults.slice(0, 10).map(({ why, request }) => `**${request.id}**: ${why}`),
      ]);
    },
  },
  {
    name: "bench",
    title: "Benchmarks",
    says:
      "The same work on Peach, Cloudflare Workflows and the bare bound (a Durable Object, a " +
      "row and a call in process a task: what is left if " +
      "everything else is free), by turns in one run on the local runtime. It says nothing " +
      "about the edge.",
    command: ["bench", "--", "--json"],
    show: showBench,
  },
  {
    name: "overload",
    title: "Overload",
    says: "32 clients that trigger without a pause for five minutes, and what is left is drained.",
    command: [
      "bench",
      "--",
      "--only",
      "overload",
      "--only",
      "overload_direct",
      "--seconds",
      "300",
      "--json",
    ],
    show: showBench,
  },
  {
    name: "lists",
    title: "Lists of a million runs",
    says: "One task with a million runs of thirty days, asked over HTTP.",
    command: ["bench:lists", "--", "--json"],
    show(report) {
      const { runs, counted_first_ms: counted, calls } = lists.parse(report);
      return [
        table([
          ["ms", "first", "median", "most"],
          ...calls.map((call) => [
            call.what,
            ...[call.first_ms, call.median_ms, call.max_ms].map((ms) => ms.toFixed(1)),
          ]),
        ]),
        `${whole(runs)} runs; counted for the first time in ${whole(counted)} ms.`,
      ].join("\n\n");
    },
  },
];

/** Renders the report of the bench: medians by system, and the targets. */
function showBench(report: unknown): string {
  const { versions, rounds, results, verdicts, cost } = bench.parse(report);
  const present = SYSTEMS.filter((system) =>
    results.some(({ figures }) => figures[system] !== undefined),
  );
  const about = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const parts = [
    `Medians of ${rounds} rounds, their spread in brackets; ${about.join(", ")}.`,
    table([
      ["", ...present.map((system) => HEADINGS[system])],
      ...results.map(({ title, unit, figures }) => [
        `${title}, ${unit}`,
        ...present.map((system) => {
          const { median, min, max } = figures[system] ?? { median: null, min: null, max: null };
          return median === null
            ? ""
            : `${amount(median)} (${amount(min ?? median)}–${amount(max ?? median)})`;
        }),
      ]),
    ]),
    ...(verdicts.length === 0
      ? []
      : [
          table([
            ["target", "is", "asked"],
            ...verdicts.map(({ metric, against, of, bound, limit, ratio, reached }) => [
              results.find(({ name }) => name === metric)?.title ?? metric,
              `${ratio === null ? "?" : ratio.toFixed(2)}${against === null ? "" : ` × ${HEADINGS[against]}`}${of === undefined ? "" : ` (${of})`}${reached ? "" : ", **not reached**"}`,
              `${bound} ${limit}`,
            ]),
          ]),
        ]),
  ];
  if (cost !== null)
    parts.push(
      `Counted for a diamond of ${cost.tasks} tasks with payloads of 1 KB, by queue: ` +
        `${counts(cost.operations)}; ` +
        `$${cost.dollarsPerMillionTasks.toFixed(2)} of list price for a million tasks.`,
    );
  return parts.join("\n\n");
}

/** Renders lines as a Markdown list. */
function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

/** Renders rows as a Markdown table; the first row is the head. */
function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** Renders counts by name. */
function counts(all: Readonly<Record<string, number>>): string {
  return Object.entries(all)
    .map(([name, count]) => `${name.replaceAll("_", " ")} ${whole(count)}`)
    .join(", ");
}

/** Renders a whole number with separators. */
function whole(value: number): string {
  return (Number.isInteger(value) ? value : Math.round(value * 10) / 10).toLocaleString("en-US");
}

function amount(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}
