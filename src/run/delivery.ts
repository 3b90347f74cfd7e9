/**
 * Leases as drivers get them: what each task reads, looked up in the run and its journal. A lease carries small payloads with it;
 * what would make the answer too large is left `held`, and the driver asks for it.
 */
import { inputsOf } from "../core/inputs.ts";
import type { PayloadDelivery, PayloadParcel, PayloadRef } from "../core/payload-ref.ts";
import type { Run } from "../core/run.ts";
import type { GrantedLease } from "../core/run-event.ts";
import type { Lease } from "./run-rpc.ts";
import type { RunStore } from "./store.ts";

/** Payload bytes in one answer. An RPC message may hold 32 MiB; the object has 128 MB for everything. */
const ANSWER_BYTES = 4_000_000;

/** The leases of one answer, their payloads with them as far as they fit. */
export function deliver(run: Run, store: RunStore, granted: readonly GrantedLease[]): Lease[] {
  const pack = packer(store);
  return granted.flatMap(({ ordinal, attempt, token }) => {
    const entry = run.tasks[ordinal];
    if (entry === undefined) return [];
    const { task } = entry;
    const inputs = inputsOf(run, task).map(({ parent, ref }) => ({ parent, payload: pack(ref) }));
    return [
      {
        runId: run.id,
        ordinal,
        task: task.name,
        method: task.method,
        attempt,
        token,
        timeoutMs: task.timeoutMs,
        inlineLimitBytes: run.graph.inlineLimitBytes,
        depth: run.origin.depth ?? 0,
        ...(run.origin.traceparent !== undefined && { traceparent: run.origin.traceparent }),
        shape: task.shape,
        inputs,
        parents: task.parents,
        children: task.downstream.flatMap((child) => run.tasks[child]?.task.name ?? []),
        ...(entry.steps !== undefined && {
          steps: entry.steps.map(({ name, result }) => ({ name, payload: pack(result) })),
        }),
        ...(entry.waits !== undefined && { waits: entry.waits }),
      },
    ];
  });
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
export function inlineParcel(store: RunStore, ref: PayloadRef & { readonly at: "run" }): PayloadParcel {
  const bytes = store.read(ref.seq, ref.offset, ref.size);
  if (bytes === null) throw new Error(`journal entry ${ref.seq} lacks the ${ref.size} payload bytes it should hold`);
  const { kind, size, contentType, form } = ref;
  return { kind, size, contentType, ...(form !== undefined && { form }), at: "inline", bytes };
}
