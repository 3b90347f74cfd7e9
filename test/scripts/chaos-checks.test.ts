import { describe, expect, it } from "vitest";
import type { FollowedRun, History, Report, RunDocument } from "../../scripts/chaos/history.ts";
import { violationsOf } from "../../scripts/chaos/checks.ts";

/** direct ──▶ direct_end, its first attempt at direct_end lost. */
const DOCUMENT: RunDocument = {
  run_id: "run_1",
  task: "direct",
  status: "succeeded",
  trigger: { source: "api" },
  finished_at: "2026-11-21T12:00:00.000Z",
  tasks: [
    { task: "direct", status: "succeeded", reason: null, upstream: [], attempts: [attemptOf(1, "succeeded")] },
    {
      task: "direct_end",
      status: "succeeded",
      reason: null,
      upstream: ["direct"],
      attempts: [attemptOf(1, "lost"), attemptOf(2, "succeeded")],
    },
  ],
  children: [],
};

const REPORTS: readonly Report[] = [
  start("direct", 1, { "": "carried" }, "item-1"),
  end("direct", 1, "passed by direct"),
  start("direct_end", 1, { "": "passed by direct" }),
  start("direct_end", 2, { "": "passed by direct" }),
  end("direct_end", 2, "passed by direct_end"),
];

const RUN: FollowedRun = {
  runId: "run_1",
  source: "answered",
  sent: "carried",
  cancelled: "no",
  succeededAt: new Map([
    ["direct", REPORTS.length],
    ["direct_end", REPORTS.length],
  ]),
  final: { document: DOCUMENT, at: REPORTS.length },
  later: DOCUMENT,
  lastRead: DOCUMENT,
  gone: "after",
  heard: true,
  excused: false,
};

describe("a run that was killed in the middle and ended as it had to", () => {
  it("a run that was killed in the middle and ended as it had to violates nothing", () => {
    expect(violationsOf(historyOf())).toEqual([]);
  });

  it("a run that was killed in the middle and ended as it had to violates nothing if the lost attempt had done its work too", () => {
    expect(violationsOf(historyOf({}, REPORTS.toSpliced(3, 0, end("direct_end", 1, "another"))))).toEqual([]);
  });
});

describe("what was promised and not kept is found", () => {
  const UNREAD = { final: null, later: null, gone: "no" } as const;

  it.for<[string, string, Partial<FollowedRun>]>([
    ["an accepted run is not there", "lost_run", { ...UNREAD, lastRead: null, gone: "early" }],
    ["a run was deleted before its retention was over", "lost_run", { later: null, gone: "early" }],
    ["a run was deleted before anybody knew how it ended", "unread_run", { ...UNREAD, gone: "unread" }],
    ["an upload becomes no run", "lost_run", { ...UNREAD, source: "announced", lastRead: null, heard: false }],
    ["a run does not end", "stuck_run", UNREAD],
    ["a run fails that had to succeed", "wrong_end", changed((document) => (document.status = "failed"))],
    ["a run was cancelled by nobody", "wrong_end", changed((document) => (document.status = "cancelled"))],
    ["a confirmed cancellation did not stand", "wrong_end", { cancelled: "accepted" }],
    ["a task is skipped that had to succeed", "wrong_end", changed((_, last) => (last.status = "skipped"))],
    ["a task of the graph is missing", "wrong_end", changed((document) => document.tasks.pop())],
    ["a final run changes", "changed_after_end", { later: { ...DOCUMENT, status: "failed" } }],
    [
      "two attempts are accepted",
      "not_accepted_once",
      changed((_, last) => (last.attempts[0] = attemptOf(1, "succeeded"))),
    ],
    ["a task succeeded without an attempt that did", "not_accepted_once", changed((_, last) => last.attempts.pop())],
    [
      "an attempt threw out of plan",
      "failed_too_often",
      changed((_, last) => (last.attempts[0] = attemptOf(1, "failed"))),
    ],
    ["a run outlives its retention", "not_deleted", { gone: "no" }],
    [
      "an attempt starts after its task was seen succeeded",
      "effect_after_success",
      { succeededAt: new Map([["direct_end", 3]]) },
    ],
    ["a task read what the trigger did not carry", "wrong_read", { sent: "something else" }],
  ])("%s", ([, rule, run]) => {
    expect(violationsOf(historyOf(run)).map((violation) => violation.rule)).toContain(rule);
  });

  it.for<[string, string, readonly Report[]]>([
    ["an accepted attempt did nothing", "missing_effect", REPORTS.slice(0, -1)],
    [
      "one attempt is executed twice",
      "doubled_attempt",
      [...REPORTS, start("direct_end", 2, { "": "passed by direct" })],
    ],
    ["an attempt is executed that the run does not know", "unknown_attempt", [...REPORTS, start("direct_end", 3, {})]],
    [
      "a task read what a lost attempt passed",
      "wrong_read",
      REPORTS.with(3, start("direct_end", 2, { "": "another" })),
    ],
    ["a task read nothing", "wrong_read", REPORTS.with(3, start("direct_end", 2, {}))],
    [
      "a task starts before its upstream task has ended",
      "early_start",
      REPORTS.toSpliced(1, 1).toSpliced(2, 0, end("direct", 1, "passed by direct")),
    ],
    [
      "a trigger with a key becomes two runs",
      "doubled_run",
      [...REPORTS, { ...start("direct", 1, {}, "item-1"), run: "run_2" }],
    ],
    ["a retried attempt triggers a second child run", "doubled_run", [...REPORTS, child("run_8"), child("run_9")]],
    ["a child run is not listed", "wrong_end", [...REPORTS, child("run_8")]],
  ])("%s", ([, rule, reports]) => {
    expect(violationsOf(historyOf({}, reports)).map((violation) => violation.rule)).toContain(rule);
  });

  it("an object version becomes two runs", () => {
    const reports = ["run_1", "run_2"].map((run) => ({ ...start("upload", 1, {}, "chaos/1 etag time"), run }));
    const runs = ["run_1", "run_2"].map((runId) => ({ ...RUN, runId, source: "announced", excused: true }) as const);
    const violations = violationsOf({ ...historyOf(), runs, reports });
    expect(violations.map(({ rule }) => rule)).toContain("doubled_run");
  });

  it("a payload object is left that nothing points at, whosever it was", () => {
    const leftovers = ["runs/run_1/0/1-1", "runs/run_7/trigger-1"];
    expect(violationsOf({ ...historyOf(), leftovers })).toMatchObject([
      { rule: "leftover_object", run: "run_1", detail: "runs/run_1/0/1-1, of a run that is deleted" },
      { rule: "leftover_object", run: null, detail: "runs/run_7/trigger-1, of no run that was ever accepted" },
    ]);
  });

  it("an object of a run still holds something", () => {
    const held = {
      name: "run_1",
      detail: "peach-RunObject 1.sqlite: journal (3 rows)",
      isNoted: false,
      wakesInMs: null,
    };
    const note = {
      name: "run_7",
      detail: "peach-RunObject 7.sqlite: objects_expected (0 rows)",
      isNoted: true,
      wakesInMs: null,
    };
    const noteOfRun = { ...note, name: "run_1" };
    const nameless = { ...note, name: null };
    const alarms = new Set(["run_1"]);
    for (const one of [held, note, noteOfRun, nameless]) {
      expect(violationsOf({ ...historyOf(), heldState: [one], alarms })).toMatchObject([
        { rule: "leftover_state", run: one.name, detail: one.detail },
      ]);
    }
  });

  it("a client is refused without reason", () => {
    const wronglyListed = ["run_1 is failed, and listed as running"];
    expect(violationsOf({ ...historyOf(), wronglyListed })).toMatchObject([
      { rule: "wrong_list", detail: wronglyListed[0] },
    ]);
    const refusals = ["/api/v1/tasks/chain/trigger answered 500"];
    expect(violationsOf({ ...historyOf(), refusals })).toMatchObject([{ rule: "refused", detail: refusals[0] }]);
  });
});

describe("what is no violation", () => {
  it("a trigger without a key that was sent again becomes another run", () => {
    const reports = [...REPORTS, { ...start("direct", 1, {}, "item-1"), run: "run_2" }];
    expect(violationsOf({ ...historyOf({}, reports), keyed: new Set() })).toEqual([]);
  });

  it("two runs of such a trigger have child runs of their own", () => {
    const reports = [...REPORTS, ...["run_2", "run_3"].map((run) => ({ ...child(`child_of_${run}`), run }))];
    expect(violationsOf(historyOf({}, reports))).toEqual([]);
  });

  it("a payload lies there whose trigger was never recorded, and whose alarm will delete it", () => {
    const history = { ...historyOf(), leftovers: ["runs/run_7/trigger-1"], alarms: new Set(["run_7"]) };
    expect(violationsOf(history)).toEqual([]);
  });

  it("an object holds the note of a trigger that was never recorded, and its alarm will delete it", () => {
    const note = {
      name: "run_7",
      detail: "peach-RunObject 7.sqlite: objects_expected (0 rows)",
      isNoted: true,
      wakesInMs: null,
    };
    expect(violationsOf({ ...historyOf(), heldState: [note], alarms: new Set(["run_7"]) })).toEqual([]);
  });

  it("an object holds an empty note until an attempt that was lost can put nothing any more", () => {
    const note = { name: null, detail: "objects_expected (0 rows)", isNoted: true, wakesInMs: 900_000 };
    expect(violationsOf({ ...historyOf(), heldState: [note] })).toEqual([]);
    for (const other of [{ wakesInMs: null }, { wakesInMs: 1_100_000 }, { isNoted: false }])
      expect(violationsOf({ ...historyOf(), heldState: [{ ...note, ...other }] })).toMatchObject([
        { rule: "leftover_state" },
      ]);
  });

  it("a notification is lost with the queue that a kill took", () => {
    const lost = {
      source: "announced",
      final: null,
      later: null,
      lastRead: null,
      heard: false,
      excused: true,
    } as const;
    expect(violationsOf(historyOf({ ...lost, gone: "no" }, []))).toEqual([]);
  });

  it("a run ends before the cancellation that it was asked for", () => {
    expect(violationsOf(historyOf({ cancelled: "asked" }))).toEqual([]);
  });
});

describe("the steps of a task", () => {
  const stepOf = (attempt: number, step: number): Report => ({
    run: "run_1",
    task: "direct",
    attempt,
    event: "step",
    step,
  });

  it("the steps of a task may be done again as long as no later one has begun", () => {
    const steps = [stepOf(1, 1), stepOf(2, 1), stepOf(2, 2)];
    expect(violationsOf(historyOf({}, [...REPORTS, ...steps]))).toEqual([]);
  });

  it("the steps of a task are not done again once a later one has", () => {
    const steps = [stepOf(1, 1), stepOf(1, 2), stepOf(2, 1)];
    expect(violationsOf(historyOf({}, [...REPORTS, ...steps]))).toMatchObject([
      { rule: "doubled_step", task: "direct" },
    ]);
  });
});

describe("a limited task", () => {
  const limited = (run: string, event: "start" | "end", attempt = 1): Report =>
    event === "start"
      ? { run, task: "limited_2", attempt, event, item: null, read: {} }
      : { run, task: "limited_2", attempt, event, passed: "x", to: {} };
  const rules = (
    reports: readonly Report[],
    killedAt: readonly number[] = [],
    lost: readonly string[] = [],
    how = "lost",
  ): string[] => {
    const runs = lost.map((runId) => {
      const tasks = [
        { task: "limited_2", status: "succeeded", reason: null, upstream: [], attempts: [attemptOf(1, how)] },
      ];
      return { ...RUN, runId, final: { document: { ...DOCUMENT, run_id: runId, tasks }, at: 0 } };
    });
    return violationsOf({ ...historyOf(), reports, runs, killedAt })
      .filter(({ rule }) => rule === "too_many_at_once")
      .map(({ detail }) => detail);
  };

  it("a limited task may have two attempts at once, one after the other as many as there are", () => {
    expect(
      rules([
        limited("a", "start"),
        limited("b", "start"),
        limited("a", "end"),
        limited("c", "start"),
        limited("b", "end"),
      ]),
    ).toEqual([]);
  });

  it("a limited task is found out with three", () => {
    const reports = ["a", "b", "c"].flatMap((run) => [limited(run, "start")]);
    expect(rules([...reports, ...["a", "b", "c"].map((run) => limited(run, "end"))])).toEqual([
      "3 attempts ran at once, of a, b, c",
    ]);
  });

  it("a limited task does not count code that goes on after its timeout, and that of others all the same", () => {
    const starts = ["a", "b", "c", "d"].map((run) => limited(run, "start"));
    const ends = ["a", "b", "c", "d"].map((run) => limited(run, "end"));
    expect(rules([...starts, ...ends], [], ["a", "b"], "timed_out")).toEqual([]);
    expect(rules([...starts, ...ends], [], ["a"], "timed_out")).toEqual(["3 attempts ran at once, of b, c, d"]);
  });

  it("a limited task counts what a kill has taken until that kill, and not after it", () => {
    const before = [limited("a", "start"), limited("b", "start")];
    const after = [limited("c", "start"), limited("d", "start"), limited("c", "end"), limited("d", "end")];
    expect(rules([...before, ...after], [2], ["a", "b"])).toEqual([]);
    expect(rules([...before, ...after], [3], ["a", "b"])).toEqual(["3 attempts ran at once, of a, b, c"]);
  });
});

describe("a task that is limited by user", () => {
  const keyed = (run: string, event: "start" | "end", user: string): Report =>
    event === "start"
      ? { run, task: "keyed_2", attempt: 1, event, item: null, read: {}, user }
      : { run, task: "keyed_2", attempt: 1, event, passed: "x", to: {} };
  const overloads = (reports: readonly Report[]): readonly string[] =>
    violationsOf({ ...historyOf(), reports, runs: [] }).map(({ detail }) => detail);

  it("a task that is limited by user may run once for each user at once", () => {
    expect(overloads([keyed("a", "start", "anna"), keyed("b", "start", "bert")])).toEqual([]);
  });

  it("a task that is limited by user is found out with two of one user", () => {
    const starts = [keyed("a", "start", "anna"), keyed("b", "start", "anna")];
    expect(overloads([...starts, keyed("a", "end", "anna"), keyed("b", "end", "anna")])).toEqual([
      "2 attempts ran at once, of a, b",
    ]);
  });
});

describe("an external task", () => {
  const tasks = DOCUMENT.tasks.map((task) => {
    const name = task.task === "direct" ? "approve" : "approve_keyed";
    return { ...task, task: name, upstream: task.upstream.map(() => "approve") };
  });
  const document = {
    ...DOCUMENT,
    task: "approve",
    tasks: [...tasks, tasks[1]].map((task, index) => rename(task, index)),
  };
  const run = { final: { document, at: 9 }, later: document, succeededAt: new Map<string, number>() };
  const reports = (passed: string): Report[] => [
    start("approve", 1, { "": "carried" }, "item-1"),
    end("approve", 2, passed),
    start("approve_keyed", 2, { "": "approved" }),
    end("approve_keyed", 2, "x"),
    start("approve_end", 2, { "": "x" }),
    end("approve_end", 2, "y"),
  ];

  it("an external task may be completed by the URL of any of its attempts", () => {
    expect(violationsOf(historyOf(run, reports("approved")))).toEqual([]);
  });

  it("an external task is told if its child read something else than was sent for it", () => {
    expect(violationsOf(historyOf(run, reports("refused"))).map(({ rule }) => rule)).toEqual(["wrong_read"]);
  });
});

/** The third task of the external run is the one below its second. */
function rename(task: RunDocument["tasks"][number] | undefined, index: number): RunDocument["tasks"][number] {
  if (task === undefined) throw new Error("the run has no task");
  return index < 2 ? task : { ...task, task: "approve_end", upstream: ["approve_keyed"] };
}

function historyOf(run: Partial<FollowedRun> = {}, reports = REPORTS): History {
  return {
    reports,
    runs: [{ ...RUN, ...run }],
    killedAt: [],
    keyed: new Set(["item-1"]),
    leftovers: [],
    alarms: new Set(),
    heldState: [],
    wronglyListed: [],
    refusals: [],
  };
}

/** The run as it was read, but for this. */
function changed(
  change: (document: RunDocument, last: RunDocument["tasks"][number]) => unknown,
): Pick<FollowedRun, "final" | "later"> {
  const document = structuredClone(DOCUMENT);
  const last = document.tasks.at(-1);
  if (last === undefined) throw new Error("the run has no task");
  change(document, last);
  return { final: { document, at: REPORTS.length }, later: document };
}

function attemptOf(attempt: number, status: string): RunDocument["tasks"][number]["attempts"][number] {
  return { attempt, status, error: null };
}

function start(task: string, attempt: number, read: Record<string, string>, item: string | null = null): Report {
  return { run: "run_1", task, attempt, event: "start", item, read };
}

function end(task: string, attempt: number, passed: string): Report {
  return { run: "run_1", task, attempt, event: "end", passed, to: {} };
}

function child(run_id: string): Report {
  const of = { run: "run_1", task: "direct", attempt: 1, event: "child" } as const;
  return { ...of, target: "child", ordinal: 0, run_id, item: "item-1/child/0", sent: "" };
}
