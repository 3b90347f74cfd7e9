/** The result of a bench: a JSON document, and the same as a table. */
import type { CountedCost } from "./counted-cost.ts";
import type { MetricResult } from "./measurement.ts";
import type { Metric } from "./measure.ts";
import { MAX_DOLLARS_PER_MILLION_TASKS, PRICED, WORKFLOW_STEP_PRICE } from "./prices.ts";
import type { Figure } from "./statistics.ts";
import { SYSTEMS, type SystemName } from "./systems.ts";
import type { Verdict } from "./targets.ts";

export interface BenchReport {
  readonly taken_at: string;
  /** The deployed URL, or null for the local runtime. */
  readonly url: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly rounds: number;
  readonly quick: boolean;
  readonly results: readonly MetricResult[];
  readonly verdicts: readonly Verdict[];
  readonly cost: CountedCost | null;
}

const HEADINGS: Readonly<Record<SystemName, string>> = {
  peach: "Peach",
  workflows: "Workflows",
  bound: "bare bound",
};

/** Renders the table, the targets and the counted cost as text. */
export function renderReport(report: BenchReport): string {
  return [
    renderHead(report),
    renderTable(report.results),
    renderVerdicts(report),
    renderCost(report.cost),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function renderHead({
  taken_at: takenAt,
  url,
  versions,
  cpus,
  rounds,
  quick,
}: BenchReport): string {
  const where =
    url === null
      ? `local runtime, tracing off for all, ${cpus} CPUs`
      : `${url} (to first line of code: from the run's created_at; ends are asked for every 100 ms)`;
  const parts = [
    takenAt.slice(0, 10),
    where,
    ...Object.entries(versions).map(([name, version]) => `${name} ${version}`),
  ];
  return `${parts.join(", ")}\n${rounds} rounds${quick ? ", quick" : ""}: median (min-max)`;
}

function renderTable(results: readonly MetricResult[]): string {
  const present = SYSTEMS.filter((system) =>
    results.some(({ figures }) => figures[system] !== undefined),
  );
  const others = present.filter((system) => system !== "peach");
  const head = [
    "",
    ...present.map((system) => HEADINGS[system]),
    ...others.map((system) => `/ ${HEADINGS[system]}`),
  ];
  const rows = results.map((result) => [
    `${result.title} (${result.unit})`,
    ...present.map((system) => renderFigure(result.figures[system], result.unit)),
    ...others.map((system) => renderRatio(result.figures.peach, result.figures[system])),
  ]);
  return align([head, ...rows]);
}

function renderVerdicts({ verdicts, results }: BenchReport): string {
  return align(
    verdicts.map(({ metric, against, of, bound, limit, ratio, reached }) => [
      reached ? "reached" : "NOT REACHED",
      results.find(({ name }) => name === metric)?.title ?? metric,
      `${ratio.toFixed(2)}${against === null ? "" : ` x ${HEADINGS[against]}`}${of === undefined ? "" : `, ${of}`}`,
      `${bound} ${limit}`,
    ]),
  );
}

function renderCost(cost: CountedCost | null): string {
  if (cost === null) return "";
  const { operations, tasks, dollarsPerMillionTasks } = cost;
  const reached =
    dollarsPerMillionTasks <= MAX_DOLLARS_PER_MILLION_TASKS ? "reached" : "NOT REACHED";
  return [
    `counted cost of a ${tasks}-task diamond with 1 KB payloads, dispatched by the queue:`,
    `  ${PRICED.map((operation) => `${operation} ${operations[operation]}`).join(", ")}`,
    `  $${dollarsPerMillionTasks.toFixed(2)} per million task runs at list price (${reached}: at most $${MAX_DOLLARS_PER_MILLION_TASKS.toFixed(2)}; a million steps of Workflows: $${WORKFLOW_STEP_PRICE.toFixed(2)})`,
  ].join("\n");
}

function renderFigure(figure: Figure | undefined, unit: Metric["unit"]): string {
  if (figure === undefined || Number.isNaN(figure.median)) return "-";
  const [median, min, max] = [figure.median, figure.min, figure.max].map((value) =>
    formatValue(value, unit),
  );
  return `${median} (${min}-${max})`;
}

function formatValue(value: number, unit: Metric["unit"]): string {
  return unit === "runs" || (unit !== "x" && Math.abs(value) >= 100)
    ? value.toFixed(0)
    : value.toFixed(2);
}

function renderRatio(own: Figure | undefined, other: Figure | undefined): string {
  const ratio = (own?.median ?? Number.NaN) / (other?.median ?? Number.NaN);
  return Number.isFinite(ratio) ? ratio.toFixed(2) : "-";
}

/** Pads columns to equal width: the first aligned left, the others right. */
function align(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
