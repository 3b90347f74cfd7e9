/**
 * Holds what was seen from outside against what Peach promises. Pure: a history in, violations out.
 *
 * What a task did may have been done more than once (a kill takes the attempt, not its effects); what it passed is accepted
 * once, and only that is ever read.
 */
import { crowdsOf } from "./at-once.ts";
import { KINDS, type Kind } from "./kinds.ts";
import { ofItems, type ItemReport } from "./item-verdict.ts";
import type { FollowedRun, History, Report, RunDocument, TaskDocument } from "./history.ts";

/**
 * - `lost_run`: it was accepted, and is not there.
 * - `unread_run`: it was deleted before it was read: nobody can tell how it ended.
 * - `stuck_run`: it is not final.
 * - `wrong_end`: run or task ended otherwise than it had to.
 * - `changed_after_end`: it was read as final, and later as something else.
 * - `not_accepted_once`: a task that succeeded has not exactly one attempt that did.
 * - `failed_too_often`: an attempt threw that did not have to.
 * - `missing_effect`: the accepted attempt did not do its work.
 * - `effect_after_success`: an attempt started after its task was seen succeeded, or its run final.
 * - `doubled_step`: a step was done again after a later one of its task had begun, so after it was recorded.
 * - `doubled_attempt`: one attempt was executed twice.
 * - `too_many_at_once`: more attempts of a limited task ran at once than its `concurrency` allows.
 * - `unknown_attempt`: an attempt was executed that the run does not know.
 * - `wrong_read`: a task read something else than its upstream task's accepted attempt passed, or the trigger carried.
 * - `wrong_items`: a task that runs once per item has lost one, or has passed what no accepted attempt of it did, or not in its order.
 * - `early_start`: a task started before an upstream task had ended.
 * - `doubled_run`: one trigger became several runs.
 * - `not_deleted`: it is there after its retention.
 * - `leftover_object`: a payload object that nothing points at.
 * - `leftover_state`: an object of a run holds something after its retention.
 * - `wrong_list`: the list did not have the run as it had ended.
 * - `refused`: a client got an answer that it should not.
 */
export type Rule =
  | "lost_run"
  | "unread_run"
  | "stuck_run"
  | "wrong_end"
  | "changed_after_end"
  | "not_accepted_once"
  | "failed_too_often"
  | "missing_effect"
  | "effect_after_success"
  | "doubled_step"
  | "doubled_attempt"
  | "too_many_at_once"
  | "unknown_attempt"
  | "wrong_read"
  | "wrong_items"
  | "early_start"
  | "doubled_run"
  | "not_deleted"
  | "leftover_object"
  | "leftover_state"
  | "wrong_list"
  | "refused";

export interface Violation {
  readonly rule: Rule;
  readonly run: string | null;
  readonly task: string | null;
  /** What was found, and what had to be. */
  readonly detail: string;
}

type Start = Extract<Report, { event: "start" }> & { readonly at: number };
type End = Extract<Report, { event: "end" }> & { readonly at: number };
type Step = Extract<Report, { event: "step" }>;
type Child = Extract<Report, { event: "child" }>;

/** What the tasks of one run reported; `at` is the place among all reports. */
interface Reported {
  readonly starts: Start[];
  readonly ends: End[];
  readonly steps: Step[];
  readonly children: Child[];
  readonly items: ItemReport[];
}

/** Everything that is not as it has to be. */
export function violationsOf(history: History): Violation[] {
  const reported = byRun(history.reports);
  return [
    ...history.runs.flatMap((run) => ofRun(run, reported.get(run.runId) ?? NOTHING)),
    ...doubledRuns(history),
    ...leftoverObjects(history),
    ...tooManyAtOnce(history),
    ...leftoverState(history),
    ...history.wronglyListed.map((detail) => ({
      rule: "wrong_list" as const,
      run: null,
      task: null,
      detail,
    })),
    ...history.refusals.map((detail) => ({
      rule: "refused" as const,
      run: null,
      task: null,
      detail,
    })),
  ];
}

/** So long after its end an attempt may still put something into R2. */
const LATE_OUTPUT_MS = 1_000_000;

const NOTHING: Reported = { starts: [], ends: [], steps: [], children: [], items: [] };

function byRun(reports: readonly Report[]): Map<string, Reported> {
  const all = new Map<string, Reported>();
  for (const [at, report] of reports.entries()) {
    const of = all.get(report.run) ?? { starts: [], ends: [], steps: [], children: [], items: [] };
    all.set(report.run, of);
    if (report.event === "start") of.starts.push({ ...report, at });
    else if (report.event === "end") of.ends.push({ ...report, at });
    else if (report.event === "step") of.steps.push(report);
    else if (report.event === "child") of.children.push(report);
    else if (report.event === "made" || report.event === "item" || report.event === "joined")
      of.items.push(report);
  }
  return all;
}

function ofRun(run: FollowedRun, reported: Reported): Violation[] {
  const say = (rule: Rule, task: string | null, detail: string): Violation => ({
    rule,
    run: run.runId,
    task,
    detail,
  });
  // Its notification went with the kill: the platform's queue is durable, the local one is not.
  if (run.source === "announced" && run.lastRead === null && !run.heard) {
    return run.excused
      ? []
      : [say("lost_run", null, "its upload was stored and announced, and no run came of it")];
  }
  if (run.gone === "early")
    return [say("lost_run", null, `${run.source}, and answered 404 before its retention was over`)];
  if (run.gone === "unread")
    return [say("unread_run", null, `${run.source}, and gone before it was read as final`)];
  if (run.final === null)
    return [say("stuck_run", null, run.lastRead === null ? "never read" : describe(run.lastRead))];

  const { document } = run.final;
  const kind = KINDS.get(document.task);
  const found = [
    ...ofAttempts(run, document, reported, kind?.external, say),
    ...ofReads(run, document, reported, kind?.external, say),
    ...ofSteps(reported, say),
    ...ofItems(document, reported.items, kind?.failedItems).map(({ task, detail }) =>
      say("wrong_items", task, detail),
    ),
  ];
  if (kind !== undefined) found.push(...ofEnd(run, document, kind, say));
  if (run.later !== null && JSON.stringify(run.later) !== JSON.stringify(document))
    found.push(
      say("changed_after_end", null, `${describe(document)}; later ${describe(run.later)}`),
    );
  if (run.gone === "no")
    found.push(say("not_deleted", null, `it was final at ${document.finished_at}`));
  return found;
}

type Say = (rule: Rule, task: string | null, detail: string) => Violation;

function ofEnd(run: FollowedRun, document: RunDocument, kind: Kind, say: Say): Violation[] {
  if (document.status === "cancelled" && run.cancelled !== "no") return [];
  const found: Violation[] = [];
  const expected = run.cancelled === "accepted" ? "cancelled" : kind.status;
  if (document.status !== expected)
    found.push(say("wrong_end", null, `${describe(document)}; it had to be ${expected}`));
  const names = document.tasks.map(({ task }) => task);
  if (names.toSorted().join() !== [...kind.tasks].toSorted().join())
    found.push(say("wrong_end", null, `its tasks are ${names.join(", ")}`));
  for (const { task, status, reason, attempts } of document.tasks) {
    const due = kind.others[task] ?? "succeeded";
    if (status !== due)
      found.push(say("wrong_end", task, `it is ${status} (${reason}) and had to be ${due}`));
    const failures = attempts.filter((attempt) => attempt.status === "failed");
    const most = kind.failures[task] ?? 0;
    const errors = failures.map(({ error }) => `${error?.name}: ${error?.message}`).join("; ");
    if (failures.length > most)
      found.push(say("failed_too_often", task, `${failures.length}, ${most} by plan: ${errors}`));
  }
  return found;
}

function ofAttempts(
  run: FollowedRun,
  document: RunDocument,
  { starts, ends, children }: Reported,
  external: string | undefined,
  say: Say,
): Violation[] {
  const found: Violation[] = [];
  for (const task of document.tasks) {
    const accepted = task.attempts.filter(({ status }) => status === "succeeded");
    if (accepted.length !== (task.status === "succeeded" ? 1 : 0))
      found.push(
        say(
          "not_accepted_once",
          task.task,
          `it is ${task.status} with ${accepted.length} accepted attempts`,
        ),
      );
    // What gathers the items of a task is not its code.
    for (const { attempt } of task.each === undefined ? accepted : []) {
      if (
        !ends.some(
          (end) => end.task === task.task && (end.attempt === attempt || task.task === external),
        )
      )
        found.push(
          say("missing_effect", task.task, `attempt ${attempt} was accepted and reported nothing`),
        );
    }
  }
  const seen = new Set<string>();
  for (const { task, attempt, at } of starts) {
    const name = `${task}/${attempt}`;
    if (seen.has(name))
      found.push(say("doubled_attempt", task, `attempt ${attempt} started twice`));
    seen.add(name);
    const known = document.tasks.find((entry) => entry.task === task)?.attempts ?? [];
    if (!known.some((entry) => entry.attempt === attempt))
      found.push(
        say("unknown_attempt", task, `attempt ${attempt} started; the run knows ${known.length}`),
      );
    const succeededAt = run.succeededAt.get(task) ?? Number.POSITIVE_INFINITY;
    if (at >= succeededAt)
      found.push(say("effect_after_success", task, `attempt ${attempt} started after that`));
  }
  const told = new Set(children.map(({ run_id }) => run_id));
  const missing = [...told].filter((id) => !document.children.some(({ run_id }) => run_id === id));
  if (document.status === "succeeded" && missing.length > 0)
    found.push(say("wrong_end", null, `it does not list its child runs ${missing.join(", ")}`));
  return found;
}

function ofSteps({ steps }: Reported, say: Say): Violation[] {
  const last = new Map<string, number>();
  return steps.flatMap(({ task, attempt, step }) => {
    const latest = Math.max(step, last.get(task) ?? 0);
    last.set(task, latest);
    return step === latest
      ? []
      : [say("doubled_step", task, `attempt ${attempt} did step ${step} after ${latest}`)];
  });
}

function ofReads(
  run: FollowedRun,
  document: RunDocument,
  { starts, ends }: Reported,
  external: string | undefined,
  say: Say,
): Violation[] {
  const found: Violation[] = [];
  const endOf = (parent: TaskDocument | undefined): End | undefined => {
    const accepted = parent?.attempts.find(({ status }) => status === "succeeded");
    // Whichever attempt was completed: what was sent for it is the same.
    const isOf = (end: End): boolean => end.attempt === accepted?.attempt || end.task === external;
    return ends.find((end) => end.task === parent?.task && isOf(end));
  };
  for (const { task, attempt, read, at } of starts) {
    const upstream = document.tasks.find((entry) => entry.task === task)?.upstream ?? [];
    if (upstream.length === 0) {
      if (run.sent !== null && read[""] !== run.sent)
        found.push(
          say(
            "wrong_read",
            task,
            `attempt ${attempt} read ${read[""]}, the trigger carried ${run.sent}`,
          ),
        );
      continue;
    }
    const due: Record<string, string> = {};
    for (const name of upstream) {
      const parent = document.tasks.find((entry) => entry.task === name);
      if (parent?.each !== undefined) continue;
      const end = endOf(parent);
      if (end === undefined) continue;
      if (end.at > at)
        found.push(say("early_start", task, `attempt ${attempt} started before ${name} had ended`));
      due[upstream.length === 1 ? "" : name] = end.to[task] ?? end.passed;
    }
    if (canonical(read) !== canonical(due))
      found.push(
        say(
          "wrong_read",
          task,
          `attempt ${attempt} read ${canonical(read)}, passed was ${canonical(due)}`,
        ),
      );
  }
  return found;
}

function doubledRuns({ reports, keyed, runs }: History): Violation[] {
  const announced = new Set(
    runs.flatMap(({ runId, source }) => (source === "announced" ? [runId] : [])),
  );
  const runsOf = new Map<string, Set<string>>();
  const add = (trigger: string, run: string): void =>
    void runsOf.set(trigger, (runsOf.get(trigger) ?? new Set()).add(run));
  for (const report of reports) {
    if (report.event === "start" && report.item !== null) {
      // An object's version has a key of its own.
      if (keyed.has(report.item) || announced.has(report.run)) add(report.item, report.run);
    } else if (report.event === "child") {
      add(
        `trigger ${report.ordinal} of ${report.target} by ${report.run} ${report.task}`,
        report.run_id,
      );
    }
  }
  return [...runsOf].flatMap(([trigger, ids]) =>
    ids.size === 1
      ? []
      : [
          {
            rule: "doubled_run" as const,
            run: null,
            task: null,
            detail: `${trigger} became ${[...ids].join(", ")}`,
          },
        ],
  );
}

function tooManyAtOnce(history: History): Violation[] {
  return crowdsOf(history).map(({ task, count, runs }) => ({
    rule: "too_many_at_once",
    run: null,
    task,
    detail: `${count} attempts ran at once, of ${runs.join(", ")}`,
  }));
}

/**
 * A payload whose trigger was never recorded lies there for eight days; but somebody must know of it. (Its caller was cut off by a
 * kill, and has triggered anew.)
 */
function leftoverObjects(history: History): Violation[] {
  return history.leftovers.flatMap((key) => {
    const runId = key.split("/")[1] ?? "";
    if (isToBeCollected(runId, history)) return [];
    const run = history.runs.find((known) => known.runId === runId) ?? null;
    const whose =
      run === null
        ? "of no run that was ever accepted"
        : `of a run that is ${run.gone === "after" ? "deleted" : "there"}`;
    return [
      {
        rule: "leftover_object" as const,
        run: run?.runId ?? null,
        task: null,
        detail: `${key}, ${whose}`,
      },
    ];
  });
}

/**
 * The note that a payload may be there goes when the payload does. A run that is deleted soon after an attempt of it was lost keeps one,
 * empty, until that attempt can put nothing any more: then its alarm looks into R2 once more (src/objects/run/late-output.ts). That there was a
 * run which another one has triggered is noted until the other one cannot be retried any more (src/objects/run/tombstone.ts).
 */
function leftoverState(history: History): Violation[] {
  return history.heldState
    .filter(
      ({ isNoted, wakesInMs }) => !(isNoted && wakesInMs !== null && wakesInMs <= LATE_OUTPUT_MS),
    )
    .filter(({ name, isNoted }) => !(isNoted && name !== null && isToBeCollected(name, history)))
    .map(({ name, detail }) => ({
      rule: "leftover_state" as const,
      run: name,
      task: null,
      detail,
    }));
}

/** Of a trigger that died before it was recorded: the alarm of its object deletes what it has left. */
function isToBeCollected(id: string, { runs, alarms }: History): boolean {
  return alarms.has(id) && runs.every(({ runId }) => runId !== id);
}

function canonical(record: Readonly<Record<string, string>>): string {
  const entries = Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return (
    entries.map(([name, digest]) => `${name || "value"} ${digest.slice(0, 12)}`).join(", ") ||
    "nothing"
  );
}

function describe({ status, tasks }: RunDocument): string {
  const parts = tasks.map(
    ({ task, status: of, attempts }) =>
      `${task} ${of} (${attempts.map((each) => each.status).join(" ") || "no attempt"})`,
  );
  return `${status}: ${parts.join(", ")}`;
}
