/**
 * Maps paths below /dashboard to pages, and queries to filters. Pure: location.ts is the address
 * bar.
 */
import { RUN_STATUSES, type RunStatus } from "../domain/statuses.ts";
import { TRIGGER_SOURCES, type TriggerSource } from "../domain/trigger.ts";

/** The sections of the page Triggers. */
export const TRIGGER_SECTIONS = ["tasks", "endpoints", "schedules", "uploads", "events"] as const;
export type TriggerSection = (typeof TRIGGER_SECTIONS)[number];

/** Pages without parameters in the path. */
const SINGLE_PAGES = [
  "runs",
  "compare",
  "approvals",
  "dead-letters",
  "limits",
  "health",
  "login",
] as const;
type SinglePage = (typeof SINGLE_PAGES)[number] | "now";

/** A page with its parameters. */
export type Route =
  | { readonly page: SinglePage }
  | { readonly page: "run"; readonly runId: string }
  /** `name` is the endpoint that is open; null lists all of them. */
  | { readonly page: "recommendations"; readonly name: string | null }
  /** `name` is the root task. */
  | { readonly page: "pipeline"; readonly name: string }
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
  if (first === "pipelines" && second !== undefined) return { page: "pipeline", name: second };
  if (second !== undefined) return unknown;
  if (first === "") return { page: "now" };
  const page = SINGLE_PAGES.find((known) => known === first);
  return page === undefined ? unknown : { page };
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

/** The path of a pipeline's page. */
export function pipelinePath(root: string): string {
  return `${BASE}/pipelines/${encodeURIComponent(root)}`;
}

/**
 * The path of the comparison of two runs. Without a second run, the first is compared with the last
 * good run before.
 */
export function comparePath(run: string, other?: string): string {
  const query = new URLSearchParams({ run, ...(other !== undefined && { with: other }) });
  return `${BASE}/compare?${query}`;
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

/** A status of a run, or `waiting`: something in the run waits. */
export const FILTER_STATUSES = ["waiting", ...RUN_STATUSES] as const;
export type FilterStatus = RunStatus | "waiting";

/** The filters of a list of runs. Null and an empty list stand for no filter. */
export interface RunFilters {
  readonly task: string | null;
  readonly statuses: readonly FilterStatus[];
  readonly source: TriggerSource | null;
  readonly span: Span | null;
  /** Bounds of creation in ISO 8601; they take the place of the span. */
  readonly from: string | null;
  readonly to: string | null;
  readonly idempotencyKey: string | null;
  readonly failedTask: string | null;
  /** Text within the error. */
  readonly error: string | null;
  /** `name: message` of a group of failures. */
  readonly failure: string | null;
  /** Tags that a run has all of. */
  readonly tags: readonly string[];
  /** True: only runs that were not final by the `late_after` of the task; false: the other runs. */
  readonly late: boolean | null;
  /** Conditions such as `film.id=7`, which the page applies to the payloads itself. */
  readonly payload: readonly string[];
}

/** The filters of a list of all runs. */
export const NO_FILTERS: RunFilters = {
  task: null,
  statuses: [],
  source: null,
  span: null,
  from: null,
  to: null,
  idempotencyKey: null,
  failedTask: null,
  error: null,
  failure: null,
  tags: [],
  late: null,
  payload: [],
};

/**
 * Parses the filters in the query of the address. Unknown values are left out, so that old links
 * still open a list.
 */
export function filtersFromQuery(query: URLSearchParams): RunFilters {
  const words = (query.get("status") ?? "").split(",");
  return {
    task: query.get("task") || null,
    statuses: FILTER_STATUSES.filter((status) => words.includes(status)),
    source: TRIGGER_SOURCES.find((source) => source === query.get("source")) ?? null,
    span: SPAN_NAMES.find((span) => span === query.get("span")) ?? null,
    from: timeOf(query.get("from")),
    to: timeOf(query.get("to")),
    idempotencyKey: query.get("key") || null,
    failedTask: query.get("failed_task") || null,
    error: query.get("error") || null,
    failure: query.get("failure") || null,
    tags: query.getAll("tag").filter((tag) => tag !== ""),
    late: lateOf(query.get("late")),
    payload: query.getAll("payload").filter((condition) => condition.includes("=")),
  };
}

/** A filter by lateness; null for any other text. */
function lateOf(text: string | null): boolean | null {
  return text === "true" ? true : text === "false" ? false : null;
}

/** A time in ISO 8601 as given; null for any other text. */
export function timeOf(text: string | null): string | null {
  return text === null || Number.isNaN(Date.parse(text)) ? null : text;
}

/** Renders filters as a query of the address, without `?`. */
export function filtersToQuery(filters: RunFilters): string {
  const { task, statuses, source, span, from, to, idempotencyKey, failedTask } = filters;
  const query = queryOf({
    task,
    status: statuses.join(",") || null,
    source,
    span,
    from,
    to,
    key: idempotencyKey,
    failed_task: failedTask,
    error: filters.error,
    failure: filters.failure,
    late: filters.late === null ? null : String(filters.late),
  });
  for (const tag of filters.tags) query.append("tag", tag);
  for (const condition of filters.payload) query.append("payload", condition);
  return query.toString();
}

/**
 * Renders filters as a query of the API, without `?`. `now` is in milliseconds since 1970.
 * Conditions on payloads are not part of it.
 */
export function filtersToApi(filters: RunFilters, now: number): string {
  const { task, statuses, source, span, from, to, idempotencyKey, failedTask } = filters;
  const query = queryOf({
    task,
    status: statuses.join(",") || null,
    source,
    created_after: from ?? (span === null ? null : new Date(now - SPANS[span]).toISOString()),
    created_before: to,
    idempotency_key: idempotencyKey,
    failed_task: failedTask,
    error: filters.error,
    failure: filters.failure,
    late: filters.late === null ? null : String(filters.late),
  });
  for (const tag of filters.tags) query.append("tag", tag);
  return query.toString();
}

/** The beginning of a span, in ISO 8601. */
export function sinceOf(span: Span, now: number): string {
  return new Date(now - SPANS[span]).toISOString();
}

/**
 * Tests if a run that the live feed reports belongs into a list with these filters. The feed does
 * not contain idempotency keys, payloads and groups, so a list filtered by them takes no run from
 * it.
 */
export function matchesFilters(
  run: {
    readonly task: string;
    readonly status: string;
    readonly source: string;
    readonly created_at: string;
    readonly waiting?: unknown;
    readonly tags?: readonly string[] | undefined;
    readonly late?: boolean | undefined;
  },
  filters: RunFilters,
  now: number,
): boolean {
  const { task, statuses, source, span, idempotencyKey, from, to, payload } = filters;
  const { failedTask, error, failure, tags, late } = filters;
  if (idempotencyKey !== null || payload.length > 0 || to !== null) return false;
  if (failedTask !== null || error !== null || failure !== null) return false;
  const isWanted = (status: FilterStatus): boolean =>
    status === run.status || (status === "waiting" && run.waiting !== undefined);
  return (
    (task === null || run.task === task) &&
    (statuses.length === 0 || statuses.some(isWanted)) &&
    (source === null || run.source === source) &&
    tags.every((tag) => run.tags?.includes(tag)) &&
    (late === null || (run.late ?? false) === late) &&
    (from === null || run.created_at >= from) &&
    (span === null || Date.parse(run.created_at) >= now - SPANS[span])
  );
}

/** Renders the values that are not null as a query. */
function queryOf(values: Readonly<Record<string, string | null>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== null) query.set(name, value);
  return query;
}
