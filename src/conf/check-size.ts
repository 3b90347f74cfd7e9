/** Graphs that no run could hold: a run is one object of the platform, and what it is asked is one message. */
import { MAX_TASKS } from "../core/graph.ts";
import type { Edge } from "./check-graph.ts";
import type { Report } from "./diagnostic.ts";
import type { LoadedConf } from "./load.ts";
import type { ValidConf } from "./validate.ts";

/** A message between objects has 32 MiB: the run's document, which names each task and both ends of each arrow, must fit. */
const MAX_DOCUMENT_BYTES = 28_000_000;
/** Of a task in the document, beside the names: its attempt, its times, its output. */
const TASK_BYTES = 600;
/** Of an arrow, beside its two names. */
const ARROW_BYTES = 8;

/** Reports each root from which more is reachable than one run can hold. */
export function checkSize(conf: ValidConf, edges: readonly Edge[], loaded: LoadedConf, report: Report): void {
  if (conf.tasks.size <= MAX_TASKS && mostBytes(conf, edges) <= MAX_DOCUMENT_BYTES) return;
  const names = [...conf.tasks.keys()];
  const ordinals = new Map(names.map((name, ordinal) => [name, ordinal]));
  const children = names.map((): number[] => []);
  const roots = new Set(names.keys());
  for (const { parent, child } of edges) {
    const ordinal = ordinals.get(child) ?? 0;
    children[ordinals.get(parent) ?? 0]?.push(ordinal);
    roots.delete(ordinal);
  }
  for (const root of roots) {
    const { tasks, bytes } = reachableFrom(root, names, children);
    const name = names[root] ?? "";
    const span = loaded.keySpan(["tasks", name]);
    if (tasks > MAX_TASKS)
      report(span, `tasks.${name}: a run of it would have ${tasks} tasks, ${MAX_TASKS} are the most`, { hint: SPLIT });
    else if (bytes > MAX_DOCUMENT_BYTES)
      report(
        span,
        `tasks.${name}: a run of it would have some ${Math.ceil(bytes / 1e6)} MB of names and arrows, ${MAX_DOCUMENT_BYTES / 1e6} MB are the most`,
        { hint: SPLIT },
      );
  }
}

const SPLIT =
  "split it: a task may trigger the root of another graph with triggerTaskWithEvent, and `each` runs one task over many items";

/** What a run of all tasks would have. */
function mostBytes(conf: ValidConf, edges: readonly Edge[]): number {
  let bytes = 0;
  for (const name of conf.tasks.keys()) bytes += TASK_BYTES + name.length;
  for (const { parent, child } of edges) bytes += parent.length + child.length + ARROW_BYTES;
  return bytes;
}

function reachableFrom(
  root: number,
  names: readonly string[],
  children: readonly (readonly number[])[],
): { readonly tasks: number; readonly bytes: number } {
  const found = new Set([root]);
  let bytes = 0;
  // A set is walked through to those that are added meanwhile.
  for (const ordinal of found) {
    const own = names[ordinal]?.length ?? 0;
    bytes += TASK_BYTES + own;
    for (const child of children[ordinal] ?? []) {
      bytes += own + (names[child]?.length ?? 0) + ARROW_BYTES;
      found.add(child);
    }
  }
  return { tasks: found.size, bytes };
}
