/** The calls of Peach's HTTP API that the demo makes. Rejects with `ApiError` when the answer is a refusal. */
import { z } from "zod";

const taskView = z.object({
  task: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  attempts: z.array(
    z.object({
      status: z.string(),
      started_at: z.string(),
      finished_at: z.string().nullable(),
      error: z.object({ name: z.string(), message: z.string() }).nullable(),
    }),
  ),
  progress: z.object({ fraction: z.number(), message: z.string().nullable() }).nullable(),
});

const runView = z.object({
  run_id: z.string(),
  task: z.string(),
  status: z.string(),
  duration_ms: z.number().nullable(),
  tasks: z.array(taskView),
});

/** What the demo shows of a run's document. */
export type RunView = z.infer<typeof runView>;
export type TaskView = z.infer<typeof taskView>;

const stored = z.object({ will_trigger: z.array(z.object({ run_id: z.string(), task: z.string() })) });
const problem = z.object({ detail: z.string(), hint: z.string().optional() });

/** A refusal, in words. */
export class ApiError extends Error {}

export class PeachApi {
  readonly #url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  /** The signal ends every call. */
  constructor(url: string, token: string, signal: AbortSignal) {
    this.#url = url;
    this.#token = token;
    this.#signal = signal;
  }

  /** Stores an object in a local bucket; the runs that its notification will start. */
  async putObject(
    bucket: string,
    key: string,
    body: Uint8Array<ArrayBuffer>,
    contentType: string,
  ): Promise<z.infer<typeof stored>["will_trigger"]> {
    const answer = await this.#call(`/dev/r2/${bucket}/${key}`, {
      method: "PUT",
      body,
      headers: { "Content-Type": contentType },
    });
    return stored.parse(await this.#json(answer)).will_trigger;
  }

  /** The run as it is now; null until it is accepted. */
  async run(runId: string): Promise<RunView | null> {
    const answer = await this.#call(`/api/v1/runs/${runId}`, { headers: { Authorization: `Bearer ${this.#token}` } });
    if (answer.status !== 404) return runView.parse(await this.#json(answer));
    await answer.body?.cancel();
    return null;
  }

  /** What an endpoint answers with 200, or null if it answers anything else. */
  async endpoint(path: string): Promise<unknown> {
    const answer = await this.#call(path, {});
    if (answer.status === 200) return this.#json(answer);
    await answer.body?.cancel();
    return null;
  }

  async #call(path: string, init: RequestInit): Promise<Response> {
    return fetch(this.#url + path, { ...init, signal: this.#signal });
  }

  async #json(answer: Response): Promise<unknown> {
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text);
    const refusal = problem.safeParse(parseOrNull(text));
    const reason = refusal.success ? `${refusal.data.detail} ${refusal.data.hint ?? ""}`.trim() : text.slice(0, 200);
    throw new ApiError(`${new URL(answer.url).pathname} answered ${answer.status}: ${reason}`);
  }
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
