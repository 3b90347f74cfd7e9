/**
 * Leases as drivers get them: what each task reads, looked up in the run and its journal. A lease carries small payloads with it;
 * what would make the answer too large is left `held`, and the driver asks for it.
 */
import { attemptTimeoutMs } from "../../domain/run/mapped-task.ts";
import type { GraphTask } from "../../domain/plan/run-graph.ts";
import { inputsOf } from "../../domain/run/task-inputs.ts";
import { limitedChildren } from "../../domain/limits/limited-children.ts";
import {
  descriptionOf,
  type PayloadDelivery,
  type PayloadParcel,
  type PayloadRef,
} from "../../domain/payload.ts";
import { entryOf, type Run, type TaskEntry } from "../../domain/run/state.ts";
import type { GrantedLease } from "../../domain/run/machine-events.ts";
import type { Lease } from "./run-rpc.ts";
import type { RunStore } from "./journal.ts";

/** Payload bytes in one answer. An RPC message may hold 32 MiB; the object has 128 MB for everything. */
const ANSWER_BYTES = 4_000_000;

/** The leases of one answer, their payloads with them as far as they fit. */
export function deliver(run: Run, store: RunStore, granted: readonly GrantedLease[]): Lease[] {
  const pack = packer(store);
  const read = (task: GraphTask): Lease["inputs"] =>
    inputsOf(run, task).map(({ parent, ref }) => ({ parent, payload: pack(ref) }));
  /** One for the leases of all items of a task: an answer holds once what it refers to again and again. */
  const arrays = new Map<number, Lease["inputs"]>();
  const readBy = ({ task, item }: TaskEntry): Pick<Lease, "inputs" | "item" | "gathers"> => {
    if (task.each === undefined) return { inputs: read(task) };
    if (item === undefined) return { inputs: [], gathers: true };
    const { of, index } = item;
    const total = run.tasks[of]?.each?.total ?? 0;
    const passed = passedItem(run, task, index);
    if (passed !== null) {
      const payload = passed.ref === null ? NOTHING : pack(passed.ref);
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
          steps: entry.steps.map(({ name, result }) => ({ name, payload: pack(result) })),
        }),
        ...(entry.waits !== undefined && { waits: entry.waits }),
        ...(entry.arrived !== undefined && {
          arrived: Object.values(entry.arrived).map(({ document, ...final }) => ({
            ...final,
            document: document === undefined ? null : pack(document),
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

/** Puts the payloads of one answer on their way: the bytes of the first ones, as far as they fit. */
export function packer(store: RunStore): (ref: PayloadRef) => PayloadDelivery {
  let room = ANSWER_BYTES;
  return (ref) => {
    if (ref.at === "r2") return ref;
    if (ref.size > room) return { ...ref, at: "held" };
    room -= ref.size;
    return inlineParcel(store, ref);
  };
}

/** The bytes of a payload that lies in the run object. */
export function inlineParcel(
  store: RunStore,
  ref: PayloadRef & { readonly at: "run" },
): PayloadParcel {
  const bytes = store.read(ref.seq, ref.offset, ref.size);
  if (bytes === null)
    throw new Error(`journal entry ${ref.seq} lacks the ${ref.size} payload bytes it should hold`);
  return { ...descriptionOf(ref), at: "inline", bytes };
}

/** What stands for an item that has failed. */
const NOTHING: PayloadParcel = {
  kind: "json",
  size: 4,
  contentType: "application/json",
  at: "inline",
  bytes: new TextEncoder().encode("null"),
};

/**
 * What an item reads whose upstream task has `each` as well: what the item of the same index passed, and not a part of the array;
 * null if it has not.
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
