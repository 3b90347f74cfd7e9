/** Which runs are under way on a deployment, and what a deploy of these pipelines does to them. */
import type { RunDocument } from "../client/client.ts";
import type { AnyClient } from "./deployment.ts";
import { printable } from "./table.ts";

/** The newest ones are looked at: one page, and a call for each. */
const MOST_RUNS = 200;
const AT_ONCE = 8;

export interface LiveRuns {
  /** Runs that were looked at, the newest; `more`: there are others. */
  readonly open: number;
  readonly more: boolean;
  /** Runs of one root task that were accepted under one peach.conf. They keep their graph. */
  readonly groups: readonly {
    readonly conf_version: string;
    readonly task: string;
    readonly runs: number;
  }[];
  /** Tasks that have not ended in some of them, and whose function is exported no more: there they will wait for a deploy. */
  readonly will_wait: readonly {
    readonly task: string;
    readonly method: string;
    readonly runs: readonly string[];
  }[];
  /** Tasks that wait for a deploy already; `helped`: this one has their function. */
  readonly waiting: readonly {
    readonly run_id: string;
    readonly task: string;
    readonly method: string;
    readonly until: string;
    readonly helped: boolean;
  }[];
}

/** `methods`: of the deployed tasks, by name. `isExported`: by the pipelines that are to be deployed. */
export async function findLiveRuns(
  peach: AnyClient,
  methods: ReadonlyMap<string, string>,
  isExported: (method: string) => boolean,
  signal: AbortSignal,
): Promise<LiveRuns> {
  const page = await peach.runs.list({ status: ["queued", "running"], limit: MOST_RUNS, signal });
  const documents = await readAll(peach, [...page.runs], signal);
  const groups = new Map<string, { conf_version: string; task: string; runs: number }>();
  const willWait = new Map<string, { task: string; method: string; runs: string[] }>();
  for (const { run_id: runId, conf_version: confVersion, task, tasks } of documents) {
    const group = groups.get(`${confVersion} ${task}`) ?? {
      conf_version: confVersion,
      task,
      runs: 0,
    };
    groups.set(`${confVersion} ${task}`, { ...group, runs: group.runs + 1 });
    for (const { task: name, status, waiting_for: waitingFor } of tasks) {
      const method = methods.get(name);
      if (
        method === undefined ||
        ENDED.has(status) ||
        waitingFor?.for === "deploy" ||
        isExported(method)
      )
        continue;
      const known = willWait.get(name) ?? { task: name, method, runs: [] };
      willWait.set(name, { ...known, runs: [...known.runs, runId] });
    }
  }
  const waiting = documents.flatMap(({ run_id: runId, tasks }) =>
    tasks.flatMap(({ task, waiting_for: waits }) =>
      waits?.for === "deploy"
        ? [
            {
              run_id: runId,
              task,
              method: waits.method,
              until: waits.until,
              helped: isExported(waits.method),
            },
          ]
        : [],
    ),
  );
  const more = page.next_cursor !== null;
  return {
    open: documents.length,
    more,
    groups: [...groups.values()],
    will_wait: [...willWait.values()],
    waiting,
  };
}

const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "skipped", "cancelled"]);

/** The runs that are still there, in no order. */
async function readAll(
  peach: AnyClient,
  runs: { readonly run_id: string }[],
  signal: AbortSignal,
): Promise<RunDocument[]> {
  const found: RunDocument[] = [];
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
      const document = await peach.runs.get(run.run_id, { signal });
      // It may have ended since it was listed.
      if (document.finished_at === null) found.push(document);
    }
  });
  await Promise.all(lanes);
  return found;
}

/** For people. Nothing if there are none. */
export function liveRunLines({
  open,
  more,
  groups,
  will_wait: willWait,
  waiting,
}: LiveRuns): string[] {
  if (open === 0) return [];
  return [
    "",
    `live runs: ${open}${more ? " (the newest; there are more)" : ""}, which keep the graph that they were accepted with`,
    ...groups.map(
      ({ conf_version: version, task, runs }) =>
        `  ${runs} of ${printable(task)}, peach.conf ${version}`,
    ),
    ...willWait.map(
      ({ task, method, runs }) =>
        `  ! ${printable(task)}: ${printable(method)} is exported no more; ${runs.length} of them will wait for a deploy that has it`,
    ),
    ...waiting.map(({ run_id: runId, task, method, until, helped }) =>
      helped
        ? `  ${printable(task)} of ${runId} waits for ${printable(method)}, and goes on with this deploy`
        : `  ! ${printable(task)} of ${runId} waits for ${printable(method)}, which this deploy does not have, until ${until}`,
    ),
  ];
}
