/** Compares what was recorded of a run with what came out when the run was run again. */
import type { RecordedPayload, RecordedRun } from "./recorded-run.ts";

/** The outcome of a task that was run again. `passed` is undefined if the task passed nothing. */
export interface RepeatedTask {
  readonly name: string;
  readonly status: string;
  readonly passed: unknown;
  /** Values for single children, by the child's name. */
  readonly to: Readonly<Record<string, unknown>>;
  readonly error: { readonly name: string; readonly message: string } | null;
}

/**
 * A difference of a task. `path` begins with `$` in a JSON value, and is empty for the status. In
 * front of the path of a value for a single child stands `to` and the child.
 */
export interface Difference {
  readonly task: string;
  readonly path: string;
  readonly recorded: string;
  readonly now: string;
}

/** Differences of one task that are listed; a payload may have thousands. */
const LISTED = 20;
/** The length of a shown value, in characters. */
const SHOWN = 120;
const ABSENT = Symbol("absent");

/** Compares the tasks, in the order of the recording. `only` leaves out every other task. */
export function compareRuns(
  { tasks }: RecordedRun,
  repeated: readonly RepeatedTask[],
  only?: string,
): Difference[] {
  return tasks
    .filter(({ task }) => only === undefined || task === only)
    .flatMap(({ task, status, attempts, passed, to }) => {
      const now = repeated.find(({ name }) => name === task);
      if (now === undefined)
        return [{ task, path: "", recorded: status, now: "is no task of peach.conf any more" }];
      const error = attempts.findLast((attempt) => attempt.error !== null)?.error ?? null;
      const [before, after] = [outcome(status, error), outcome(now.status, now.error)];
      if (before !== after) return [{ task, path: "", recorded: before, now: after }];
      return [
        ...differencesOf(passed, now.passed),
        ...[...new Set([...Object.keys(to), ...Object.keys(now.to)])].flatMap((child) =>
          differencesOf(to[child] ?? null, now.to[child]).map(({ path, ...values }) => ({
            path: `to ${child} ${path}`,
            ...values,
          })),
        ),
      ].map((difference) => ({ task, ...difference }));
    });
}

/** A status, for a failure with the error. */
function outcome(status: string, error: RepeatedTask["error"]): string {
  return status === "failed" && error !== null
    ? cut(`failed, ${error.name}: ${error.message}`)
    : status;
}

type ValueDifference = Omit<Difference, "task">;

function differencesOf(recorded: RecordedPayload | null, now: unknown): ValueDifference[] {
  const before = recorded === null ? ABSENT : recorded.value;
  const after = now === undefined ? ABSENT : now;
  if (before instanceof Uint8Array && after instanceof Uint8Array) return inBytes(before, after);
  if (typeof before === "string" && typeof after === "string" && recorded?.kind === "text")
    return inTexts(before, after);
  const found: ValueDifference[] = [];
  inValues(before, after, "$", found);
  return found;
}

function inBytes(before: Uint8Array, after: Uint8Array): ValueDifference[] {
  const at = before.findIndex((byte, index) => byte !== after[index]);
  if (at === -1 && before.length === after.length) return [];
  const path = `byte ${at === -1 ? before.length : at}`;
  return [{ path, recorded: `${before.length} bytes`, now: `${after.length} bytes` }];
}

function inTexts(before: string, after: string): ValueDifference[] {
  if (before === after) return [];
  let at = 0;
  while (at < before.length && before[at] === after[at]) at += 1;
  const from = Math.max(0, at - 20);
  return [
    { path: `character ${at}`, recorded: show(before.slice(from)), now: show(after.slice(from)) },
  ];
}

/** Compares JSON values; the order of properties has no meaning. */
function inValues(before: unknown, after: unknown, path: string, found: ValueDifference[]): void {
  if (found.length >= LISTED || Object.is(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index += 1)
      inValues(
        index < before.length ? before[index] : ABSENT,
        index < after.length ? after[index] : ABSENT,
        `${path}[${index}]`,
        found,
      );
  } else if (isRecord(before) && isRecord(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
      inValues(
        Object.hasOwn(before, name) ? before[name] : ABSENT,
        Object.hasOwn(after, name) ? after[name] : ABSENT,
        /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`,
        found,
      );
  } else found.push({ path, recorded: show(before), now: show(after) });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

function show(value: unknown): string {
  if (value === ABSENT) return "nothing";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return cut(JSON.stringify(value) ?? String(value));
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
