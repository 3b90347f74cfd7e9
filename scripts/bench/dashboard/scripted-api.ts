/**
 * Serves the built dashboard with made runs. The figures are of the page alone, and a run with
 * 100,000 log lines takes no hour to make.
 */
import { createServer, type Server } from "node:http";
import type { LogPage } from "../../../src/contract/run-logs.ts";
import type { RunDocument, TaskOfRun } from "../../../src/contract/run.ts";
import type { DeployedTask } from "../../../src/contract/tasks.ts";
import type { ItemPage } from "../../../src/contract/run-items.ts";
import { buildDashboard } from "../../../src/local/dashboard.ts";
import type { GraphTask } from "./graphs.ts";

/** The beginning of every made run, milliseconds since 1970. */
const START = Date.parse("2026-11-22T10:00:00.000Z");

/** The content of a made run. */
export interface RunShape {
  readonly graph: readonly GraphTask[];
  /** Log lines of each task. */
  readonly lines?: number;
  /** Items of the second task. */
  readonly items?: number;
  /** The distance between failed tasks; absent: no task fails. */
  readonly failsEach?: number;
}

/** A server of made runs. */
export interface ScriptedApi {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the server on a free port of this machine. The ids of the runs are the keys. */
export async function serveRuns(runs: Readonly<Record<string, RunShape>>): Promise<ScriptedApi> {
  const { document, assets } = await buildDashboard();
  const documents = new Map(
    Object.entries(runs).map(([id, shape]) => [id, JSON.stringify(runOf(id, shape))]),
  );
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://dashboard.example");
    const send = (type: string, text: string, status = 200): void => {
      response.writeHead(status, { "Content-Type": type });
      response.end(text);
    };
    const json = (value: unknown): void => send("application/json", JSON.stringify(value));
    const asset = assets[pathname.replace("/dashboard/assets/", "")];
    const [, runId = "", task = "", part = ""] =
      /^\/api\/v1\/runs\/([^/]+)(?:\/tasks\/([^/]+)\/(\w+))?$/.exec(pathname) ?? [];
    const shape = runs[runId];
    if (asset !== undefined) send(asset.type, asset.text);
    else if (pathname === "/dashboard/session")
      json({ name: "bench", scopes: ["admin"], expires_at: null });
    else if (shape !== undefined && task === "")
      send("application/json", documents.get(runId) ?? "");
    else if (shape !== undefined && part === "logs") json(logsOf(shape, task, searchParams));
    else if (shape !== undefined && part === "items") json(itemsOf(shape, searchParams));
    else if (pathname === "/api/v1/tasks")
      json({ tasks: Object.values(runs).flatMap(({ graph }) => deployedTasks(graph)) });
    else if (pathname.startsWith("/api/"))
      json({ runs: [], schedules: [], entries: [], next_cursor: null });
    else send("text/html", document);
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${portOf(server)}`, close: () => closed(server) };
}

/** The port of a listening server. */
function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Closes the server and the connections that a browser keeps open. */
function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => void server.close(() => done()));
}

/** A time of a made run in ISO 8601, this many milliseconds after the beginning. */
function time(ms: number): string {
  return new Date(START + ms).toISOString();
}

/** Makes a final run with one attempt a task. */
function runOf(
  id: string,
  { graph, items = 0, lines = 0, failsEach = Infinity }: RunShape,
): RunDocument {
  const upstream = new Map<string, string[]>(graph.map(({ task }) => [task, []]));
  for (const { task, downstream } of graph)
    for (const child of downstream) upstream.get(child)?.push(task);
  const tasks = graph.map(({ task, downstream }, at): TaskOfRun => {
    const isFailed = at % failsEach === failsEach - 1;
    // A task with items has its own attempt when they are done.
    const start = at * 20 + (at > 0 ? items : 0);
    return {
      task,
      status: isFailed ? "failed" : "succeeded",
      reason: null,
      upstream: upstream.get(task) ?? [],
      downstream: [...downstream],
      attempts: [
        {
          attempt: 1,
          status: isFailed ? "failed" : "succeeded",
          started_at: time(start),
          finished_at: time(start + 900),
          error: isFailed ? { name: "Error", message: `no disk for ${task}`, stack: null } : null,
          ...(lines > 0 && { log_lines: lines }),
        },
      ],
      progress: null,
      output: null,
      waiting_for: null,
      ...(items > 0 && at === 1
        ? { each: { total: items, succeeded: items, failed: 0, running: 0 } }
        : {}),
    };
  });
  const last = graph.length * 20 + items + 900;
  return {
    run_id: id,
    task: graph[0]?.task ?? "",
    status: failsEach === Infinity ? "succeeded" : "failed",
    trigger: { source: "api", by: "bench", parent: null, replay_of: null },
    tags: [],
    late: false,
    created_at: time(0),
    started_at: time(0),
    finished_at: time(last),
    duration_ms: last,
    work_ms: last,
    waited_ms: 0,
    rounds: 1,
    history: [{ what: "triggered", at: time(0), by: "bench" }],
    conf_version: "bench",
    tasks,
    children: [],
  };
}

/** A page of log lines: one each 10 ms, one in 97 an error. */
function logsOf({ graph, lines = 0 }: RunShape, task: string, query: URLSearchParams): LogPage {
  const from = Number(query.get("cursor") ?? "0");
  const to = Math.min(lines, from + Number(query.get("limit") ?? "200"));
  const place = graph.findIndex((one) => one.task === task);
  const logs = Array.from({ length: Math.max(0, to - from) }, (_, offset) => ({
    at: time(place * 20 + (from + offset) * 10),
    attempt: 1,
    level: (from + offset) % 97 === 96 ? ("error" as const) : ("info" as const),
    message: `line ${from + offset} of ${task}`,
    fields: (from + offset) % 5 === 0 ? { rows: from + offset } : null,
  }));
  return { logs, dropped: 0, next_cursor: to < lines ? String(to) : null };
}

/** A page of items. */
function itemsOf({ items = 0, lines = 0 }: RunShape, query: URLSearchParams): ItemPage {
  const from = Number(query.get("cursor") ?? "0");
  const to = Math.min(items, from + Number(query.get("limit") ?? "200"));
  const page = Array.from({ length: Math.max(0, to - from) }, (_, offset) => ({
    index: from + offset,
    status: "succeeded" as const,
    reason: null,
    attempts: [
      {
        attempt: 1,
        status: "succeeded" as const,
        started_at: time(from + offset),
        finished_at: time(from + offset + 400),
        error: null,
        ...(lines > 0 && { log_lines: lines }),
      },
    ],
    output: { kind: "json", size: 25, content_type: "application/json" },
  }));
  return { items: page, next_cursor: to < items ? String(to) : null };
}

/** The tasks of a graph as `GET /tasks` has them. */
function deployedTasks(graph: readonly GraphTask[]): readonly DeployedTask[] {
  const upstream = new Map<string, string[]>(graph.map(({ task }) => [task, []]));
  for (const { task, downstream } of graph)
    for (const child of downstream) upstream.get(child)?.push(task);
  return graph.map(({ task, downstream }) => ({
    task,
    method: task,
    description: null,
    upstream: upstream.get(task) ?? [],
    downstream: [...downstream],
    on: { r2: [], events: [] },
    schedules: [],
    retries: {
      limit: 3,
      delay_ms: 1_000,
      backoff: "exponential",
      max_delay_ms: 300_000,
      jitter: true,
    },
    timeout_ms: 60_000,
    run_if: "all_success",
    each: null,
    concurrency: null,
    rate_limit: null,
    priority: null,
    debounce: null,
    external: false,
    dispatch: "direct",
    paused: null,
    callable: true,
    input_schema: null,
    output_schema: null,
  }));
}
