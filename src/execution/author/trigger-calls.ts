/**
 * Triggers made by tasks and endpoints. One function for both: only the key and the origin differ.
 */
import type { RunId } from "../../domain/ids.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { ProblemError } from "../../domain/problem.ts";
import type { TriggerOrigin } from "../../domain/trigger.ts";
import type { TriggerKey } from "../../domain/trigger-key.ts";
import { encodePayload } from "../../payloads/codec.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { RunDocument } from "../../objects/run/run-documents-rpc.ts";
import type { AcceptTrigger } from "../../triggers/accept.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import type { DerivedKey } from "../../triggers/derived-key.ts";
import type { EmitEvent, EmittedEvent, EmittedRun } from "../../triggers/emit.ts";
import { AtOnce } from "../../platform/at-once.ts";
import type { DurationInput, TriggeredRun, TriggerOptions } from "./api.ts";
import { millisecondsOf, ResultTimeoutError } from "./errors.ts";
import { tagsGiven } from "./trigger-options.ts";
import type { WithEnv } from "./pipeline-env.ts";
import { openOutput } from "../attempt/run-output.ts";

const DEFAULT_RESULT_TIMEOUT_MS = 30_000;

/** The destination of a scope's triggers. */
export interface TriggerHost {
  readonly env: Env;
  readonly lifetime: Lifetime;
  readonly accept: AcceptTrigger;
  readonly emit: EmitEvent;
  readonly plan: Plan;
  /** Absent where authors' code cannot import `env`. */
  readonly withEnv?: WithEnv;
  /** The address of the deployment, if known. */
  readonly url?: string;
}

/** Triggers of one invocation that are accepted concurrently. */
const ACCEPTED_AT_ONCE = 6;

const accepting = new WeakMap<Lifetime, AtOnce>();

function acceptingIn(lifetime: Lifetime): AtOnce {
  const known = accepting.get(lifetime) ?? new AtOnce(ACCEPTED_AT_ONCE);
  accepting.set(lifetime, known);
  return known;
}

export interface AuthorTrigger {
  readonly task: string;
  readonly payload: unknown;
  readonly options: TriggerOptions | undefined;
  /** Null: a fresh run each time. */
  readonly key: TriggerKey | DerivedKey | null;
  readonly origin: TriggerOrigin;
}

/** Triggers a task; rejects with `ProblemError` if it is refused. */
export async function triggerTask(
  host: TriggerHost,
  trigger: AuthorTrigger,
): Promise<TriggeredRun> {
  const { task, options, key, origin } = trigger;
  const payload = encodePayload(trigger.payload);
  if (!payload.ok) throw new ProblemError(payload.problem);
  const request = {
    task,
    payload: payload.value,
    idempotencyKey: key,
    origin: { ...origin, ...(host.url !== undefined && { url: host.url }) },
    delayMs: millisecondsOf(options?.delay ?? 0),
    ...tagsGiven(options),
  };
  const accept = () => host.accept(host.env, host.lifetime, request);
  // A stream may consist of results of other triggers, so waiting for a free slot could deadlock.
  const accepted = await (payload.value.kind === "stream"
    ? accept()
    : acceptingIn(host.lifetime).run(accept));
  if (!accepted.ok) throw new ProblemError(accepted.problem);
  const { runId, deduplicated } = accepted.value;
  const result: TriggeredRun["result"] = (options) => resultOf(host.env, runId, options?.timeout);
  const output: TriggeredRun["output"] = async (name, options) =>
    openOutput(host.env, runId, await result(options), name);
  return { runId, deduplicated, result, output };
}

/** Emits an event; rejects with `ProblemError` if it is refused. */
export async function emitNamedEvent(
  host: TriggerHost,
  event: Omit<EmittedEvent, "payload"> & { readonly payload: unknown },
): Promise<readonly EmittedRun[]> {
  const payload = encodePayload(event.payload);
  if (!payload.ok) throw new ProblemError(payload.problem);
  const url = host.url === undefined ? {} : { url: host.url };
  const emitted = await host.emit(host.env, host.lifetime, {
    ...event,
    ...url,
    payload: payload.value,
  });
  if (!emitted.ok) throw new ProblemError(emitted.problem);
  return emitted.value;
}

/** The timeout of `result({timeout})` in milliseconds. */
export function resultTimeoutMs(timeout: DurationInput | undefined): number {
  return timeout === undefined ? DEFAULT_RESULT_TIMEOUT_MS : millisecondsOf(timeout);
}

/** The error of `result({timeout})` after the timeout. */
export function resultTimedOut(runId: RunId, timeoutMs: number): ResultTimeoutError {
  return new ResultTimeoutError(
    `the run ${runId} was not final within ${timeoutMs} ms; it goes on, read it by its id`,
  );
}

async function resultOf(
  env: Env,
  runId: RunId,
  timeout: DurationInput | undefined,
): Promise<RunDocument> {
  const timeoutMs = resultTimeoutMs(timeout);
  const document = await callRun(env, runId, (run) => run.untilFinal(timeoutMs), timeoutMs);
  if (document !== null) return document;
  throw resultTimedOut(runId, timeoutMs);
}
