/**
 * How everybody else reaches the catalogue: runs tell it how they stand, and lists, counts, changes and metrics are put together from
 * the objects of all tasks, or of one.
 */
import {
  byPlace,
  type RunFilter,
  type RunPlace,
  type RunSummary,
} from "../../domain/run/summary.ts";
import { callWithRetries } from "../../platform/calls.ts";
import { nameOf } from "./catalog-name.ts";
import type { CatalogPart } from "./catalog-controller.ts";
import type {
  CatalogRpc,
  Change,
  DirectoryRpc,
  MetricsAnswer,
  RecordAnswer,
} from "./catalog-rpc.ts";
import { shardFor, type Routes } from "./shard-map.ts";
import { addCounts, NO_RUNS, type RunCounts } from "./run-counts.ts";

/** What a list asks for. */
export interface RunQuery extends RunFilter {
  /** The root task; absent: any. */
  readonly task?: string;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Given as `after`, the list goes on from there; null at the end. There may be fewer runs than asked for before the end. */
  readonly end: RunPlace | null;
}

const DIRECTORY = "directory";

/** How the runs of tasks are spread, as this isolate was told. */
const knownRoutes = new Map<string, Routes>();

/** Tells the catalogue how a run stands. True once that is durable. Rejects if it cannot be reached. */
export async function recordRun(env: Env, summary: RunSummary, keep: boolean): Promise<boolean> {
  const { task, createdAt } = summary;
  const record = (shard: number): Promise<RecordAnswer> =>
    callPart(env, { task, shard }, (catalog) => catalog.record(summary, keep));
  const routes = knownRoutes.get(task);
  const answer = await record(
    routes !== undefined && createdAt < routes.until ? shardFor(routes.splits, summary) : 0,
  );
  if (typeof answer === "boolean") return answer;
  knownRoutes.set(task, answer);
  // The object that a route leads to takes whatever comes.
  return (await record(shardFor(answer.splits, summary))) === true;
}

/** Tells the directory that the task has a catalogue. */
export async function enlistTask(env: Env, task: string): Promise<void> {
  await callWithRetries("the directory of the catalogue", () => directoryOf(env).enlist(task));
}

/** The root tasks that have runs, or had. */
export async function listedTasks(env: Env): Promise<readonly string[]> {
  return callWithRetries("the directory of the catalogue", () => directoryOf(env).tasks());
}

/** Runs, newest first; a run is in its place for good, so that pages that follow one another show each run once. */
export async function findRuns(
  env: Env,
  query: RunQuery,
  after: RunPlace | null,
  limit: number,
): Promise<RunPage> {
  const { task, ...filter } = query;
  const answers = await everywhere(env, task, (catalog) => catalog.list(filter, after, limit));
  // Nothing may be shown from beyond where one of them stopped: its next runs may stand before.
  const stops = answers.flatMap(({ end }) => (end === null ? [] : [end])).toSorted(byPlace);
  const [stop = null] = stops;
  const runs = answers
    .flatMap((answer) => answer.runs)
    .filter((run) => stop === null || byPlace(run, stop) <= 0)
    .toSorted(byPlace);
  const page = runs.slice(0, limit);
  const last = page.at(-1);
  const end =
    runs.length > limit && last !== undefined ? { createdAt: last.createdAt, id: last.id } : stop;
  return { runs: page, end };
}

/** How many runs there are, by status. */
export async function countRuns(env: Env, { task, ...filter }: RunQuery): Promise<RunCounts> {
  const answers = await everywhere(env, task, (catalog) => catalog.count(filter));
  return answers.reduce((sum, { counts }) => addCounts(sum, counts), NO_RUNS);
}

/**
 * What has changed since that time, the earliest first, and the time up to which all changes are told. With null: nothing, but the
 * time to begin with. A change may be told twice.
 */
export async function runChanges(
  env: Env,
  task: string | undefined,
  since: number | null,
  limit: number,
): Promise<{ readonly changes: readonly Change[]; readonly until: number }> {
  const answers = await everywhere(env, task, (catalog) => catalog.changes(since, limit));
  const until = answers.reduce(
    (soonest, answer) => Math.min(soonest, answer.until),
    Number.POSITIVE_INFINITY,
  );
  const changes = answers
    .flatMap((answer) => answer.changes)
    .toSorted((one, other) => one.changedAt - other.changedAt);
  return { changes, until: Number.isFinite(until) ? until : (since ?? Date.now()) };
}

/** What the runs of each task have counted, and how many are not final. */
export async function runMetrics(env: Env): Promise<readonly MetricsAnswer[]> {
  return everywhere(env, undefined, (catalog) => catalog.metrics());
}

/** Asks each object of the task, or of all tasks. */
async function everywhere<Answer extends { readonly shards: number }>(
  env: Env,
  task: string | undefined,
  ask: (catalog: CatalogRpc) => Promise<Answer>,
): Promise<Answer[]> {
  const tasks = task === undefined ? await listedTasks(env) : [task];
  const first = await Promise.all(
    tasks.map(async (name) => ({
      name,
      answer: await callPart(env, { task: name, shard: 0 }, ask),
    })),
  );
  const others = first.flatMap(({ name, answer }) =>
    Array.from({ length: answer.shards - 1 }, (_, index) =>
      callPart(env, { task: name, shard: index + 1 }, ask),
    ),
  );
  return [...first.map(({ answer }) => answer), ...(await Promise.all(others))];
}

function callPart<T>(
  env: Env,
  part: CatalogPart,
  call: (catalog: CatalogRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the catalogue", () => call(env.CATALOG.getByName(nameOf(part))));
}

function directoryOf(env: Env): DirectoryRpc {
  return env.DIRECTORY.getByName(DIRECTORY);
}
