/** The session: who is logged in, logging in and logging out. */
import { signal } from "@preact/signals";
import { hasRight, mayTriggerTask, type Scope } from "../domain/scope.ts";
import { ProblemError, reach, readProblem } from "./api.ts";

/** The answer of `/dashboard/session`. */
export interface SessionDocument {
  /** The name of the token, or of the person where an identity provider logs in. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The end of the session. Null if another system, such as Cloudflare Access, controls it. */
  readonly expires_at: string | null;
}

/** The current session. Undefined until the worker has answered; null if nobody is logged in. */
export const session = signal<SessionDocument | null | undefined>(undefined);

/** True if the session may change runs: cancel, retry, replay, complete and pause. */
export function mayOperate(): boolean {
  return hasRight(session.value?.scopes ?? [], "operate");
}

/**
 * True if the session may trigger this task; without a task, if it may trigger some task.
 * `isCallable` is the value in the task's document.
 *
 * Pages hide or disable what the session may not do; the API checks each call again.
 */
export function mayTrigger(task?: string, isCallable = true): boolean {
  const scopes = session.value?.scopes ?? [];
  if (task === undefined) return hasRight(scopes, "trigger");
  return mayTriggerTask(scopes, task) && (isCallable || hasRight(scopes, "admin"));
}

/**
 * Reads the session of the browser's cookie. Rejects with a problem if the worker cannot be
 * reached.
 */
export async function restoreSession(): Promise<void> {
  const response = await reach("/dashboard/session", {});
  session.value = response.ok ? await documentOf(response) : null;
}

/**
 * Exchanges a token, or the code of a login link, for a session. Rejects with the problem if it is
 * refused.
 */
export async function logIn(
  credentials: { readonly token: string } | { readonly code: string },
): Promise<void> {
  const response = await reach("/dashboard/login", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Peach-Dashboard": "1" },
    body: JSON.stringify(credentials),
  });
  if (!response.ok) throw new ProblemError(await readProblem(response));
  session.value = await documentOf(response);
}

/** Ends the session on the server and in the page. */
export async function logOut(): Promise<void> {
  await reach("/dashboard/logout", { method: "POST", headers: { "X-Peach-Dashboard": "1" } });
  session.value = null;
}

async function documentOf(response: Response): Promise<SessionDocument> {
  const document: SessionDocument = await response.json();
  return document;
}
