/** Finds the unfinished runs of a deployment, and the effect that a deploy would have on them. */
import { printable } from "../compiler/printable.ts";
import type { RunDocument } from "../client/client.ts";
import type { AnyClient } from "./deployment.ts";

/** The maximum number of runs to read, newest first: one page, and one call per run. */
const MOST_RUNS = 200;
/** The number of simultaneous calls. */
const AT_ONCE = 8;

/** The unfinished runs. */
export interface LiveRuns {
  /** The number of runs that were read. `more` is true if there are further runs. */
  readonly open: number;
  readonly more: boolean;
  /** Runs by root task and version of peach.conf. A run keeps the graph of its version. */
  readonly groups: readonly {
    readonly conf_version: string;
    readonly task: string;
    readonly runs: number;
  }[];
  /**
   * Unfinished tasks whose function is no longer exported: the tasks will wait for a deploy with
   * the function.
   */
  readonly will_wait: readonly {
    readonly task: string;
    readonly method: string;
    readonly runs: readonly string[];
  }[];
  /** Tasks that already wait for a deploy. `helped` is true if this deploy has their function. */
  readonly waiting: readonly {
    readonly run_id: string;
    readonly task: string;
    readonly method: string;
    readonly until: string;
    readonly helped: boolean;
  }[];
}

/**
 * Reads the unfinished runs. `methods` are the methods of the deployed tasks by name; `isExported`
 * tests the pipelines to deploy.
 */
export async function findLiveRuns(
  peach: AnyClient,
  methods: ReadonlyMap<string, string>,
  isExported: (method: string) => boolean,
  signal: AbortSignal,
): Promise<LiveRuns> {
  const page = await peach.runs.list({ status: ["queued", "running"], limit: MOST_RUNS, signal });
  const documents = await readAll(peach, [...page.runs], signal);
  const groups = new Map<string, LiveRuns["groups"][number]>();
  const willWait = new Map<string, LiveRuns["will_wait"][number]>();
  const waiting: LiveRuns["waiting"][number][] = [];
  for (const { run_id, conf_version, task, tasks } of documents) {
    const key = `${conf_version} ${task}`;
    groups.set(key, { conf_version, task, runs: (groups.get(key)?.runs ?? 0) + 1 });
    for (const { task: name, status, waiting_for: waits } of tasks) {
      if (waits?.for === "deploy") {
        const { method, until } = waits;
        waiting.push({ run_id, task: name, method, until, helped: isExported(method) });
        continue;
      }
      const method = methods.get(name);
      if (method === undefined || ENDED.has(status) || isExported(method)) continue;
      const { runs = [] } = willWait.get(name) ?? {};
      willWait.set(name, { task: name, method, runs: [...runs, run_id] });
    }
  }
  return {
    open: documents.length,
    more: page.next_cursor !== null,
    groups: [...groups.values()],
    will_wait: [...willWait.values()],
    waiting,
  };
}

const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "skipped", "cancelled"]);

/** Reads the runs that are still unfinished, in any order. */
async function readAll(
  peach: AnyClient,
  runs: { readonly run_id: string }[],
  signal: AbortSignal,
): Promise<RunDocument[]> {
  const found: RunDocument[] = [];
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
      const document = await peach.runs.get(run.run_id, { signal });
      // The run may have ended since it was listed.
      if (document.finished_at === null) found.push(document);
    }
  });
  await Promise.all(lanes);
  return found;
}

/** Renders the runs for people; empty without runs. */
export function liveRunLines(live: LiveRuns): string[] {
  const { open, more, groups, will_wait: willWait, waiting } = live;
  if (open === 0) return [];
  return [
    "",
    `live runs: ${open}${more ? " (the newest; there are more)" : ""}, which keep the graph ` +
      `that they were accepted with`,
    ...groups.map(
      ({ conf_version: version, task, runs }) =>
        `  ${runs} of ${printable(task)}, peach.conf ${version}`,
    ),
    ...willWait.map(
      ({ task, method, runs }) =>
        `  ! ${printable(task)}: ${printable(method)} is exported no more; ${runs.length} of ` +
        `them will wait for a deploy that has it`,
    ),
    ...waiting.map(({ run_id: runId, task, method, until, helped }) =>
      helped
        ? `  ${printable(task)} of ${runId} waits for ${printable(method)}, and goes on with ` +
          `this deploy`
        : `  ! ${printable(task)} of ${runId} waits for ${printable(method)}, which this ` +
          `deploy does not have, until ${until}`,
    ),
  ];
}
