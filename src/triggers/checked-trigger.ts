/** A checked trigger, and the derived parts of its accept request. */
import type { RunGraph } from "../domain/plan/run-graph.ts";
import type { RunId } from "../domain/ids.ts";
import { limitPathsOf, type PayloadLimitKeys } from "../domain/limits/limit.ts";
import type { Problem } from "../domain/problem.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import { COMPARES_PAYLOAD, type TriggerKey } from "../domain/trigger-key.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import { limitKeysOf } from "../payloads/limit-keys.ts";
import type { AcceptRequest } from "../objects/run/accept-rpc.ts";

/** A trigger whose payload fits its task. */
export interface CheckedTrigger {
  readonly task: string;
  readonly payload: EncodedPayload;
  readonly idempotencyKey: TriggerKey | null;
  readonly origin: TriggerOrigin;
  readonly delayMs: number;
  readonly graph: RunGraph;
}

/** True if the key must not be reused with another payload. */
export function isCompared(key: TriggerKey | null): boolean {
  return key !== null && COMPARES_PAYLOAD[key.kind];
}

/** Creates a key for signing completion URLs if the graph has an external task. */
export function completionKeyFor({ tasks }: RunGraph): Pick<AcceptRequest, "completionKey"> {
  return tasks.some(({ external }) => external) ? { completionKey: newCompletionKey() } : {};
}

/** A key of 256 random bits, as hex. */
function newCompletionKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** Extracts the limit keys of the root task from the payload, if the task has limits with keys. */
export async function limitKeysFor(
  { tasks: [root] }: RunGraph,
  payload: EncodedPayload,
): Promise<{ readonly limitKeys?: PayloadLimitKeys }> {
  const paths = root?.limits === undefined ? null : limitPathsOf(root.limits);
  return paths === null
    ? {}
    : { limitKeys: await limitKeysOf(paths, payload, root?.each !== undefined) };
}

/** The refusal of a key that has started a run with another payload. */
export function idempotencyMismatch(task: string, key: TriggerKey | null, runId: RunId): Problem {
  const name = JSON.stringify((key?.sent ?? key?.name ?? "").slice(0, 200));
  return {
    code: "idempotency_mismatch",
    detail: `The idempotency key ${name} has triggered the run ${runId} of "${task}" with another payload; nothing was started or changed.`,
    hint: "Use a key of its own for each payload. A value that differs from call to call, such as the time, belongs in no payload that is sent again; in a task, keep it in a step.",
  };
}
