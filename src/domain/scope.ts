/**
 * Scopes of a token and the rights they grant. Pure: ownership of tokens and runs is decided
 * elsewhere.
 */

const TASK_NAME = "[A-Za-z_][A-Za-z0-9_-]{0,63}";
const WRITTEN = new RegExp(
  `^(?:read|operate|admin|trigger(?::${TASK_NAME}(?:\\+${TASK_NAME})*)?)$`,
);

/**
 * Scope of a token, as written.
 * - `read`: everything but secrets.
 * - `trigger`: triggers tasks, emits events, and reads the runs started by the token.
 *   `trigger:a+b`: these tasks only.
 * - `operate`: all of `read`; cancels, retries, replays, completes, pauses, redrives. Triggers
 *   nothing.
 * - `admin`: all of the above, and manages tokens and sessions.
 */
export type Scope = "read" | "trigger" | `trigger:${string}` | "operate" | "admin";

/**
 * Right required by a call.
 * - `known`: any authenticated caller. `read`: read everything.
 * - `read_run`: read one run; `trigger` grants this for the token's own runs.
 * - `trigger`: start a run. `operate`: change existing runs. `admin`: manage access.
 */
export const RIGHTS = ["known", "read", "read_run", "trigger", "operate", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

/** Scopes granting each right, as listed in descriptions. */
export const SCOPES_OF: Readonly<Record<Right, readonly Scope[]>> = {
  known: ["read", "trigger", "operate", "admin"],
  read: ["read", "operate", "admin"],
  read_run: ["read", "trigger", "operate", "admin"],
  trigger: ["trigger", "admin"],
  operate: ["operate", "admin"],
  admin: ["admin"],
};

/** Parses a scope; null if invalid. */
export function parseScope(text: string): Scope | null {
  return isScope(text) ? text : null;
}

/**
 * Tests whether a scope grants the right for any purpose. `trigger:a` grants the right to trigger
 * something.
 */
export function hasRight(scopes: readonly Scope[], right: Right): boolean {
  return scopes.some((scope) =>
    SCOPES_OF[right].some((known) => known === (isNarrow(scope) ? "trigger" : scope)),
  );
}

/**
 * Tests whether a scope allows a trigger of this task; null means every present and future task.
 */
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
