/**
 * Refuses graphs too large for a run. A run is a single Durable Object, and its state travels in a
 * single message.
 */
import { MAX_TASKS } from "../domain/plan/run-graph.ts";
import type { Edge } from "./check-graph.ts";
import type { ConfCheck } from "./validate.ts";

/**
 * The largest document of a run, in bytes. A message between objects holds 32 MiB, and the document
 * names each task and both ends of each edge.
 */
const MAX_DOCUMENT_BYTES = 28_000_000;
/** Bytes of a task in the document, without its name: its attempt, times and output. */
const TASK_BYTES = 600;
/** Bytes of an edge in the document, without its two names. */
const ARROW_BYTES = 8;

/** Reports each root from which more tasks are reachable than one run can hold. */
export function checkSize({ conf, loaded, report }: ConfCheck, edges: readonly Edge[]): void {
  for (const { root, problem } of oversized([...conf.tasks.keys()], edges))
    report("PEACH204", loaded.keySpan(["tasks", root]), `tasks.${root}: ${problem}`, {
      hint: SPLIT,
    });
}

/**
 * Finds the roots whose runs would be too large, with the reason. Returns an empty list early if
 * all tasks together fit, which is the usual case.
 */
export function oversized(
  names: readonly string[],
  edges: readonly Pick<Edge, "parent" | "child">[],
): { readonly root: string; readonly problem: string }[] {
  if (names.length <= MAX_TASKS && bytesOf(names, edges) <= MAX_DOCUMENT_BYTES) return [];
  // Ordinals instead of names: graphs have thousands of tasks, and each root walks all of them.
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

/** Describes why a run is too large, or returns null if it fits. */
function problemOf({ tasks, bytes }: ReturnType<typeof reachableFrom>): string | null {
  if (tasks > MAX_TASKS) return `a run of it would have ${tasks} tasks, ${MAX_TASKS} are the most`;
  if (bytes <= MAX_DOCUMENT_BYTES) return null;
  return `a run of it would have some ${Math.ceil(bytes / 1e6)} MB of names and arrows, ${MAX_DOCUMENT_BYTES / 1e6} MB are the most`;
}

/** The hint of every report of this check. */
const SPLIT =
  "split it: a task may trigger the root of another graph with triggerTaskWithEvent, and `each` runs one task over many items";

/** Estimates the bytes of a document that holds all tasks and edges. */
function bytesOf(
  names: readonly string[],
  edges: readonly Pick<Edge, "parent" | "child">[],
): number {
  let bytes = 0;
  for (const name of names) bytes += TASK_BYTES + name.length;
  for (const { parent, child } of edges) bytes += parent.length + child.length + ARROW_BYTES;
  return bytes;
}

/** Counts the tasks in a run of this root, and estimates the bytes of its document. */
function reachableFrom(
  root: number,
  names: readonly string[],
  children: readonly (readonly number[])[],
): { readonly tasks: number; readonly bytes: number } {
  const found = new Set([root]);
  let bytes = 0;
  // The loop also visits the ordinals that are added to the set meanwhile.
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
