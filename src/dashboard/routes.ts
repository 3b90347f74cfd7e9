/**
 * Maps paths below /dashboard to pages, and queries to filters. Pure: location.ts is the address
 * bar.
 */
import { RUN_STATUSES, type RunStatus } from "../domain/statuses.ts";
import { TRIGGER_SOURCES, type TriggerSource } from "../domain/trigger.ts";

/** The sections of the page Triggers. */
export const TRIGGER_SECTIONS = ["tasks", "endpoints", "schedules", "uploads", "events"] as const;
export type TriggerSection = (typeof TRIGGER_SECTIONS)[number];

/** A page with its parameters. */
export type Route =
  | { readonly page: "pipelines" | "runs" | "dead-letters" | "limits" | "health" | "login" }
  | { readonly page: "run"; readonly runId: string }
  /** `name` is the endpoint that is open; null lists all of them. */
  | { readonly page: "recommendations"; readonly name: string | null }
  /** `name` is the task, endpoint or event that is open. */
  | { readonly page: "triggers"; readonly section: TriggerSection; readonly name: string | null }
  | { readonly page: "not-found"; readonly path: string };

/** The path of the dashboard. */
const BASE = "/dashboard";

/** Parses a path such as /dashboard/runs/run_1. Unknown paths are `not-found`. */
export function parseRoute(path: string): Route {
  const [first = "", second, third, ...rest] = path
    .slice(BASE.length)
    .split("/")
    .filter(Boolean)
    .map(decoded);
  const unknown: Route = { page: "not-found", path };
  if (rest.length > 0) return unknown;
  if (first === "triggers") {
    const section = TRIGGER_SECTIONS.find((known) => known === (second ?? "tasks"));
    return section === undefined ? unknown : { page: "triggers", section, name: third ?? null };
  }
  if (third !== undefined) return unknown;
  if (first === "runs" && second !== undefined) return { page: "run", runId: second };
  if (first === "recommendations") return { page: first, name: second ?? null };
  if (second !== undefined) return unknown;
  switch (first) {
    case "":
      return { page: "pipelines" };
    case "runs":
    case "dead-letters":
    case "limits":
    case "health":
    case "login":
      return { page: first };
    default:
      return unknown;
  }
}

/** Decodes a segment; a malformed one is taken literally, as an error would leave an empty page. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The path of a run's page, with a task's panel open if one is given. */
export function runPath(runId: string, task?: string): string {
  return `${BASE}/runs/${encodeURIComponent(runId)}${task === undefined ? "" : `?task=${encodeURIComponent(task)}`}`;
}

/** The path of the list of runs, with filters. */
export function runsPath(filters: Partial<RunFilters> = {}): string {
  const query = filtersToQuery({ ...NO_FILTERS, ...filters });
  return `${BASE}/runs${query === "" ? "" : `?${query}`}`;
}

/** The path of a section of Triggers, with an entry open if one is given. */
export function triggersPath(section: TriggerSection, name?: string): string {
  return `${BASE}/triggers/${section}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** The path of the recommendation endpoints, or of one of them. */
export function recommendationsPath(name?: string): string {
  return `${BASE}/recommendations${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** The time spans of the list of runs, in milliseconds. */
const SPANS = {
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 604_800_000,
  "30d": 2_592_000_000,
} as const;
export type Span = keyof typeof SPANS;

/** The names of the time spans. */
export const SPAN_NAMES: readonly Span[] = ["1h", "24h", "7d", "30d"];

/** The filters of a list of runs. Null and an empty list stand for no filter. */
export interface RunFilters {
  readonly task: string | null;
  readonly statuses: readonly RunStatus[];
  readonly source: TriggerSource | null;
  readonly span: Span | null;
  readonly idempotencyKey: string | null;
}

/** The filters of a list of all runs. */
export const NO_FILTERS: RunFilters = {
  task: null,
  statuses: [],
  source: null,
  span: null,
  idempotencyKey: null,
};

/**
 * Parses the filters in the query of the address. Unknown values are left out, so that old links
 * still open a list.
 */
export function filtersFromQuery(query: URLSearchParams): RunFilters {
  const words = (query.get("status") ?? "").split(",");
  return {
    task: query.get("task") || null,
    statuses: RUN_STATUSES.filter((status) => words.includes(status)),
    source: TRIGGER_SOURCES.find((source) => source === query.get("source")) ?? null,
    span: SPAN_NAMES.find((span) => span === query.get("span")) ?? null,
    idempotencyKey: query.get("key") || null,
  };
}

/** Renders filters as a query of the address, without `?`. */
export function filtersToQuery({
  task,
  statuses,
  source,
  span,
  idempotencyKey,
}: RunFilters): string {
  return queryOf({ task, status: statuses.join(",") || null, source, span, key: idempotencyKey });
}

/** Renders filters as a query of the API, without `?`. `now` is in milliseconds since 1970. */
export function filtersToApi(
  { task, statuses, source, span, idempotencyKey }: RunFilters,
  now: number,
): string {
  return queryOf({
    task,
    status: statuses.join(",") || null,
    source,
    created_after: span === null ? null : new Date(now - SPANS[span]).toISOString(),
    idempotency_key: idempotencyKey,
  });
}

/**
 * Tests if a run that the live feed reports belongs into a list with these filters. The feed does
 * not contain idempotency keys, so a list filtered by key takes no run from it.
 */
export function matchesFilters(
  run: {
    readonly task: string;
    readonly status: string;
    readonly source: string;
    readonly created_at: string;
  },
  { task, statuses, source, span, idempotencyKey }: RunFilters,
  now: number,
): boolean {
  return (
    idempotencyKey === null &&
    (task === null || run.task === task) &&
    (statuses.length === 0 || statuses.some((status) => status === run.status)) &&
    (source === null || run.source === source) &&
    (span === null || Date.parse(run.created_at) >= now - SPANS[span])
  );
}

/** Renders the values that are not null as a query. */
function queryOf(values: Readonly<Record<string, string | null>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== null) query.set(name, value);
  return query.toString();
}
