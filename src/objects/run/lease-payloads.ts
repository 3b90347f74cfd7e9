/**
 * Builds the leases for drivers, with the inputs of each task from the run and its journal. A lease
 * carries small payloads. A payload that would make the answer too large is marked `held`, and the
 * driver requests the bytes.
 */
import { attemptTimeoutMs } from "../../domain/run/mapped-task.ts";
import type { GraphTask } from "../../domain/plan/run-graph.ts";
import { inputsOf } from "../../domain/run/task-inputs.ts";
import { limitedChildren } from "../../domain/limits/limited-children.ts";
import {
  descriptionOf,
  type LeasePayload,
  type NewPayload,
  type PayloadRef,
} from "../../domain/payload.ts";
import { entryOf, type Run, type TaskEntry } from "../../domain/run/state.ts";
import type { GrantedLease } from "../../domain/run/machine-events.ts";
import type { Lease } from "./lease-rpc.ts";
import type { Journal } from "./journal.ts";

/**
 * Limit for payload bytes in one answer. An RPC message may hold 32 MiB; the object has 128 MB for
 * everything.
 */
const ANSWER_BYTES = 4_000_000;

/** Builds the leases of one answer, with as many payloads as fit. */
export function buildLeases(run: Run, journal: Journal, granted: readonly GrantedLease[]): Lease[] {
  const attach = payloadAttacher(journal);
  const read = (task: GraphTask): Lease["inputs"] =>
    inputsOf(run, task).map(({ parent, ref }) => ({ parent, payload: attach(ref) }));
  /**
   * An input array per mapped task, shared by the leases of its items: the answer then holds the
   * array once.
   */
  const arrays = new Map<number, Lease["inputs"]>();
  const readBy = ({ task, item }: TaskEntry): Pick<Lease, "inputs" | "item" | "collects"> => {
    if (task.each === undefined) return { inputs: read(task) };
    if (item === undefined) return { inputs: [], collects: true };
    const { of, index } = item;
    const total = run.tasks[of]?.each?.total ?? 0;
    const passed = passedItem(run, task, index);
    if (passed !== null) {
      const payload = passed.ref === null ? NOTHING : attach(passed.ref);
      return {
        inputs: [{ parent: passed.parent, payload }],
        item: { of, index, total, isElement: false },
      };
    }
    const inputs = arrays.get(of) ?? read(task);
    arrays.set(of, inputs);
    return { inputs, item: { of, index, total, isElement: true } };
  };
  return granted.flatMap(({ ordinal, attempt, token }) => {
    const entry = entryOf(run, ordinal);
    if (entry === undefined) return [];
    const { task } = entry;
    const limited = limitedChildren(run, entry);
    return [
      {
        runId: run.id,
        ordinal,
        task: task.name,
        method: task.method,
        ...(task.module !== undefined && { module: task.module }),
        attempt,
        token,
        timeoutMs: attemptTimeoutMs(entry),
        inlineLimitBytes: run.graph.inlineLimitBytes,
        depth: run.origin.depth ?? 0,
        ...(run.origin.traceparent !== undefined && { traceparent: run.origin.traceparent }),
        ...(run.origin.event !== undefined && { event: run.origin.event }),
        ...(run.origin.url !== undefined && { url: run.origin.url }),
        ...completionOf(run, entry),
        shape: task.shape,
        ...readBy(entry),
        parents: task.parents,
        children: task.downstream.flatMap((child) => run.tasks[child]?.task.name ?? []),
        ...(entry.steps !== undefined && {
          steps: entry.steps.map(({ name, result }) => ({ name, payload: attach(result) })),
        }),
        ...(entry.waits !== undefined && { waits: entry.waits }),
        ...(entry.arrived !== undefined && {
          arrived: Object.values(entry.arrived).map(({ document, ...final }) => ({
            ...final,
            document: document === undefined ? null : attach(document),
          })),
        }),
        ...(limited.length > 0 && { limited }),
      },
    ];
  });
}

function completionOf(
  { completionKey: key }: Run,
  { task, attempts }: TaskEntry,
): Pick<Lease, "completion"> {
  const startedAt = attempts.at(-1)?.startedAt;
  if (task.external !== true || key === undefined || startedAt === undefined) return {};
  return { completion: { key, expiresAt: startedAt + task.timeoutMs } };
}

/** Returns a function that attaches the payloads of one answer: inline as long as the bytes fit. */
export function payloadAttacher(journal: Journal): (ref: PayloadRef) => LeasePayload {
  let room = ANSWER_BYTES;
  return (ref) => {
    if (ref.at === "r2") return ref;
    if (ref.size > room) return { ...ref, at: "held" };
    room -= ref.size;
    return inlinePayload(journal, ref);
  };
}

/** Reads the bytes of a payload stored in the run object. */
export function inlinePayload(
  journal: Journal,
  ref: PayloadRef & { readonly at: "run" },
): NewPayload {
  const bytes = journal.read(ref.seq, ref.offset, ref.size);
  if (bytes === null)
    throw new Error(`journal entry ${ref.seq} lacks the ${ref.size} payload bytes it should hold`);
  return { ...descriptionOf(ref), at: "inline", bytes };
}

/** The input in place of a failed item's output. */
const NOTHING: NewPayload = {
  kind: "json",
  size: 4,
  contentType: "application/json",
  at: "inline",
  bytes: new TextEncoder().encode("null"),
};

/**
 * Returns the input of an item whose upstream task is mapped too: the output of the item with the
 * same index. Null if the upstream task is not mapped.
 */
function passedItem(
  run: Run,
  task: GraphTask,
  index: number,
): { readonly parent: string; readonly ref: PayloadRef | null } | null {
  const [parent] = task.shape === "value" ? task.upstream : [];
  const { each, task: of } = (parent === undefined ? undefined : run.tasks[parent]) ?? {};
  if (each === undefined || of === undefined) return null;
  const state = run.items[each.first - run.tasks.length + index]?.state;
  return { parent: of.name, ref: state?.status === "succeeded" ? state.passed.output : null };
}
