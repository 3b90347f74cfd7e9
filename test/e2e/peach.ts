/** Peach's HTTP API as the tests call it. */
import { vi } from "vitest";
import { z } from "zod";

const accepted = z.object({
  run_id: z.string(),
  task: z.string(),
  status: z.string(),
  deduplicated: z.boolean(),
  url: z.string(),
});

const attempt = z.object({
  attempt: z.number(),
  status: z.string(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
  error: z.object({ name: z.string(), message: z.string(), stack: z.string().nullable() }).nullable(),
});

const taskDocument = z.object({
  task: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  upstream: z.array(z.string()),
  downstream: z.array(z.string()),
  attempts: z.array(attempt),
  output: z.object({ kind: z.string(), size: z.number(), content_type: z.string() }).nullable(),
  each: z.object({ total: z.number(), succeeded: z.number(), failed: z.number(), running: z.number() }).optional(),
});

const runReference = z.object({ run_id: z.string(), task: z.string() });

const runDocument = z.object({
  ...runReference.shape,
  status: z.string(),
  trigger: z.object({ source: z.string(), by: z.string(), parent: runReference.nullable() }),
  created_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  duration_ms: z.number().nullable(),
  tasks: z.array(taskDocument),
  children: z.array(runReference),
});

export type RunDocument = z.infer<typeof runDocument>;
export type TaskDocument = z.infer<typeof taskDocument>;

export interface TriggerOptions {
  readonly idempotencyKey?: string;
  readonly contentType?: string;
}

const FINAL = new Set(["succeeded", "failed", "cancelled"]);
const POLL_MS = 50;

export class Peach {
  readonly url: string;
  readonly token: string;

  constructor({ url, token }: { readonly url: string; readonly token: string }) {
    this.url = url;
    this.token = token;
  }

  /** Any call, with the token. */
  call(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.token}`);
    return fetch(this.url + path, { ...init, headers });
  }

  /** Triggers a task with a JSON payload; what the API answered. Rejects unless it accepted. */
  async trigger(
    task: string,
    payload: unknown = null,
    options: TriggerOptions = {},
  ): Promise<z.infer<typeof accepted>> {
    return this.triggerBody(task, JSON.stringify(payload), { contentType: "application/json", ...options });
  }

  /** Triggers a task with this body as it is. Rejects unless the API accepted. */
  async triggerBody(
    task: string,
    body: NonNullable<RequestInit["body"]>,
    options: TriggerOptions,
  ): Promise<z.infer<typeof accepted>> {
    const headers = new Headers();
    if (options.contentType !== undefined) headers.set("Content-Type", options.contentType);
    if (options.idempotencyKey !== undefined) headers.set("Idempotency-Key", options.idempotencyKey);
    const answer = await this.call(`/api/v1/tasks/${task}/trigger`, {
      method: "POST",
      body,
      headers,
      ...(body instanceof ReadableStream && { duplex: "half" }),
    });
    if (answer.status !== 202)
      throw new Error(`the trigger of ${task} answered ${answer.status}: ${await answer.text()}`);
    return accepted.parse(await answer.json());
  }

  /** The run as it is now. Rejects if there is none. */
  async run(runId: string): Promise<RunDocument> {
    const answer = await this.call(`/api/v1/runs/${runId}`);
    if (answer.status !== 200) throw new Error(`the run ${runId} answered ${answer.status}: ${await answer.text()}`);
    return runDocument.parse(await answer.json());
  }

  /** The run once it is final. */
  finished(runId: string, limitMs = 30_000): Promise<RunDocument> {
    return vi.waitFor(
      async () => {
        const run = await this.run(runId);
        if (!FINAL.has(run.status)) throw new Error(`not final after ${limitMs} ms: ${describe(run)}`);
        return run;
      },
      { timeout: limitMs, interval: POLL_MS },
    );
  }

  /** What the task passed, or what triggered the run. */
  async payload(runId: string, task?: string): Promise<Response> {
    return this.call(`/api/v1/runs/${runId}/${task === undefined ? "" : `tasks/${task}/`}payload`);
  }
}

/** The task of this name. Throws if the run has none. */
export function taskOf(run: RunDocument, name: string): TaskDocument {
  const task = run.tasks.find((entry) => entry.task === name);
  if (task === undefined) throw new Error(`the run ${run.run_id} has no task ${name}`);
  return task;
}

/** What is going on in a run that does not end, for the message of a test that fails. */
function describe({ run_id, status, tasks }: RunDocument): string {
  return `${run_id} ${status}: ${tasks.map((task) => `${task.task} ${task.status} (${task.attempts.length})`).join(", ")}`;
}
