/** What tasks of the simulated world pass, as texts that tell where they are from. */
import type { RunId } from "../../src/core/ids.ts";
import type { Run, TaskEntry } from "../../src/core/run.ts";
import type { Lease } from "../../src/run/run-rpc.ts";

/** What the item of this index is called in texts. */
export function itemName(task: string, index: number): string {
  return `${task}[${index}]`;
}

/** The attempt whose result was accepted, or that was named by the report which completed the task; 0 if none was. */
export function acceptedAttempt({ attempts }: TaskEntry): number {
  const accepted = attempts.find(({ status }) => status === "succeeded");
  const by = accepted?.completedBy;
  return attempts.find(({ completedBy }) => by !== undefined && completedBy === by)?.attempt ?? accepted?.attempt ?? 0;
}

/** What a task passes begins with this; only what the accepted attempt passed may be read. */
export function passedText(runId: RunId, task: string, attempt: number, to: string): string {
  return `${runId} ${task} attempt ${attempt} to "${to}";`;
}

/** What a step comes to begins with this. */
export function stepText({ runId, task, attempt }: Lease, name: string): string {
  return `${runId} ${task} ${name} by attempt ${attempt};`;
}

/** What the items passed, one after the other, and which attempt put it together. */
export function gatheredText(runId: RunId, task: string, attempt: number, texts: readonly (string | null)[]): string {
  return `${passedText(runId, task, attempt, "")}${texts.join("|")}`;
}

/** What stands for an item that has failed. */
export const NOTHING_PASSED = "null";

/** What this child reads of that parent begins with it; empty: anything. Nothing if it has passed nothing. */
export function passedBy(run: Run, ordinal: number, child: TaskEntry): [string, string][] {
  const parent = run.tasks[ordinal];
  if (parent?.state.status !== "succeeded") return [];
  const { name } = parent.task;
  // Of an empty array: it passes what it has read.
  if (parent.task.each !== undefined && parent.each === undefined) return [[name, ""]];
  if (parent.each !== undefined && child.item !== undefined) {
    const { index } = child.item;
    const item = run.items[parent.each.first - run.tasks.length + index];
    const isThere = item?.state.status === "succeeded";
    return [[name, isThere ? passedText(run.id, itemName(name, index), acceptedAttempt(item), "") : NOTHING_PASSED]];
  }
  const isForChild = parent.state.passed.to?.[child.task.name] !== undefined;
  return [[name, passedText(run.id, name, acceptedAttempt(parent), isForChild ? child.task.name : "")]];
}
