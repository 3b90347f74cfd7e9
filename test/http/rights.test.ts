/**
 * Who may do what: every call of the API by every kind of caller, with the status that it is answered with. Written by hand, and by
 * nothing that the code under test says of itself: whoever changes a right changes a number here, and can be asked why.
 */
import { env } from "../support/env.ts";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { ADMIN_TOKEN, edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

/**
 * `none`: without a token. `trigger:echo`: for the task `echo` only. `session`: the dashboard's, of an admin.
 * {run}: a run that an admin has started. {own}: one that the caller has started, or an admin where the caller may start none.
 */
const TABLE = `
                                                              none read trigger trigger:echo operate admin read+trigger session
POST   /tasks/echo/trigger                                    401  403  202     202          403     202   202          202
POST   /tasks/other/trigger                                   401  403  202     403          403     202   202          202
POST   /tasks/after/trigger                                   401  403  403     403          403     202   403          202
POST   /events/published                                      401  403  202     202          403     202   202          202
POST   /events/for-both                                       401  403  202     403          403     202   202          202
POST   /events/for-nobody                                     401  403  202     403          403     202   202          202
POST   /r2/uploads/reconcile?dry_run=true                     401  403  403     403          200     200   403          200
GET    /runs                                                  401  200  403     403          200     200   200          200
GET    /runs/count                                            401  200  403     403          200     200   200          200
GET    /runs/statistics                                       401  200  403     403          200     200   200          200
GET    /failures                                              401  200  403     403          200     200   200          200
GET    /runs/feed                                             401  200  403     403          200     200   200          200
GET    /runs/{run}                                            401  200  403     403          200     200   200          200
GET    /runs/{own}                                            401  200  200     200          200     200   200          200
GET    /runs/{run}/events                                     401  200  403     403          200     200   200          200
GET    /runs/{own}/events                                     401  200  200     200          200     200   200          200
GET    /runs/{run}/payload                                    401  200  403     403          200     200   200          200
GET    /runs/{own}/payload                                    401  200  200     200          200     200   200          200
GET    /runs/{run}/tasks/echo/payload                         401  200  403     403          200     200   200          200
GET    /runs/{own}/tasks/echo/payload                         401  200  200     200          200     200   200          200
GET    /runs/{run}/tasks/echo/logs                            401  200  403     403          200     200   200          200
GET    /runs/{own}/tasks/echo/logs                            401  200  200     200          200     200   200          200
GET    /runs/{run}/tasks/echo/items                           401  200  403     403          200     200   200          200
GET    /runs/{own}/tasks/echo/items                           401  200  200     200          200     200   200          200
GET    /runs/{run}/tasks/echo/items/0/payload                 401  404  403     403          404     404   404          404
GET    /runs/{own}/tasks/echo/items/0/payload                 401  404  404     404          404     404   404          404
POST   /runs/{own}/cancel                                     401  403  403     403          409     409   403          409
POST   /runs/{own}/retry                                      401  403  403     403          409     409   403          409
POST   /runs/{own}/replay                                     401  403  403     403          202     202   403          202
POST   /runs/{own}/tasks/echo/complete                        401  403  403     403          409     409   403          409
POST   /runs/cancel?task=echo&dry_run=true                    401  403  403     403          200     200   403          200
POST   /runs/retry?task=echo&dry_run=true                     401  403  403     403          200     200   403          200
POST   /runs/replay?task=echo&dry_run=true                    401  403  403     403          200     200   403          200
GET    /schedules                                             401  200  403     403          200     200   200          200
POST   /schedules/echo/pause                                  401  403  403     403          404     404   403          404
POST   /schedules/echo/resume                                 401  403  403     403          404     404   403          404
GET    /endpoints/hook/deliveries                             401  200  403     403          200     200   200          200
POST   /endpoints/hook/deliveries/nothing/replay              401  403  403     403          404     404   403          404
GET    /recommendations                                       401  200  403     403          200     200   200          200
GET    /recommendations/nothing                               401  404  403     403          404     404   404          404
GET    /recommendations/nothing/try                           401  404  403     403          404     404   404          404
GET    /dead-letters                                          401  200  403     403          200     200   200          200
POST   /dead-letters/nothing/redrive                          401  403  403     403          404     404   403          404
DELETE /dead-letters/nothing                                  401  403  403     403          404     404   403          404
GET    /tasks                                                 401  200  403     403          200     200   200          200
GET    /tasks/echo                                            401  200  403     403          200     200   200          200
POST   /tasks/other/pause                                     401  403  403     403          200     200   403          200
POST   /tasks/other/resume                                    401  403  403     403          200     200   403          200
GET    /graph                                                 401  200  403     403          200     200   200          200
GET    /endpoints                                             401  200  403     403          200     200   200          200
GET    /limits                                                401  200  403     403          200     200   200          200
GET    /health                                                401  200  403     403          200     200   200          200
GET    /metrics                                               401  200  403     403          200     200   200          200
GET    /openapi.json                                          401  200  200     200          200     200   200          200
GET    /tokens                                                401  403  403     403          403     200   403          200
POST   /tokens                                                401  403  403     403          403     201   403          201
DELETE /tokens/nothing                                        401  403  403     403          403     404   403          404
GET    /audit                                                 401  200  403     403          200     200   200          200
GET    /sessions                                              401  403  403     403          403     200   403          200
DELETE /sessions/nothing                                      401  403  403     403          403     404   403          404
`;

const [heading = "", ...lines] = TABLE.split("\n").filter((line) => line.trim() !== "");
const CALLERS = heading.trim().split(/ +/);
const ROWS = lines.map((line) => {
  const [method = "", path = "", ...statuses] = line.trim().split(/ +/);
  return { method, path, call: `${method} ${path}`, statuses: statuses.map(Number) };
});

const PLAN = planOf(
  [
    taskPlan("echo", { on: { events: ["published", "for-both"] }, downstream: ["after"] }),
    taskPlan("after", { method: "echo", upstream: ["echo"] }),
    taskPlan("other", { method: "echo", on: { events: ["for-both"] } }),
  ],
  { endpoints: [endpointPlan("hook")] },
);
const send = edge(PLAN, { withoutToken: true });
/** How each caller says who they are. */
const credentials = new Map<string, Readonly<Record<string, string>>>([
  ["none", {}],
  ["admin", { Authorization: `Bearer ${ADMIN_TOKEN}` }],
]);
/** A run that each has started. */
const ownRuns = new Map<string, RunId>();

function call(caller: string, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = credentials.get(caller);
  if (headers === undefined) throw new Error(`nobody is called ${caller}`);
  const typed = { ...headers, "Content-Type": "application/json" };
  const init = body === undefined ? { headers } : { headers: typed, body: JSON.stringify(body) };
  return send(`/api/v1${path}`, { method, ...init });
}

async function startedBy(caller: string): Promise<RunId> {
  const answer = await call(caller, "POST", "/tasks/echo/trigger", `of ${caller}`);
  const { run_id: runId } = await answer.json<{ run_id: RunId }>();
  await callRun(env, runId, (run) => run.untilFinal(10_000));
  return runId;
}

beforeAll(async () => {
  vi.spyOn(console, "info").mockImplementation(() => undefined);
  for (const caller of CALLERS.filter((name) => !["none", "admin", "session"].includes(name))) {
    const made = await call("admin", "POST", "/tokens", { name: crypto.randomUUID(), scopes: caller.split("+") });
    credentials.set(caller, { Authorization: `Bearer ${(await made.json<{ token: string }>()).token}` });
  }
  const own = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };
  const body = JSON.stringify({ token: ADMIN_TOKEN });
  const login = await send("/dashboard/login", { method: "POST", headers: own, body });
  credentials.set("session", { ...own, Cookie: login.headers.get("Set-Cookie")?.split(";")[0] ?? "" });
  const ofAdmin = await startedBy("admin");
  for (const caller of CALLERS) {
    const mayStart = ["trigger", "trigger:echo", "read+trigger", "session"].includes(caller);
    ownRuns.set(caller, mayStart ? await startedBy(caller) : ofAdmin);
  }
});

describe.each(ROWS)("$call", ({ method, path, statuses }) => {
  it.each(CALLERS.map((caller, column) => [caller, statuses[column]] as const))(
    "by %s is %i",
    async (caller, status) => {
      const address = path.replace("{run}", ownRuns.get("admin") ?? "").replace("{own}", ownRuns.get(caller) ?? "");
      const body =
        path === "/tokens" && method === "POST" ? { name: crypto.randomUUID(), scopes: ["read"] } : undefined;
      const response = await call(caller, method, address, body);
      const text = path === "/runs/feed" && response.ok ? "" : await response.text();
      expect([response.status, text]).toEqual([status, expect.anything()]);
      if (response.body?.locked === false) await response.body.cancel();
      if (status === 401)
        expect(JSON.parse(text)).toMatchObject({ code: "unauthorized", hint: expect.stringMatching(/./) });
      if (status === 403)
        expect(JSON.parse(text)).toMatchObject({ code: expect.stringMatching(/^(forbidden|not_callable)$/) });
    },
  );
});

describe("the table", () => {
  it("the table has a line for every call that the API describes, and no other", async () => {
    const described = await (await call("admin", "GET", "/openapi.json")).json<{ paths: Record<string, object> }>();
    const calls = Object.entries(described.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => ({ method: method.toUpperCase(), path })),
    );
    const fits = (template: string, path: string): boolean =>
      new RegExp(`^${template.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`).test(path.replace(/\?.*$/, ""));
    const isThere = ({ method, path }: { method: string; path: string }): boolean =>
      ROWS.some((row) => row.method === method && fits(path, row.path));
    expect(calls.filter((one) => !isThere(one))).toEqual([]);
    const isDescribed = (row: { method: string; path: string }): boolean =>
      calls.some(({ method, path }) => row.method === method && fits(path, row.path));
    expect(ROWS.filter((row) => !isDescribed(row))).toEqual([]);
    expect(ROWS.filter(({ statuses }) => statuses.length !== CALLERS.length || statuses.includes(Number.NaN))).toEqual(
      [],
    );
  });
});

describe("a run that its starter has looked at already", () => {
  it("a run that its starter has looked at already is another's all the same", async () => {
    const path = `/runs/${ownRuns.get("trigger")}`;
    expect((await call("trigger", "GET", path)).status).toBe(200);
    expect((await call("trigger:echo", "GET", path)).status).toBe(403);
    expect((await call("trigger:echo", "GET", `${path}/payload`)).status).toBe(403);
    expect((await call("trigger", "GET", `${path}/payload`)).status).toBe(200);
  });
});

describe("a caller whom nobody knows", () => {
  it.each([
    ["a wrong token", "Bearer wrong"],
    ["a token in another scheme", `Basic ${btoa(`admin:${ADMIN_TOKEN}`)}`],
  ])("a caller whom nobody knows is refused with 401 for %s, by every call", async (_what, authorization) => {
    for (const { method, path } of ROWS) {
      const address = path.replace(/\{\w+\}/, ownRuns.get("admin") ?? "");
      const response = await send(`/api/v1${address}`, { method, headers: { Authorization: authorization } });
      const text = await response.text();
      expect([method, path, response.status]).toEqual([method, path, 401]);
      expect(text).not.toContain(ADMIN_TOKEN);
    }
  });
});
