/**
 * The API calls of the load, as any client would make them: over HTTP, each with a time limit. A
 * call rejects if no answer came.
 */
import * as z from "zod";
import { RUN_DOCUMENT, type RunDocument } from "./history.ts";
import type { RuntimeFixture } from "./fixture.ts";

const CALL_LIMIT_MS = 10_000;

const ACCEPTED = z.object({ run_id: z.string(), deduplicated: z.boolean() });
const STORED = z.object({
  event: z
    .object({ object: z.object({ key: z.string(), eTag: z.string() }), eventTime: z.string() })
    .loose(),
  will_trigger: z.array(z.object({ run_id: z.string() })),
});
const LISTED = z.object({
  runs: z.array(z.object({ run_id: z.string(), status: z.string() })),
  next_cursor: z.string().nullable(),
});
const DEAD_LETTERS = z.object({ dead_letters: z.array(z.unknown()) });

/** An answer that a correct client should never get. */
export class UnexpectedAnswer extends Error {}

/** The deployed version of peach.conf does not have the task. */
export class NotDeployed extends Error {}

/** Statuses that ask for a retry. */
const BUSY = new Set([429, 502, 503]);
const COMPLETED = z.object({ code: z.string() });

export class Client {
  readonly #fixture: RuntimeFixture;
  readonly #signal: AbortSignal;

  /** The signal ends every call. */
  constructor(fixture: RuntimeFixture, signal: AbortSignal) {
    this.#fixture = fixture;
    this.#signal = signal;
  }

  async trigger(
    task: string,
    body: Uint8Array<ArrayBuffer>,
    contentType: string,
    key: string | null,
    isInOneVersion: boolean,
  ): Promise<z.infer<typeof ACCEPTED>> {
    const headers = {
      "Content-Type": contentType,
      ...(key !== null && { "Idempotency-Key": key }),
    };
    const answer = await this.#call(`/api/v1/tasks/${task}/trigger`, {
      method: "POST",
      body,
      headers,
    });
    if (isInOneVersion && answer.status === 404)
      throw new NotDeployed(`${task} is not there: ${await answer.text()}`);
    return ACCEPTED.parse(await this.#json(answer, 202));
  }

  /** Stores an object in the bucket `uploads`; its notification is delivered twice. */
  async putUpload(key: string, body: Uint8Array<ArrayBuffer>): Promise<z.infer<typeof STORED>> {
    return STORED.parse(
      await this.#json(
        await this.#call(`/dev/r2/uploads/${key}?deliveries=2`, { method: "PUT", body }),
        201,
      ),
    );
  }

  /** Returns true if this call cancelled the run, false if the run was final. */
  async cancel(runId: string): Promise<boolean> {
    const answer = await this.#call(`/api/v1/runs/${runId}/cancel`, { method: "POST" });
    const isFinal = answer.status === 409;
    await this.#text(answer, isFinal ? 409 : 200);
    return !isFinal;
  }

  /**
   * Completes an external task by its URL, without an API token. Returns null if the report counts,
   * else the refusal.
   */
  async complete(url: string, payload: unknown): Promise<string | null> {
    const answer = await this.#call(new URL(url).pathname + new URL(url).search, {
      method: "POST",
      body: JSON.stringify({ status: "succeeded", payload }),
      headers: { Authorization: "" },
    });
    if (answer.status === 200) return this.#text(answer, 200).then(() => null);
    if (BUSY.has(answer.status)) throw new Error(await answer.text());
    return COMPLETED.parse(JSON.parse(await answer.text())).code;
  }

  /** The present document of the run; null if the run does not exist. */
  async run(runId: string): Promise<RunDocument | null> {
    const answer = await this.#call(`/api/v1/runs/${runId}`);
    if (answer.status !== 404) return RUN_DOCUMENT.parse(await this.#json(answer, 200));
    await answer.body?.cancel();
    return null;
  }

  /** The listed status of each run, read page by page. */
  async listed(): Promise<Map<string, string>> {
    const statuses = new Map<string, string>();
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = LISTED.parse(
        await this.#json(await this.#call(`/api/v1/runs?limit=200${query}`), 200),
      );
      for (const { run_id, status } of page.runs) statuses.set(run_id, status);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return statuses;
  }

  /** The newest dead letters with their contents. */
  async deadLetters(): Promise<readonly unknown[]> {
    return DEAD_LETTERS.parse(
      await this.#json(await this.#call("/api/v1/dead-letters?limit=200"), 200),
    ).dead_letters;
  }

  async #call(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (headers.get("Authorization") === "") headers.delete("Authorization");
    else headers.set("Authorization", `Bearer ${this.#fixture.token}`);
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    return fetch(this.#fixture.url + path, { ...init, headers, signal });
  }

  async #json(answer: Response, expected: number): Promise<unknown> {
    return JSON.parse(await this.#text(answer, expected));
  }

  async #text(answer: Response, expected: number): Promise<string> {
    const text = await answer.text();
    if (answer.status === expected) return text;
    const what = `${new URL(answer.url).pathname} answered ${answer.status}: ${text.slice(0, 300)}`;
    throw BUSY.has(answer.status) ? new Error(what) : new UnexpectedAnswer(what);
  }
}
