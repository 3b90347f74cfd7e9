/** Who is logged in, logging in and out. */
import { signal } from "@preact/signals";
import { hasRight, mayTriggerTask, type Scope } from "../domain/scope.ts";
import { ProblemError, reach, readProblem } from "./api.ts";

export interface SessionDocument {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null where somebody else, such as Cloudflare Access, looks after that. */
  readonly expires_at: string | null;
}

/** Undefined until it is known; null: nobody is. */
export const session = signal<SessionDocument | null | undefined>(undefined);

/** True if who is logged in may change what is there: cancel, retry, replay, complete, pause. */
export function mayOperate(): boolean {
  return hasRight(session.value?.scopes ?? [], "operate");
}

/** True if who is logged in may trigger this task; without one, some task. `isCallable`: as the task's document says. */
export function mayTrigger(task?: string, isCallable = true): boolean {
  const scopes = session.value?.scopes ?? [];
  if (task === undefined) return hasRight(scopes, "trigger");
  return mayTriggerTask(scopes, task) && (isCallable || hasRight(scopes, "admin"));
}

/** Finds out whether the browser has a session. Rejects with a problem if the worker cannot be reached. */
export async function restoreSession(): Promise<void> {
  const response = await reach("/dashboard/session", {});
  session.value = response.ok ? await documentOf(response) : null;
}

/** Exchanges a token, or the code of a link, for a session. Rejects with the problem if it is refused. */
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

/** Gives the session back. */
export async function logOut(): Promise<void> {
  await reach("/dashboard/logout", { method: "POST", headers: { "X-Peach-Dashboard": "1" } });
  session.value = null;
}

async function documentOf(response: Response): Promise<SessionDocument> {
  const document: SessionDocument = await response.json();
  return document;
}
