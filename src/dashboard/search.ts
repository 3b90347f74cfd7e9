/**
 * The search field of the list of runs: words such as `task:encode status:failed error:"no space"
 * payload.film=7`. Pure.
 */
import { TRIGGER_SOURCES } from "../domain/trigger.ts";
import { FILTER_STATUSES, NO_FILTERS, type RunFilters, SPAN_NAMES } from "./routes.ts";

/** The meaning of a search text. */
export interface Search {
  readonly filters: RunFilters;
  /** The id of a run, if the text is one. */
  readonly runId: string | null;
  /** A word that is not understood, with advice; null if all are. */
  readonly problem: string | null;
}

/** The words that the field knows, for its hint. */
export const SEARCH_WORDS = [
  "task:",
  "status:",
  "error:",
  "failed:",
  "source:",
  "tag:",
  "late:",
  "key:",
  "since:",
  "payload.",
] as const;

/**
 * A word: a name, `:` or `=`, and a value that may stand in quotes; or a plain text. An open quote
 * ends with the text.
 */
const WORD = /([\w.[\]-]+)(:|=)("(?:[^"\\]|\\.)*(?:"|$)|\S*)|("(?:[^"\\]|\\.)*(?:"|$))|(\S+)/g;

/** Parses a text. A plain text is looked for in the errors. */
export function parseSearch(text: string): Search {
  const trimmed = text.trim();
  if (/^run_[0-9a-z]+$/i.test(trimmed))
    return { filters: NO_FILTERS, runId: trimmed, problem: null };
  let filters: RunFilters = NO_FILTERS;
  let problem: string | null = null;
  const plain: string[] = [];
  for (const [whole, name, sign, value, quoted, word] of trimmed.matchAll(WORD)) {
    const found = name === undefined ? null : applied(filters, name, sign ?? ":", unquoted(value));
    if (name === undefined) plain.push(unquoted(quoted ?? word ?? whole));
    else if (found === undefined) plain.push(whole);
    else if (typeof found === "string") problem ??= found;
    else if (found !== null) filters = found;
  }
  if (plain.length > 0) filters = { ...filters, error: plain.join(" ") };
  if (filters.idempotencyKey !== null && filters.task === null)
    problem ??= "A key belongs to a task: add task:NAME.";
  return { filters, runId: null, problem };
}

/**
 * The filters with one more word. A text explains a wrong value; undefined stands for an unknown
 * name.
 */
function applied(
  filters: RunFilters,
  name: string,
  sign: string,
  value: string,
): RunFilters | string | undefined {
  const path = /^payload\.(.+)$/.exec(name)?.[1];
  if (path !== undefined) return { ...filters, payload: [...filters.payload, `${path}=${value}`] };
  if (sign === "=") return undefined;
  if (value === "" && SEARCH_WORDS.some((word) => word === `${name}:`))
    return `${name}: needs a value.`;
  switch (name) {
    case "task":
      return { ...filters, task: value };
    case "failed":
      return { ...filters, failedTask: value };
    case "error":
      return { ...filters, error: value };
    case "failure":
      return { ...filters, failure: value };
    case "tag":
      return { ...filters, tags: [...filters.tags, value] };
    case "late":
      return value === "true" || value === "false"
        ? { ...filters, late: value === "true" }
        : "late: takes true or false.";
    case "key":
      return { ...filters, idempotencyKey: value };
    case "status": {
      const words = value.split(",");
      const statuses = FILTER_STATUSES.filter((status) => words.includes(status));
      return statuses.length === words.length
        ? { ...filters, statuses }
        : `A status is one of ${FILTER_STATUSES.join(", ")}.`;
    }
    case "source": {
      const source = TRIGGER_SOURCES.find((known) => known === value);
      return source === undefined
        ? `A source is one of ${TRIGGER_SOURCES.join(", ")}.`
        : { ...filters, source };
    }
    case "since": {
      const span = SPAN_NAMES.find((known) => known === value);
      return span === undefined ? `since: takes ${SPAN_NAMES.join(", ")}.` : { ...filters, span };
    }
    default:
      return undefined;
  }
}

/** Renders filters as a text of the field. */
export function searchText(filters: RunFilters): string {
  const { task, statuses, source, span, idempotencyKey, failedTask, error, failure } = filters;
  const words: readonly (readonly [name: string, value: string | null])[] = [
    ["task", task],
    ["status", statuses.join(",") || null],
    ["source", source],
    ["since", span],
    ["failed", failedTask],
    ["error", error],
    ["failure", failure],
    ["late", filters.late === null ? null : String(filters.late)],
    ["key", idempotencyKey],
  ];
  return [
    ...words.flatMap(([name, value]) => (value === null ? [] : `${name}:${quoted(value)}`)),
    ...filters.tags.map((tag) => `tag:${quoted(tag)}`),
    ...filters.payload.map((condition) => {
      const at = condition.indexOf("=");
      return `payload.${condition.slice(0, at)}=${quoted(condition.slice(at + 1))}`;
    }),
  ].join(" ");
}

/** Puts a value into quotes if necessary. */
function quoted(value: string): string {
  return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

/** Takes the quotes of a value away, and reads the escapes of JSON. */
function unquoted(value = ""): string {
  const [, text] = /^"((?:[^"\\]|\\.)*)(?:"|$)/.exec(value) ?? [];
  if (text === undefined) return value;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    // Typed by hand: `"a\.b"`.
    return text.replaceAll(/\\(.)/g, "$1");
  }
}

/** Tests a payload against conditions such as `film.id=7`; numbers are compared as texts. */
export function matchesPayload(payload: unknown, conditions: readonly string[]): boolean {
  return conditions.every((condition) => {
    const at = condition.indexOf("=");
    const wanted = condition.slice(at + 1).toLowerCase();
    const found = valueAt(payload, condition.slice(0, at));
    if (found === undefined) return false;
    const text = typeof found === "string" ? found : JSON.stringify(found);
    return text.toLowerCase() === wanted;
  });
}

/** The value at a path such as `films[0].id`; undefined without one. */
function valueAt(payload: unknown, path: string): unknown {
  let value = payload;
  for (const part of path.split(/[.[\]]+/).filter(Boolean))
    value = typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined;
  return value;
}
