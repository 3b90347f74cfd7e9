import { env } from "../../support/env.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { edge } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { succeeded, threw } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

interface Answer {
  readonly dry_run: boolean;
  readonly matched: number;
  readonly changed: number;
  readonly runs: readonly { run_id: RunId; status: string; result: string; code?: string; new_run_id?: RunId }[];
  readonly next_cursor: string | null;
}

/** Each test has a task of its own, and with it a catalog of its own. */
let task = "";
let tests = 0;
const plan = () => planOf([taskPlan(task, { method: "echo" })]);
const send = (path: string, init?: RequestInit) => edge(plan())(`/api/v1${path}`, init);

beforeEach(() => {
  tests += 1;
  task = `bulk_${tests}`;
});

async function bulk(action: string, query: string, init: RequestInit = {}): Promise<Answer> {
  const response = await send(`/runs/${action}?${query}`, { method: "POST", ...init });
  expect(response.status).toBe(200);
  return response.json();
}

/** Runs of the test's task, the oldest first: so many that run, failed and succeeded. Resolves once the catalog has them. */
async function runs(running: number, failed: number, fine: number): Promise<HandDrivenRun[]> {
  const all: HandDrivenRun[] = [];
  for (let made = 0; made < running + failed + fine; made += 1) {
    const { run, answer } = await HandDrivenRun.accept(acceptance(plan(), task, { payload: made }));
    const lease = only(answer.grant);
    if (made >= running) await run.settle(made < running + failed ? threw(lease) : succeeded(lease));
    all.push(run);
  }
  await vi.waitFor(async () => {
    const { counts } = await (await send(`/runs/count?task=${task}`)).json<{ counts: Record<string, number> }>();
    expect(counts).toMatchObject({ running, failed, succeeded: fine });
  }, 10_000);
  return all;
}

async function statuses(all: readonly HandDrivenRun[]): Promise<string[]> {
  return Promise.all(all.map(async (run) => (await run.document()).status));
}

function resultsOf({ runs: found }: Answer): Record<string, string> {
  return Object.fromEntries(found.map(({ run_id, result, code }) => [run_id, code ?? result]));
}

describe("POST /runs/cancel", () => {
  it("POST /runs/cancel cancels the runs that the filter finds, and says why it does not cancel others", async () => {
    const all = await runs(2, 1, 0);
    const [one, two, failed] = all.map(({ id }) => id);
    const answer = await bulk("cancel", `task=${task}`);
    expect(answer).toMatchObject({ dry_run: false, matched: 3, changed: 2, next_cursor: null });
    expect(resultsOf(answer)).toEqual({
      [one ?? ""]: "cancelled",
      [two ?? ""]: "cancelled",
      [failed ?? ""]: "run_final",
    });
    expect(await statuses(all)).toEqual(["cancelled", "cancelled", "failed"]);
  });

  it.each([
    ["with `children` cancels also the runs that they have triggered", "&children=true", "cancelled"],
    ["leaves the runs that they have triggered alone without it", "", "running"],
  ])("%s", async (_says, query, becomes) => {
    const retries = { ...taskPlan(task).retries, limit: 1 };
    const of = planOf([taskPlan(task, { method: "echo", retries }), taskPlan(`child_of_${task}`, { method: "echo" })]);
    const child = (await HandDrivenRun.accept(acceptance(of, `child_of_${task}`))).run;
    const { run: parent, answer } = await HandDrivenRun.accept(acceptance(of, task));
    const failed = threw(only(answer.grant), { retryable: true, retryAfterMs: 60_000 });
    await parent.settle({ ...failed, children: [{ runId: child.id, task: `child_of_${task}` }] });
    const find = async (): Promise<unknown> => (await send(`/runs?task=${task}`)).json();
    await vi.waitFor(async () => expect(await find()).toMatchObject({ runs: [{ run_id: parent.id }] }), 10_000);
    expect(await bulk("cancel", `task=${task}${query}`)).toMatchObject({ matched: 1, changed: 1 });
    await vi.waitFor(async () => expect(await statuses([parent, child])).toEqual(["cancelled", becomes]), 10_000);
  });

  it("POST /runs/cancel changes nothing in a dry run, and says what it would do", async () => {
    const all = await runs(1, 1, 0);
    const answer = await bulk("cancel", `task=${task}&dry_run=true`);
    expect(answer).toMatchObject({ dry_run: true, matched: 2, changed: 0 });
    expect(Object.values(resultsOf(answer)).toSorted()).toEqual(["cancelled", "run_final"]);
    expect(await statuses(all)).toEqual(["running", "failed"]);
  });
});

describe("POST /runs/retry", () => {
  it.each([
    ["retry", ["nothing_to_retry", "retried", "run_not_final"]],
    ["cancel", ["cancelled", "run_final", "run_final"]],
  ])(
    "POST /runs/%s says in a dry run of a running, a failed and a succeeded run what it would do",
    async (action, results) => {
      const all = await runs(1, 1, 1);
      const answer = await bulk(action, `task=${task}&dry_run=true`);
      expect(answer).toMatchObject({ dry_run: true, matched: 3, changed: 0 });
      expect(Object.values(resultsOf(answer)).toSorted()).toEqual(results);
      expect(await statuses(all)).toEqual(["running", "failed", "succeeded"]);
    },
  );

  it("POST /runs/retry retries those that the filter finds, a page at a time, each once", async () => {
    const all = await runs(1, 3, 1);
    const first = await bulk("retry", `task=${task}&status=failed,succeeded&limit=2`);
    expect([first.matched, first.next_cursor === null]).toEqual([2, false]);
    const rest = await bulk("retry", `task=${task}&status=failed,succeeded&cursor=${first.next_cursor}`);
    const found = [...first.runs, ...rest.runs].map(({ run_id }) => run_id);
    expect(new Set(found).size).toBe(4);
    expect(first.changed + rest.changed).toBe(3);
    expect(Object.values(resultsOf(first)).concat(Object.values(resultsOf(rest)))).toContain("nothing_to_retry");
    for (const run of all.slice(1, 4)) expect((await run.final()).status).toBe("succeeded");
    expect((await all[0]?.document())?.status).toBe("running");
  });
});

describe("POST /runs/replay", () => {
  it("POST /runs/replay starts a new run of each, with what was recorded; the same key again starts none", async () => {
    const all = await runs(0, 2, 0);
    const init = { headers: { "Idempotency-Key": "again" } };
    const answer = await bulk("replay", `task=${task}&status=failed`, init);
    expect(answer.changed).toBe(2);
    for (const [index, { id }] of all.entries()) {
      const found = answer.runs.find(({ run_id }) => run_id === id)?.new_run_id;
      if (found === undefined) throw new Error("not replayed");
      const document = await callRun(env, found, (run) => run.untilFinal(10_000));
      expect(document).toMatchObject({ status: "succeeded", trigger: { replay_of: { run_id: id, from: null } } });
      const passed = await send(`/runs/${found}/tasks/${task}/payload`);
      expect(await passed.json()).toBe(index);
    }
    const again = await bulk("replay", `task=${task}&status=failed`, init);
    expect(again.runs.map(({ new_run_id }) => new_run_id)).toEqual(answer.runs.map(({ new_run_id }) => new_run_id));
  });
});

describe("a call for many runs", () => {
  it.each(["cancel", "retry", "replay"])(
    "a call for many runs to %s needs a filter, and one that it understands",
    async (action) => {
      for (const query of [
        "",
        "dry_run=true",
        "limit=5",
        "cursor=x&task=bulk",
        "limit=501&status=failed",
        "stauts=failed",
      ]) {
        const response = await send(`/runs/${action}?${query}`, { method: "POST" });
        expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_request" }]);
      }
      const unknown = await send(`/runs/${action}?task=nobody`, { method: "POST" });
      expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: "unknown_task" }]);
    },
  );
});
