/**
 * Checks the history from outside against Peach's guarantees. Pure: a history in, violations out.
 *
 * A task's effects may happen more than once (a kill takes the attempt, not its effects). Its
 * output is accepted once, and only the accepted output is ever read.
 */
import { overloadsOf } from "./concurrency-check.ts";
import { KINDS, type Kind } from "./kinds.ts";
import type { Rule, Violation } from "./violation.ts";
import { checkItems, type ItemReport } from "./item-checks.ts";
import type { FollowedRun, History, Report, RunDocument, TaskDocument } from "./history.ts";

type Start = Extract<Report, { event: "start" }> & { readonly at: number };
type End = Extract<Report, { event: "end" }> & { readonly at: number };
type Step = Extract<Report, { event: "step" }>;
type Child = Extract<Report, { event: "child" }>;

/** Reports of one run's tasks; `at` is the position among all reports. */
interface Reported {
  readonly starts: Start[];
  readonly ends: End[];
  readonly steps: Step[];
  readonly children: Child[];
  readonly items: ItemReport[];
}

/** Returns every violation. */
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

/** An attempt may still write to R2 this long after its end. */
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
  // Its notification was lost with the kill: the platform's queue is durable, the local one is not.
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
    ...checkItems(document, reported.items, kind?.failedItems).map(({ task, detail }) =>
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
    // Collecting the items of a task is not the task's code.
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
    // Any completed attempt: all completions of a run are the same.
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
  return overloadsOf(history).map(({ task, count, runs }) => ({
    rule: "too_many_at_once",
    run: null,
    task,
    detail: `${count} attempts ran at once, of ${runs.join(", ")}`,
  }));
}

/**
 * Objects in the payload bucket without a run. A payload whose trigger was never recorded stays for
 * eight days, but an alarm must exist for it. (Its caller was cut off by a kill and has triggered
 * anew.)
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
 * State of run objects after retention. The note of a possible payload goes with the payload. A run
 * deleted soon after one of its attempts was lost keeps an empty note until this attempt can write
 * no more: then its alarm checks R2 once more (src/objects/run/late-output.ts). The note of a child
 * run is kept until its parent cannot be retried any more (src/objects/run/tombstone.ts).
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

/** A trigger that died before it was recorded: its object's alarm deletes the rest. */
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
