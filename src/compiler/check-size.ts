/** Graphs that no run could hold: a run is one object of the platform, and what it is asked is one message. */
import { MAX_TASKS } from "../domain/plan/run-graph.ts";
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
export function checkSize(
  conf: ValidConf,
  edges: readonly Edge[],
  loaded: LoadedConf,
  report: Report,
): void {
  for (const { root, problem } of oversized([...conf.tasks.keys()], edges))
    report(loaded.keySpan(["tasks", root]), `tasks.${root}: ${problem}`, { hint: SPLIT });
}

/** The roots of these tasks from which too much is reachable, and what would be too much. */
export function oversized(
  names: readonly string[],
  edges: readonly Pick<Edge, "parent" | "child">[],
): { readonly root: string; readonly problem: string }[] {
  if (names.length <= MAX_TASKS && bytesOf(names, edges) <= MAX_DOCUMENT_BYTES) return [];
  const ordinals = new Map(names.map((name, ordinal) => [name, ordinal]));
  const children = names.map((): number[] => []);
  const roots = new Set(names.keys());
  for (const { parent, child } of edges) {
    const ordinal = ordinals.get(child) ?? 0;
    children[ordinals.get(parent) ?? 0]?.push(ordinal);
    roots.delete(ordinal);
  }
  return [...roots].flatMap((root) => {
    const problem = problemOf(reachableFrom(root, names, children));
    return problem === null ? [] : [{ root: names[root] ?? "", problem }];
  });
}

function problemOf({ tasks, bytes }: ReturnType<typeof reachableFrom>): string | null {
  if (tasks > MAX_TASKS) return `a run of it would have ${tasks} tasks, ${MAX_TASKS} are the most`;
  if (bytes <= MAX_DOCUMENT_BYTES) return null;
  return `a run of it would have some ${Math.ceil(bytes / 1e6)} MB of names and arrows, ${MAX_DOCUMENT_BYTES / 1e6} MB are the most`;
}

const SPLIT =
  "split it: a task may trigger the root of another graph with triggerTaskWithEvent, and `each` runs one task over many items";

/** What a run of all tasks would have. */
function bytesOf(
  names: readonly string[],
  edges: readonly Pick<Edge, "parent" | "child">[],
): number {
  let bytes = 0;
  for (const name of names) bytes += TASK_BYTES + name.length;
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
