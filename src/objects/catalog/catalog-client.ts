/**
 * The client of the catalog. Runs report their summaries through this file. Lists, counts, changes
 * and metrics are put together from the objects of one task or of all tasks.
 */
import {
  byPlace,
  type RunFilter,
  type RunPlace,
  type RunSummary,
} from "../../domain/run/summary.ts";
import { callWithRetries } from "../../platform/calls.ts";
import { joinGroups, type FailureGroup } from "./failure-groups.ts";
import { addStatistics } from "./run-statistics.ts";
import { nameOf } from "./catalog-name.ts";
import type { CatalogPart } from "./catalog-controller.ts";
import type {
  CatalogRpc,
  Change,
  TaskDirectoryRpc,
  MetricsAnswer,
  RecordAnswer,
  RunStatistics,
  StatisticsQuery,
} from "./catalog-rpc.ts";
import { shardFor, type DatedShardMap } from "./shard-map.ts";
import { addCounts, NO_RUNS, type RunCounts } from "./run-counts.ts";

/** Filter of a list, a count or a stream of changes. */
export interface RunQuery extends RunFilter {
  /** The root task; absent: any. */
  readonly task?: string;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  /**
   * Pass as `after` for the next page; null at the end. A page that is not the last may hold fewer
   * runs than `limit`.
   */
  readonly end: RunPlace | null;
}

const TASK_DIRECTORY = "task-directory";

/** Shard maps by task, as this isolate last received them. */
const knownMaps = new Map<string, DatedShardMap>();

/**
 * Reports a run to the catalog. True once the summary is durable. Rejects if the catalog cannot be
 * reached.
 */
export async function recordRun(env: Env, summary: RunSummary, keep: boolean): Promise<boolean> {
  const { task, createdAt } = summary;
  const record = (shard: number): Promise<RecordAnswer> =>
    callPart(env, { task, shard }, (catalog) => catalog.record(summary, keep));
  const known = knownMaps.get(task);
  const answer = await record(
    known !== undefined && createdAt < known.until ? shardFor(known.shardMap, summary) : 0,
  );
  if (typeof answer === "boolean") return answer;
  knownMaps.set(task, answer);
  // The object that a route leads to records every run.
  return (await record(shardFor(answer.shardMap, summary))) === true;
}

/** Registers the task with the task directory. */
export async function registerTask(env: Env, task: string): Promise<void> {
  await callWithRetries("the task directory", () => taskDirectoryOf(env).register(task));
}

/** Returns the root tasks that have, or had, runs. */
export async function listedTasks(env: Env): Promise<readonly string[]> {
  return callWithRetries("the task directory", () => taskDirectoryOf(env).tasks());
}

/** Finds runs, newest first. The place of a run never changes, so pages show each run once. */
export async function findRuns(
  env: Env,
  query: RunQuery,
  after: RunPlace | null,
  limit: number,
): Promise<RunPage> {
  const { task, ...filter } = query;
  const answers = await everywhere(env, task, (catalog) => catalog.list(filter, after, limit));
  // A shard that stopped early may have more runs before the next run of another shard: the page
  // ends at the earliest stop.
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

/** Counts runs by status. */
export async function countRuns(env: Env, { task, ...filter }: RunQuery): Promise<RunCounts> {
  const answers = await everywhere(env, task, (catalog) => catalog.count(filter));
  return answers.reduce((sum, { counts }) => addCounts(sum, counts), NO_RUNS);
}

/**
 * Returns changes since that time, earliest first, and the time up to which the changes are
 * complete. With null: no changes, only the time to start from. A change may be returned twice.
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

/** Returns the counters of each task, and the number of runs that are not final. */
export async function runMetrics(env: Env): Promise<readonly MetricsAnswer[]> {
  return everywhere(env, undefined, (catalog) => catalog.metrics());
}

/** Groups the runs with a failure since then; the largest group comes first. */
export async function failureGroups(
  env: Env,
  task: string | undefined,
  since: number,
): Promise<readonly FailureGroup[]> {
  const answers = await everywhere(env, task, (catalog) => catalog.failures(since));
  return joinGroups(answers.flatMap(({ groups }) => groups));
}

/** Returns the statistics of each root task with runs. */
export async function runStatistics(
  env: Env,
  task: string | undefined,
  query: StatisticsQuery,
): Promise<ReadonlyMap<string, RunStatistics>> {
  const answers = await everywhere(env, task, (catalog) => catalog.statistics(query));
  const byTask = new Map<string, RunStatistics>();
  for (const { task: name, statistics } of answers) {
    const known = byTask.get(name);
    byTask.set(name, known === undefined ? statistics : addStatistics(known, statistics));
  }
  return byTask;
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
  return callWithRetries("the catalog", () => call(env.CATALOG.getByName(nameOf(part))));
}

function taskDirectoryOf(env: Env): TaskDirectoryRpc {
  return env.TASK_DIRECTORY.getByName(TASK_DIRECTORY);
}
