/** Renders runs as texts and tables. */
import { printable } from "../compiler/printable.ts";
import type { HistoryEntry, RunDocument, RunSummary, TaskOfRun } from "../client/client.ts";
import type { Terminal } from "./command.ts";
import {
  durationText,
  type ListColumn,
  listLines,
  paint,
  sizeText,
  statusCell,
  statusColour,
  timeText,
} from "./table.ts";
import { PEACH } from "../compiler/peach-command.ts";

const BAR_WIDTH = 20;
/** Reasons that add nothing to status and error. */
const OBVIOUS: ReadonlySet<string> = new Set(["error", "cancelled"]);
const FINAL = new Set(["succeeded", "failed", "skipped", "cancelled"]);

/** Tests if a status of a task or run is final. */
export function isFinal(status: string): boolean {
  return FINAL.has(status);
}

/** Columns of a list of runs. */
export const RUN_COLUMNS: readonly ListColumn<RunSummary>[] = [
  ["run", (run) => run.run_id],
  ["task", (run) => run.task, "shrinks"],
  ["status", (run) => statusCell(run.waiting === undefined ? run.status : "waiting")],
  ["source", (run) => run.source],
  ["by", (run) => run.by, "shrinks"],
  ["created", (run) => timeText(run.created_at)],
  ["took", (run) => durationText(run.duration_ms)],
  ["why", whyOf, "shrinks"],
];

/** Says what failed first in a run, or which task waits; empty for a run in order. */
function whyOf({ problem, failed_tasks, error, waiting: [wait] = [] }: RunSummary): string {
  if (problem !== undefined) return problem;
  if (failed_tasks.length > 0 && error !== null) {
    const others = failed_tasks.length - 1;
    const name = error.name === "Error" ? "" : `${error.name}: `;
    return `${error.task}: ${name}${error.message}${others === 0 ? "" : `; ${others} more failed`}`;
  }
  if (failed_tasks.length > 0 || wait === undefined) return failed_tasks.join(", ");
  return `${wait.task} waits ${WAITS[wait.for]} ${timeText(wait.until)}`;
}

/** The kinds of waits in words, in front of the time at which the wait ends. */
const WAITS = {
  completion: "to be completed until",
  run: "for another run until",
  time: "for its next attempt at",
} as const;

/**
 * Renders a run: its facts, tasks, failures, child runs and completion URLs. `input`: the payload
 * of the trigger, if known.
 */
export function runLines(
  run: RunDocument,
  now: number,
  terminal: Terminal,
  input: string | null = null,
): string[] {
  const { trigger } = run;
  const parent = trigger.parent === null ? "" : `, of ${trigger.parent.run_id}`;
  const replayed = trigger.replay_of ?? null;
  const { waited, rounds, history, tags, late } = toldBy(run);
  const facts: readonly (readonly [string, string])[] = [
    ["run", run.run_id],
    ["task", run.task],
    ["status", paint(run.status, statusColour(run.status), terminal) + (late ? ", late" : "")],
    ["trigger", printable(`${trigger.source} by ${trigger.by}${parent}`)],
    ...(replayed === null
      ? []
      : [
          [
            "replay of",
            `${replayed.run_id}${replayed.from === null ? "" : ` from ${replayed.from}`}`,
          ] as const,
        ]),
    ...(tags.length > 0 ? [["tags", printable(tags.join(", "))] as const] : []),
    ["created", timeText(run.created_at)],
    [
      "took",
      run.duration_ms === null
        ? `${durationText(sinceStart(run, now))} so far`
        : durationText(run.duration_ms),
    ],
    ...(waited > 0 ? [["waited", durationText(waited)] as const] : []),
    ...(rounds > 1 ? [["rounds", String(rounds)] as const] : []),
    ["peach.conf", run.conf_version],
    ...(input === null ? [] : [["input", input] as const]),
  ];
  return [
    ...facts.map(([name, text]) => `${name.padEnd(12)}${text}`),
    "",
    ...taskTable(run.tasks, now, terminal),
    ...prefixed("", history.slice(1).map(historyLine)),
    ...prefixed("", failureLines(run, terminal)),
    ...prefixed(
      "",
      run.children.map((child) => `triggered ${child.task}: ${child.run_id}`),
    ),
    ...prefixed(
      "",
      run.tasks.flatMap(({ task, completion_url: url }) =>
        url === undefined ? [] : `${task} waits at ${url}`,
      ),
    ),
  ];
}

/** Reads the fields of a run that an older deployment does not tell. */
function toldBy({
  waited_ms: waited = 0,
  rounds = 1,
  history = [],
  tags = [],
  late = false,
}: Partial<RunDocument>) {
  return { waited, rounds, history, tags, late };
}

/** Renders an action on the run: `retried 2026-11-22 10:05:00Z by ben`. */
function historyLine({ what, at, by, task }: HistoryEntry): string {
  const who = by === null ? "" : ` by ${printable(by)}`;
  return `${what}${task === undefined ? "" : ` ${task}`} ${timeText(at)}${who}`;
}

/** Renders each failed task with its last error. */
export function failureLines(run: RunDocument, terminal: Terminal): string[] {
  const failed = run.tasks.filter(({ status }) => status === "failed");
  return failed.map(({ task, reason, attempts }) => {
    const error = attempts.findLast((attempt) => attempt.error !== null)?.error ?? null;
    const why =
      error === null ? "no error was recorded" : printable(`${error.name}: ${error.message}`);
    return `${paint(task, "red", terminal)} ${reason === null || OBVIOUS.has(reason) ? "failed" : `failed (${reason})`}: ${why}`;
  });
}

/** Renders the stack of each failed task, the end of the log, and the commands that tell more. */
export function stackLines(
  { run_id: runId, tasks }: RunDocument,
  logs: readonly string[],
): string[] {
  const failed = tasks.filter(({ status }) => status === "failed");
  const stacks = failed.flatMap(({ task, attempts }) => {
    const stack = attempts.findLast(({ error }) => error !== null)?.error?.stack ?? "";
    const frames = stack.split("\n").filter((line) => /^ +at /.test(line));
    return frames.length === 0 ? [] : [`stack of ${task}`, ...frames.map(printableFrame)];
  });
  if (failed.length === 0) return [];
  return [
    ...prefixed("", stacks),
    ...logs,
    "",
    `logs    ${PEACH} logs ${runId}`,
    `input   ${PEACH} payload ${runId}`,
    `again   ${PEACH} retry ${runId}`,
  ];
}

function printableFrame(line: string): string {
  return `  ${printable(line.trim())}`;
}

/** Renders the state of a task: attempts, time, progress, items, and the reason for waiting. */
export function taskDetail(task: TaskOfRun, now: number): string {
  const { attempts, progress, each, waiting_for: waiting, status, reason } = task;
  const parts = [
    reason === null || OBVIOUS.has(reason) ? "" : `(${reason})`,
    attempts.length > 1 ? `${attempts.length} attempts` : "",
    attempts.length === 0 ? "" : durationText(spentMs(task, now)),
    each === undefined
      ? ""
      : `${bar((each.succeeded + each.failed) / Math.max(1, each.total))} ${itemText(each)}`,
    progress === null || isFinal(status)
      ? ""
      : `${bar(progress.fraction)} ${Math.round(progress.fraction * 100)}%${progress.message === null ? "" : ` ${printable(progress.message)}`}`,
    waiting === undefined || waiting === null ? "" : waitingText(waiting),
  ];
  return parts.filter((part) => part !== "").join("  ");
}

function taskTable(tasks: readonly TaskOfRun[], now: number, terminal: Terminal): string[] {
  const columns: readonly ListColumn<TaskOfRun>[] = [
    ["task", ({ task }) => task, "shrinks"],
    ["status", ({ status }) => statusCell(status)],
    ["after", ({ upstream }) => upstream.join(", "), "shrinks"],
    ["detail", (task) => taskDetail(task, now), "shrinks"],
    ["passed", ({ output }) => (output === null ? "" : `${output.kind}, ${sizeText(output.size)}`)],
  ];
  return listLines(tasks, columns, terminal);
}

/** Renders a progress bar: `███░░░` */
function bar(fraction: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_WIDTH);
  return "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
}

function itemText({ total, succeeded, failed, running }: NonNullable<TaskOfRun["each"]>): string {
  const others = [
    failed === 0 ? "" : `${failed} failed`,
    running === 0 ? "" : `${running} running`,
  ];
  return [`${succeeded} of ${total} items`, ...others.filter((text) => text !== "")].join(", ");
}

function waitingText(waiting: NonNullable<TaskOfRun["waiting_for"]>): string {
  switch (waiting.for) {
    case "completion":
      return waiting.until === null
        ? "waits for its completion"
        : `waits for its completion until ${timeText(waiting.until)}`;
    case "run":
      return `waits for ${waiting.task} (${waiting.run_id})`;
    case "concurrency":
    case "rate_limit":
      return `held back by ${waiting.for.replace("_", " ")}${waiting.key === null ? "" : ` of ${printable(waiting.key)}`}`;
    case "pause":
      return "is paused";
    case "deploy":
      return `waits for a deploy that has ${printable(waiting.method)}, until ${timeText(waiting.until)}`;
  }
}

function spentMs({ attempts }: TaskOfRun, now: number): number {
  return attempts.reduce((sum, { started_at: start, finished_at: end }) => {
    return sum + Math.max(0, (end === null ? now : Date.parse(end)) - Date.parse(start));
  }, 0);
}

function sinceStart(run: RunDocument, now: number): number | null {
  return run.started_at === null ? null : now - Date.parse(run.started_at);
}

function prefixed(first: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [first, ...lines];
}
