/** How a lease, and the attempts of a task, stand. */
import { isFinal, type TaskEntry, type TaskState } from "../../src/core/run.ts";

/** Whether this lease is the one that counts. */
export function isCurrent(state: TaskState, lease: { readonly attempt: number; readonly token: number }): boolean {
  const isOpen = state.status === "running" || (state.status === "waiting" && state.for === "completion");
  return isOpen && state.attempt === lease.attempt && state.token === lease.token;
}

/** How a task and its ended attempts stand; a lease that is granted changes nothing of it. */
export function outcomesOf({ state, attempts }: TaskEntry): string {
  const ended = attempts.flatMap(({ attempt, status }) => (status === "running" ? [] : [`${attempt} ${status}`]));
  return [isFinal(state) ? state.status : "open", ...ended].join(", ");
}
