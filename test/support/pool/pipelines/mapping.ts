/** Tasks that run over arrays; what ran is counted, by run and task. */
import { log, NonRetryableError, triggerTaskWithEvent, type TaskContext } from "../../../../src/task-helpers.ts";

const counted = new Map<string, Map<string, number>>();

/** How often this item (or, with null, this task) was called in this run. */
export function callsOf(runId: string, task: string, index: number | null): number {
  return counted.get(runId)?.get(`${task}/${index}`) ?? 0;
}

function count({ runId, name, item }: TaskContext): void {
  const calls = counted.get(runId) ?? new Map<string, number>();
  const key = `${name}/${item?.index ?? null}`;
  calls.set(key, (calls.get(key) ?? 0) + 1);
  counted.set(runId, calls);
}

/** Passes `of`, so many times its index; or what the trigger carried, if that is no such wish. */
export function spread(payload: { readonly count?: number; readonly pad?: number }): unknown {
  const { count = null, pad = 0 } = payload;
  return count === null
    ? payload
    : Array.from({ length: count }, (_, n) => (pad > 0 ? { n, pad: "p".repeat(pad) } : n));
}

/** Ten times the number; `fail` fails, `bytes` are passed as such. */
export async function tenfold(given: unknown, task: TaskContext): Promise<unknown> {
  count(task);
  if (given === "fail") throw new NonRetryableError("this item fails");
  if (given === "bytes") return new Uint8Array(3);
  if (given === "trigger") {
    const { runId } = await triggerTaskWithEvent("echo", task.item?.index);
    return runId;
  }
  if (typeof given === "object" && given !== null) return given;
  if (given === "log") log.info(`item ${task.item?.index ?? "?"} of ${task.item?.total ?? "?"}`);
  return typeof given === "number" ? given * 10 : given;
}

/** Passes what it reads. */
export function collected(read: unknown, task: TaskContext): unknown {
  count(task);
  return read;
}
