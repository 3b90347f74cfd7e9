/**
 * `peach cancel`, `retry` and `replay`: changes runs by their ids, or all runs that match a filter.
 * A filter first counts the runs and asks: nothing is changed unseen.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { BulkResult, RunFilter } from "../../client/client.ts";
import {
  defineCommand,
  UsageError,
  type Command,
  type ExitCode,
  type Option,
  type CommandHost,
  type Values,
} from "../command.ts";
import {
  connect,
  DEPLOYMENT_OPTIONS,
  type AnyClient,
  type DeploymentValues,
} from "../deployment.ts";
import { FILTER_OPTIONS, readFilter, readNumber } from "../filter-options.ts";
import { PAYLOAD_OPTIONS, readPayload } from "../payload-options.ts";
import { displayPath } from "../../compiler/project-paths.ts";
import { recordingAt, writeRecordedRun } from "../../testing/recorded-run.ts";
import { recordRun } from "../record-run.ts";
import { replayLocally } from "../replay-local.ts";
import { runIdOf } from "../run-argument.ts";
import { partialFailureOf } from "../partial-failure.ts";
import { type ListColumn, listLines, statusCell } from "../table.ts";

type Action = "cancel" | "retry" | "replay";

/** The maximum number of runs in a call of the API. */
const PAGE = 500;
const MAX_LIMIT = 100_000;
const DEFAULT_LIMIT = 1_000;
/** The number of matching runs to show before the question. */
const SHOWN = 10;

const BULK_OPTIONS = {
  ...FILTER_OPTIONS,
  limit: {
    takes: "N",
    help: `at most so many runs of a filter, 1 to ${MAX_LIMIT} (default ${DEFAULT_LIMIT})`,
  },
  "dry-run": { help: "only says which runs of the filter it would change" },
  yes: { help: "does not ask before it changes the runs of a filter" },
} as const;

type BulkValues = DeploymentValues &
  Values<typeof BULK_OPTIONS & { readonly json: typeof JSON_OPTION }>;

/** The result for one run. */
interface Outcome {
  readonly run_id: string;
  readonly result: string;
  readonly new_run_id?: string;
  readonly code?: string;
  readonly detail?: string;
}

const JSON_HELP =
  'by id {"runs": [{"run_id", "result", "new_run_id", "code", "detail"}]}; by filter also ' +
  '"matched", "changed"';
const WORDS = [{ name: "RUN", means: "run", optional: true, several: true }] as const;
const JSON_OPTION: Option = { help: JSON_HELP };

/** `peach cancel RUN...` */
export const cancel: Command = defineCommand({
  name: "cancel",
  summary: "cancels runs",
  description: describe(
    "Cancels runs that are not final; running attempts are told through their signal.",
  ),
  words: WORDS,
  options: {
    children: { help: "also the runs that they triggered, and theirs" },
    ...BULK_OPTIONS,
    ...DEPLOYMENT_OPTIONS,
    json: JSON_OPTION,
  },
  run({ options, words }, host) {
    const { children = false } = options;
    const { signal } = host;
    if (children && words.length === 0)
      throw new UsageError("--children is for runs that are named");
    return steer("cancel", options, words, host, async (peach, runId) => {
      await peach.runs.cancel(runId, { children: children || undefined, signal });
      return { run_id: runId, result: "cancelled" };
    });
  },
});

/** `peach retry RUN...` */
export const retry: Command = defineCommand({
  name: "retry",
  summary: "runs again what failed in runs, and what did not run because of it",
  description: describe(
    "Runs again, in the same run, what failed and what did not run because of it; what " +
      "succeeded is kept.",
  ),
  words: WORDS,
  options: { ...BULK_OPTIONS, ...DEPLOYMENT_OPTIONS, json: JSON_OPTION },
  run({ options, words }, host) {
    const { signal } = host;
    return steer("retry", options, words, host, async (peach, runId) => {
      await peach.runs.retry(runId, { signal });
      return { run_id: runId, result: "retried" };
    });
  },
});

/** `peach replay RUN...` */
export const replay: Command = defineCommand({
  name: "replay",
  summary: "starts new runs that repeat runs",
  description: describe(
    "Starts a new run with the payload of an old one, or with another, or from one of its " +
      "tasks on with the recorded inputs.",
  ),
  words: WORDS,
  options: {
    from: { takes: "TASK", means: "task", help: "from this task on; for runs that are named" },
    local: {
      help: "runs it in this process, starts nothing elsewhere, and shows what differs; exits with 1 then",
    },
    inspect: {
      help: "with --local: waits for a debugger on port 9229, or on the port that it names if that is taken",
    },
    save: {
      takes: "FILE",
      means: "file",
      help: "writes the run with its payloads to this file, for load() of peach/testing, and starts nothing",
    },
    force: { help: "with --save: replaces a file that is there" },
    ...PAYLOAD_OPTIONS,
    ...BULK_OPTIONS,
    task: { takes: "TASK", means: "task", help: "of a filter; with --local, the only task to run" },
    ...DEPLOYMENT_OPTIONS,
    json: JSON_OPTION,
  },
  async run({ options, words }, host) {
    const { from, save, local = false, inspect = false, force = false } = options;
    const { signal } = host;
    if (inspect && !local) throw new UsageError("--inspect is for --local");
    if (force && save === undefined) throw new UsageError("--force is for --save");
    if (local || save !== undefined) return recordOne(words, options, host);
    const given = await readPayload(options, host);
    if (words.length === 0 && (from !== undefined || given !== null))
      throw new UsageError("--from and a payload are for runs that are named");
    return steer("replay", options, words, host, async (peach, runId) => {
      const { payload, contentType } = given ?? {};
      const { run_id } = await peach.runs.replay(runId, { from, payload, contentType, signal });
      return { run_id: runId, result: "replayed", new_run_id: run_id };
    });
  },
});

interface RecordValues extends DeploymentValues {
  readonly save?: string | undefined;
  readonly force?: boolean | undefined;
  readonly local?: boolean | undefined;
  readonly task?: string | undefined;
  readonly inspect?: boolean | undefined;
}

/** Records a run: saves it to a file, runs it locally, or both. */
async function recordOne(
  runIds: readonly string[],
  { save, force = false, local = false, task, inspect = false, ...deployment }: RecordValues,
  host: CommandHost,
): Promise<ExitCode> {
  const [given, ...others] = runIds;
  if (given === undefined || others.length > 0)
    throw new UsageError("--local and --save are for one run");
  const present = save === undefined || force ? [] : recordingAt(resolve(host.cwd, save));
  if (present.length > 0) {
    const names = present.map((path) => displayPath(path)).join(", ");
    host.err(`${names} would be replaced: choose another file, or add --force`);
    return 1;
  }
  const peach = connect(deployment, host);
  const runId = await runIdOf(peach, given, host.signal);
  const recorded = await recordRun(peach, runId, host.signal);
  const folder = save === undefined ? mkdtempSync(join(tmpdir(), "peach-replay-")) : null;
  try {
    const path = folder === null ? resolve(host.cwd, save ?? "") : join(folder, "run.json");
    const [file = path, ...payloads] = writeRecordedRun(path, recorded);
    const count = payloads.length === 0 ? "" : `, with ${payloads.length} payloads beside it`;
    if (folder === null)
      host.out(`${displayPath(file)}: ${runId}, ${recorded.tasks.length} tasks${count}`);
    return local ? await replayLocally({ file, task, inspect }, host) : 0;
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}

function describe(what: string): string {
  return `${what} Names runs by their ids, or chooses them by a filter: then it says how many there are and asks, unless --yes is given.
Exits with 1 if a run refuses.`;
}

/** Changes runs by id, or by filter if no id is given. */
async function steer(
  action: Action,
  options: BulkValues,
  runIds: readonly string[],
  host: CommandHost,
  act: (peach: AnyClient, runId: string) => Promise<Outcome>,
): Promise<ExitCode> {
  const filter = readFilter(options, Date.now());
  if (filter === null && runIds.length === 0)
    throw new UsageError(
      `name the runs to ${action}, or choose them: --task, --status, --source, --since, --until`,
    );
  if (filter !== null && runIds.length > 0)
    throw new UsageError("name runs, or choose them by a filter, not both");
  const peach = connect(options, host);
  if (filter !== null) return steerMany(action, filter, options, peach, host);
  const outcomes: Outcome[] = [];
  const named = await Promise.all(runIds.map((given) => runIdOf(peach, given, host.signal)));
  for (const runId of named) {
    const outcome = await act(peach, runId).catch((error: unknown) => {
      return { run_id: runId, result: "refused", ...partialFailureOf(error, runIds) };
    });
    outcomes.push(outcome);
    if (options.json !== true) host.out(outcomeText(outcome));
  }
  if (options.json === true) host.out(JSON.stringify({ runs: outcomes }, null, 2));
  return outcomes.some(({ result }) => result === "refused") ? 1 : 0;
}

/** Changes the runs of a filter: counts them by a dry run, asks, and then acts. */
async function steerMany(
  action: Action,
  filter: RunFilter,
  options: BulkValues,
  peach: AnyClient,
  host: CommandHost,
): Promise<ExitCode> {
  const { "dry-run": isDry = false, yes = false, json = false } = options;
  const limit = readNumber("limit", options.limit, 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
  const { out, err, terminal, signal } = host;
  if (isDry || !yes) {
    const planned = await allPages(action, filter, limit, true, peach, signal);
    // A dry run changes nothing, so `changed` would be 0.
    const willing = planned.runs.filter(({ result }) => result !== "refused").length;
    const count = willing === 1 ? "1 run" : `${willing} runs`;
    if (isDry || willing === 0) {
      if (json) out(JSON.stringify(planned, null, 2));
      else
        out(
          [
            ...outcomeTable(planned.runs, terminal),
            `would ${action} ${count} of ${planned.matched} that match`,
          ].join("\n"),
        );
      // Runs that match and refuse are a failure, unless only their number was asked for.
      return isDry || planned.matched === 0 ? 0 : 1;
    }
    for (const line of outcomeTable(planned.runs.slice(0, SHOWN), terminal)) err(line);
    if (planned.runs.length > SHOWN) err(`... and ${planned.runs.length - SHOWN} more`);
    const answer = await host.ask(`${action} ${count}? [y/N] `);
    if (answer === null)
      throw new UsageError(
        `nobody is here to ask whether to ${action} ${count}: --yes does not ask`,
      );
    if (!/^y(es)?$/i.test(answer.trim())) {
      err("nothing was changed");
      return 1;
    }
  }
  const done = await allPages(action, filter, limit, false, peach, signal);
  const refused = done.runs.filter(({ result }) => result === "refused").length;
  if (json) out(JSON.stringify(done, null, 2));
  else
    out(
      [
        ...outcomeTable(done.runs, terminal),
        `${done.changed} of ${done.matched} changed, ${refused} refused`,
      ].join("\n"),
    );
  return refused === 0 ? 0 : 1;
}

/** Calls page by page and adds the results up. */
async function allPages(
  action: Action,
  filter: RunFilter,
  limit: number,
  dryRun: boolean,
  peach: AnyClient,
  signal: AbortSignal,
): Promise<Omit<BulkResult, "next_cursor">> {
  const runs: BulkResult["runs"][number][] = [];
  let matched = 0;
  let changed = 0;
  let cursor: string | null | undefined;
  while (cursor !== null && matched < limit) {
    const size = Math.min(PAGE, limit - matched);
    const page = await peach.runs.bulk(action, filter, { dryRun, limit: size, cursor, signal });
    runs.push(...page.runs);
    matched += page.matched;
    changed += page.changed;
    cursor = page.next_cursor;
  }
  return { dry_run: dryRun, matched, changed, runs };
}

function outcomeText({ run_id: runId, result, new_run_id: newId, detail }: Outcome): string {
  return [runId, result, newId === undefined ? "" : `as ${newId}`, detail ?? ""]
    .filter((part) => part !== "")
    .join(" ");
}

const OUTCOME_COLUMNS: readonly ListColumn<BulkResult["runs"][number]>[] = [
  ["run", (run) => run.run_id],
  ["task", (run) => run.task, "shrinks"],
  ["status", (run) => statusCell(run.status)],
  ["result", (run) => run.result],
  ["", (run) => run.new_run_id ?? run.detail ?? "", "shrinks"],
];

function outcomeTable(runs: BulkResult["runs"], terminal: CommandHost["terminal"]): string[] {
  return runs.length === 0 ? [] : listLines(runs, OUTCOME_COLUMNS, terminal);
}
