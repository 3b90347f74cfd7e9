/** Notes the triggers, events and steps of an attempt, in place of a deployment. */
import { ok, type Result } from "../domain/problem.ts";
import type { NewPayload } from "../domain/payload.ts";
import { runIdFromBytes } from "../domain/ids.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import type { AcceptedTrigger, TriggerRequest } from "../triggers/accept.ts";
import type { EmittedEvent, EmittedRun } from "../triggers/emit.ts";
import type { FinishedStep } from "../objects/run/lease-rpc.ts";
import type { KitFace } from "./kit-face.ts";
import type { Bucket } from "./platform/bucket.ts";

/** A trigger that an attempt has made. */
export interface MadeTrigger {
  readonly task: string;
  readonly payload: unknown;
  /** The delay before the run starts, in milliseconds. */
  readonly delayMs: number;
}

export class AttemptNotes {
  readonly triggered: MadeTrigger[] = [];
  readonly emitted: { readonly name: string; readonly payload: unknown }[] = [];
  readonly steps = new Map<string, NewPayload>();
  readonly face: KitFace;
  readonly payloads: Bucket;

  constructor(face: KitFace, payloads: Bucket) {
    this.face = face;
    this.payloads = payloads;
  }

  async accept(trigger: TriggerRequest): Promise<Result<AcceptedTrigger>> {
    const { task, delayMs = 0 } = trigger;
    this.triggered.push({ task, payload: await this.#value(trigger.payload), delayMs });
    const runId = runIdFromBytes(new Uint8Array(16).fill(this.triggered.length % 256));
    return ok({ runId, task, status: "queued", deduplicated: false });
  }

  async emit({ name, payload }: EmittedEvent): Promise<Result<readonly EmittedRun[]>> {
    this.emitted.push({ name, payload: await this.#value(payload) });
    return ok([]);
  }

  /** The bindings, with an object of the run that keeps steps. */
  envWith(env: Env): Env {
    const run = {
      recordStep: async ({ name, result }: FinishedStep) => {
        this.steps.set(name, result);
        return true;
      },
      expectOutput: async () => true,
      // No run is ever final, so awaiting a run suspends the attempt.
      untilFinal: async () => null,
      describe: async () => null,
    };
    return Object.assign({}, env, { RUNS: { getByName: () => run } });
  }

  async #value(payload: EncodedPayload): Promise<unknown> {
    const { body } = payload;
    if (body instanceof ReadableStream)
      return new Uint8Array(await new Response(body).arrayBuffer());
    return this.face.decodePayload({ ...payload, size: body.length }, body);
  }
}

/** The value of a stored payload; bytes for a stream. */
export function valueOf(
  { face, payloads }: Pick<AttemptNotes, "face" | "payloads">,
  payload: NewPayload,
): unknown {
  const bytes = payload.at === "inline" ? payload.bytes : payloads.objects.get(payload.key)?.bytes;
  if (bytes === undefined) return undefined;
  return payload.kind === "stream" ? bytes.slice() : face.decodePayload(payload, bytes.slice());
}
