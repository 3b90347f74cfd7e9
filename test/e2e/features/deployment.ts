/** The deployment of fixture `features`: what the tests of one feature after another ask of it. */
import { createHash } from "node:crypto";
import { expect, vi } from "vitest";
import { z } from "zod";
import type { RunDocument } from "../peach.ts";
import { Stage } from "../stage.ts";

/** Generous: the machine may be busy with something else. */
export const SOON = { timeout: 30_000, interval: 20 };

/** A token by what it may do; each is its scope, so that one sees which is meant. */
export function tokenOf(scope: string): string {
  return `token-of-the-end-to-end-tests-${scope}`;
}

const SCOPES = ["read", "trigger", "trigger:echo", "operate", "admin"];

/** How deep runs may trigger each other here. */
export const DEPTH = 3;

/** `vars`: beside those that every test of it needs. */
export function openFeatures(vars: Readonly<Record<string, string>>): Promise<Stage> {
  const tokens = SCOPES.map((scope) => {
    const digest = createHash("sha256").update(tokenOf(scope)).digest("hex");
    return `${scope.replace(":", "-")}:${scope}:${digest}`;
  });
  return Stage.open("features", undefined, {
    PEACH_API_TOKENS: tokens.join(),
    PEACH_MAX_TRIGGER_DEPTH: String(DEPTH),
    PEACH_CORS_ORIGINS: "http://localhost:4321",
    ...vars,
  });
}

const started = z.object({ runs: z.array(z.object({ run_id: z.string(), task: z.string() })) });
const listed = z.object({ runs: z.array(z.object({ run_id: z.string() })) });

/** The runs that an answer names, once it is 202. */
export async function runsOf(answer: Response): Promise<readonly { run_id: string; task: string }[]> {
  const text = await answer.text();
  expect([answer.status, text]).toEqual([202, expect.any(String)]);
  return started.parse(JSON.parse(text)).runs;
}

/** The first of them; fails if there are none, or more. */
export async function onlyRunOf(answer: Response): Promise<string> {
  const runs = await runsOf(answer);
  expect(runs).toHaveLength(1);
  return runs[0]?.run_id ?? "";
}

/** The runs of this task, newest first, as they are listed: a moment late. */
export async function listedRuns(stage: Stage, task: string): Promise<string[]> {
  const answer = await stage.peach.call(`/api/v1/runs?task=${task}&limit=200`);
  return listed.parse(await answer.json()).runs.map(({ run_id }) => run_id);
}

/** What the task of the run passed, as JSON. */
export async function passed(stage: Stage, runId: string, task: string): Promise<unknown> {
  return (await stage.peach.payload(runId, task)).json();
}

/** Lets the task of this run go on, which waits at the gate that is called like it. */
export async function letGo(stage: Stage, runId: string): Promise<RunDocument> {
  await stage.recorder.openOnceReached(runId);
  return stage.peach.finished(runId);
}

/** Changes an object on the local runtime, which tells of it as R2 does: the runs that it will trigger. */
export async function changeObject(
  stage: Stage,
  method: "PUT" | "DELETE",
  path: string,
  body?: string,
): Promise<readonly { run_id: string; task: string }[]> {
  const headers = { "Content-Type": "text/plain" };
  const answer = await fetch(`${stage.peach.url}/dev/r2/uploads/${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  const told = z.object({ will_trigger: started.shape.runs });
  return told.parse(await answer.json()).will_trigger;
}

/** The run once it is there and final: an upload is told of in a queue. */
export async function runOfObject(stage: Stage, runId: string | undefined): Promise<RunDocument> {
  await vi.waitFor(() => stage.peach.run(runId ?? ""), SOON);
  return stage.peach.finished(runId ?? "");
}
