/**
 * Calls the API with the session's cookie. Every refusal is a `ProblemError`. A refusal for want of
 * a session also counts up `loggedOut`, so that any page can ask for a token.
 */
import { signal } from "@preact/signals";
import { heedServer } from "./live/clock.ts";
import type { ShownProblem } from "./shown-problem.ts";

/** The path below which the API answers, on the origin of the page. */
const API = "/api/v1";

/** Counts the answers with status 401. */
export const loggedOut = signal(0);

/** A refusal of the API, or a failure to reach the worker. */
export class ProblemError extends Error {
  /** The problem document of the answer, as pages show it. */
  readonly problem: ShownProblem;

  constructor(problem: ShownProblem) {
    super(problem.detail);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/**
 * Converts anything thrown to a problem document. Anything but a `ProblemError` is a fault of the
 * dashboard itself.
 */
export function problemOf(error: unknown): ShownProblem {
  if (error instanceof ProblemError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return {
    title: "The dashboard has a fault",
    status: 0,
    code: "fault",
    detail,
    hint: "Load the page again.",
  };
}

/**
 * Requests `GET /api/v1` and this path, and returns the JSON of the answer. The type is the
 * caller's word: answers are not checked.
 */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(API + path, signal === undefined ? {} : { signal });
  const body: T = await response.json();
  return body;
}

/** Options of `post`. A call without a body has no content type. */
export interface PostOptions {
  readonly body?: string | Blob;
  readonly contentType?: string;
  /** The value of the header `Idempotency-Key`: a repeated call with it starts no second run. */
  readonly idempotencyKey?: string;
}

/** Requests `POST /api/v1` and this path, and returns the JSON of the answer. */
export async function post<T>(path: string, options: PostOptions = {}): Promise<T> {
  // Another site cannot set this header without asking first, so the call comes from this page.
  const headers: Record<string, string> = { "X-Peach-Dashboard": "1" };
  if (options.contentType !== undefined) headers["Content-Type"] = options.contentType;
  if (options.idempotencyKey !== undefined) headers["Idempotency-Key"] = options.idempotencyKey;
  const response = await send(API + path, {
    method: "POST",
    headers,
    ...(options.body === undefined ? {} : { body: options.body }),
  });
  const body: T = await response.json();
  return body;
}

/** Requests `DELETE /api/v1` and this path. */
export async function remove(path: string): Promise<void> {
  await send(API + path, { method: "DELETE", headers: { "X-Peach-Dashboard": "1" } });
}

/**
 * Requests at most the first `limit` bytes at this path. The caller reads the body. A payload
 * without bytes has no such range and is requested whole.
 */
export async function getBytes(
  path: string,
  limit: number,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await send(API + path, { headers: { Range: `bytes=0-${limit - 1}` }, signal });
  } catch (error) {
    if (problemOf(error).code !== "range_not_satisfiable") throw error;
    return send(API + path, { signal });
  }
}

/** The URL of a payload, for images, media and downloads. */
export function payloadUrl(runId: string, task: string | null, item: number | null = null): string {
  return API + payloadPath(runId, task, item);
}

/**
 * The API path of a task's output, or of the output of one item. With a null task, the path of the
 * payload that triggered the run.
 */
export function payloadPath(
  runId: string,
  task: string | null,
  item: number | null = null,
): string {
  const run = `/runs/${encodeURIComponent(runId)}`;
  if (task === null) return `${run}/payload`;
  const passed = `${run}/tasks/${encodeURIComponent(task)}`;
  return item === null ? `${passed}/payload` : `${passed}/items/${item}/payload`;
}

/** Sends a request and throws a `ProblemError` for any refusal. */
async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await reach(url, init);
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (response.status === 401) loggedOut.value += 1;
  throw new ProblemError(problem);
}

/**
 * Sends a request to the page's own worker. Throws a `ProblemError` if nothing answers; an aborted
 * request throws its `AbortError`.
 */
export async function reach(url: string, init: RequestInit): Promise<Response> {
  const sentAt = Date.now();
  try {
    const response = await fetch(url, { credentials: "same-origin", ...init });
    heedServer(response.headers.get("Date"), sentAt);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ProblemError({
      title: "Not reachable",
      status: 0,
      code: "unreachable",
      detail: "The worker does not answer.",
      hint: "Is it running, and are you online? The page goes on as soon as it answers.",
    });
  }
}

/** Reads the problem document of a refusal, or makes one from its status. */
export async function readProblem(response: Response): Promise<ShownProblem> {
  const { status } = response;
  try {
    const problem: ShownProblem = await response.json();
    if (typeof problem.detail === "string") return problem;
  } catch {
    // A proxy in front of the worker has answered in a format of its own.
  }
  return {
    title: "No answer",
    status,
    code: `http_${status}`,
    detail: `The answer was ${status}.`,
    hint: "Try again.",
  };
}
