import { describe, expect, it } from "vitest";
import { plan } from "#generated/plan";
import type { RunId } from "../../../src/domain/ids.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { succeeded, threw } from "../../support/settlements.ts";
import { edge } from "../../support/edge.ts";

const send = edge(plan);

/** A run of `again` over three items: one has passed, one has failed, one runs. */
async function threeItems(): Promise<HandDrivenRun> {
  const { run, answer } = await HandDrivenRun.accept(acceptance(plan, "again", { payload: [1, 2, 3] }));
  const [first, second] = answer.grant.leases;
  if (first === undefined || second === undefined) throw new Error("no leases");
  const logs = [{ at: 0, level: "info", message: "well", fields: null }] as const;
  await run.call((object) =>
    object.settle({
      settlements: [{ ...succeeded(first, "one"), logs }, threw(second)],
      claim: null,
    }),
  );
  return run;
}

async function json(path: string): Promise<unknown> {
  return (await send(path)).json();
}

describe("the items of a task", () => {
  it("the items of a task are listed page by page, by status if asked", async () => {
    const run = await threeItems();
    const path = `/api/v1/runs/${run.id}/tasks/again/items`;
    expect(await json(`${path}?limit=2`)).toMatchObject({
      items: [
        { index: 0, status: "succeeded", reason: null, output: { kind: "text", size: 3 }, attempts: [{ attempt: 1 }] },
        { index: 1, status: "failed", reason: "error", output: null, attempts: [{ status: "failed" }] },
      ],
      next_cursor: "2",
    });
    expect(await json(`${path}?cursor=2`)).toMatchObject({
      items: [{ index: 2, status: "running" }],
      next_cursor: null,
    });
    expect(await json(`${path}?status=failed`)).toMatchObject({ items: [{ index: 1 }], next_cursor: null });
    expect(await json(`/api/v1/runs/${run.id}`)).toMatchObject({
      tasks: [{ task: "again", status: "running", each: { total: 3, succeeded: 1, failed: 1, running: 1 } }, {}],
    });
  });

  it("the items of a task have payloads and logs of their own", async () => {
    const run = await threeItems();
    const path = `/api/v1/runs/${run.id}/tasks/again`;
    expect(await (await send(`${path}/items/0/payload`)).text()).toBe("one");
    expect(await json(`${path}/logs?item=0`)).toMatchObject({ logs: [{ message: "well", attempt: 1 }] });
    expect(await json(`${path}/logs`)).toMatchObject({ logs: [] });
  });

  it.each([
    ["items/1/payload", 404, "no_payload"],
    ["items/3/payload", 404, "unknown_item"],
    ["items/x/payload", 400, "invalid_request"],
    ["logs?item=3", 404, "unknown_item"],
    ["items?status=lost", 400, "invalid_request"],
  ])("GET %s answers %i %s", async (path, status, code) => {
    const run = await threeItems();
    const response = await send(`/api/v1/runs/${run.id}/tasks/again/${path}`);
    expect([response.status, await response.json()]).toMatchObject([status, { code }]);
  });

  it("the items of a task without `each` are none, and those of a task that is not in the run unknown", async () => {
    const run = await threeItems();
    expect(await json(`/api/v1/runs/${run.id}/tasks/collected/items`)).toEqual({ items: [], next_cursor: null });
    expect(await json(`/api/v1/runs/${run.id}/tasks/agian/items`)).toMatchObject({ code: "unknown_task" });
  });
});

describe("a replay from a task with items", () => {
  it.each(["tenfold", "again"])("%s runs over the recorded array", async (from) => {
    const { run } = await HandDrivenRun.accept(acceptance(plan, "spread", { payload: { count: 5 }, claim: null }));
    await run.final();
    const response = await send(`/api/v1/runs/${run.id}/replay?from=${from}`, { method: "POST" });
    const replayed = new HandDrivenRun((await response.json<{ run_id: RunId }>()).run_id);
    expect((await replayed.final()).status).toBe("succeeded");
    expect(await json(`/api/v1/runs/${replayed.id}/tasks/collected/payload`)).toEqual([0, 100, 200, 300, 400]);
  });
});
