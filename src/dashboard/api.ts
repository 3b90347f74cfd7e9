/**
 * The API, called with the session's cookie. Every refusal is a `ProblemError`; one for want of a session also says so to whoever
 * watches `loggedOut`, so that the page asks for a token wherever it stands.
 */
import { signal } from "@preact/signals";
import type { ProblemDocument } from "./documents.ts";

const API = "/api/v1";

/** Counts how often the API has said that nobody is logged in. */
export const loggedOut = signal(0);

/** A refusal of the API, or that it could not be reached. */
export class ProblemError extends Error {
  readonly problem: ProblemDocument;

  constructor(problem: ProblemDocument) {
    super(problem.detail);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** What went wrong, as a problem document, whatever was thrown. */
export function problemOf(error: unknown): ProblemDocument {
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

/** `GET /api/v1` and this path, as JSON. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(API + path, signal === undefined ? {} : { signal });
  const body: T = await response.json();
  return body;
}

export interface PostOptions {
  readonly body?: string | Blob;
  readonly contentType?: string;
  readonly idempotencyKey?: string;
}

/** `POST /api/v1` and this path; the answer as JSON. */
export async function post<T>(path: string, options: PostOptions = {}): Promise<T> {
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

/** `DELETE /api/v1` and this path. */
export async function remove(path: string): Promise<void> {
  await send(API + path, { method: "DELETE", headers: { "X-Peach-Dashboard": "1" } });
}

/** The bytes at this path below /api/v1, at most the first `limit`. */
export async function getBytes(
  path: string,
  limit: number,
  signal: AbortSignal,
): Promise<Response> {
  return send(API + path, { headers: { Range: `bytes=0-${limit - 1}` }, signal });
}

/** The address of a payload, for images, sound and downloads. */
export function payloadUrl(runId: string, task: string | null, item: number | null = null): string {
  return API + payloadPath(runId, task, item);
}

/** The path below /api/v1 of what a task, or an item of it, passed; with a null task, of what triggered the run. */
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

async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await reach(url, init);
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (response.status === 401) loggedOut.value += 1;
  throw new ProblemError(problem);
}

/** The answer of our own server; refuses with a problem if there is none. */
export async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { credentials: "same-origin", ...init });
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

/** The problem document of an answer that is none of the good ones. */
export async function readProblem(response: Response): Promise<ProblemDocument> {
  const { status } = response;
  try {
    const problem: ProblemDocument = await response.json();
    if (typeof problem.detail === "string") return problem;
  } catch {
    // Something before the worker has answered, in its own words.
  }
  return {
    title: "No answer",
    status,
    code: `http_${status}`,
    detail: `The answer was ${status}.`,
    hint: "Try again.",
  };
}
