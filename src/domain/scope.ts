/** What a token may do: its scopes, each of which gives rights. Pure: whose token it is, and which run is whose, is decided outside. */

const TASK_NAME = "[A-Za-z_][A-Za-z0-9_-]{0,63}";
const WRITTEN = new RegExp(
  `^(?:read|operate|admin|trigger(?::${TASK_NAME}(?:\\+${TASK_NAME})*)?)$`,
);

/**
 * A scope as it is written.
 * - `read`: everything but secrets.
 * - `trigger`: triggers tasks and emits events, and reads the runs that it has started. `trigger:a+b`: only these tasks.
 * - `operate`: all of `read`; cancels, retries, replays, completes, pauses, redrives. It triggers nothing.
 * - `admin`: all of these, and tokens and sessions.
 */
export type Scope = "read" | "trigger" | `trigger:${string}` | "operate" | "admin";

/**
 * What a call needs.
 * - `known`: anybody who can say who they are. `read`: to look at everything.
 * - `read_run`: to look at one run; `trigger` has it for the runs that it has started.
 * - `trigger`: to start a run. `operate`: to change what is there. `admin`: to say who may come in.
 */
export const RIGHTS = ["known", "read", "read_run", "trigger", "operate", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

/** The scopes that give each right, as descriptions name them. */
export const SCOPES_OF: Readonly<Record<Right, readonly Scope[]>> = {
  known: ["read", "trigger", "operate", "admin"],
  read: ["read", "operate", "admin"],
  read_run: ["read", "trigger", "operate", "admin"],
  trigger: ["trigger", "admin"],
  operate: ["operate", "admin"],
  admin: ["admin"],
};

/** The scope in this text, or null if it is none. */
export function parseScope(text: string): Scope | null {
  return isScope(text) ? text : null;
}

/** Whether one of the scopes gives this right, for whatever it may be used. `trigger:a` gives the right to trigger something. */
export function hasRight(scopes: readonly Scope[], right: Right): boolean {
  return scopes.some((scope) =>
    SCOPES_OF[right].some((known) => known === (isNarrow(scope) ? "trigger" : scope)),
  );
}

/** Whether one of the scopes lets this task be triggered; null: any task that there is or will be. */
export function mayTriggerTask(scopes: readonly Scope[], task: string | null): boolean {
  return scopes.some((scope) => {
    if (!isNarrow(scope)) return scope === "trigger" || scope === "admin";
    return task !== null && scope.slice("trigger:".length).split("+").includes(task);
  });
}

function isNarrow(scope: Scope): boolean {
  return scope.startsWith("trigger:");
}

function isScope(text: string): text is Scope {
  return WRITTEN.test(text);
}
