/** What tasks of the simulated world pass, as texts that tell where they are from. */
import type { RunId } from "../../src/core/ids.ts";
import type { Run } from "../../src/core/run.ts";
import type { Lease } from "../../src/run/run-rpc.ts";

/** What a task passes begins with this; only what the accepted attempt passed may be read. */
export function passedText(runId: RunId, task: string, attempt: number, to: string): string {
  return `${runId} ${task} attempt ${attempt} to "${to}";`;
}

/** What a step comes to begins with this. */
export function stepText({ runId, task, attempt }: Lease, name: string): string {
  return `${runId} ${task} ${name} by attempt ${attempt};`;
}

/** What a task reads from its upstream task of this ordinal, by that task's name. */
export function passedBy(run: Run, ordinal: number, child: string): [string, string][] {
  const parent = run.tasks[ordinal];
  if (parent?.state.status !== "succeeded") return [];
  const { name } = parent.task;
  const accepted = parent.attempts.find(({ status }) => status === "succeeded")?.attempt ?? 0;
  return [[name, passedText(run.id, name, accepted, parent.state.passed.to?.[child] === undefined ? "" : child)]];
}
