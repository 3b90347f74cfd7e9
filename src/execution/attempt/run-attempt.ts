/**
 * One attempt, from lease to settlement: find the method, read its inputs, run it in its scope,
 * store its output, and turn every way of ending into one outcome. Nothing here throws, and nothing
 * here calls the run to settle: the caller does.
 *
 * The timeout covers all steps, including reading and storing. When it strikes, the outcome is
 * `timed_out`, whatever the method does afterwards; it is `lost` if a call that Peach made for the
 * attempt failed at first, since the method did not have its whole time then: a read, a trigger, a
 * step, a wait. Late output may still reach R2 under the attempt's key, where no row points at it.
 *
 * Failures of the author's code (`failed`, counted against `retries`) and failures of the
 * infrastructure (`lost`) are always told apart.
 */
import { ProblemError } from "../../domain/problem.ts";
import { isNewerFormat } from "../../domain/version.ts";
import { hearingFailures } from "../../platform/calls.ts";
import type { AttemptError } from "../../domain/run/attempt.ts";
import type { ArrayReader } from "../../payloads/array-reader.ts";
import { encodePayload, type EncodedPayload } from "../../payloads/codec.ts";
import { limitKeysOfChildren } from "../../payloads/limit-keys.ts";
import type { HeldReader } from "../../payloads/payload-store.ts";
import { PayloadStoreError } from "../../payloads/r2-calls.ts";
import { IdentityUnreachableError } from "../../objects/identity/identity-client.ts";
import { callRun, RunUnreachableError } from "../../objects/run/run-client.ts";
import type { AttemptOutcome, Settlement } from "../../objects/run/settlement-rpc.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import { AttemptCancellation } from "./cancellation.ts";
import { AttemptInputs } from "./inputs.ts";
import { runInScope } from "../author/context.ts";
import type { Deadlines } from "./deadlines.ts";
import { AttemptOverError, AttemptTimeoutError } from "../author/errors.ts";
import { collectItems } from "./collect-items.ts";
import {
  findMethod,
  methodOf,
  type MethodRegistry,
  type RunnableMethod,
} from "../author/method.ts";
import { OutputStore } from "./output-store.ts";
import { withTriggers } from "../author/pending-triggers.ts";
import type { ProgressReporter } from "../driver/progress-reporter.ts";
import { TaskScope } from "../author/task-scope.ts";
import type { TriggerHost } from "../author/trigger-calls.ts";
import { fit } from "../../payloads/check-schema.ts";

/** Time for cleaning up after an attempt was told that it is over, in milliseconds. */
const CLEANUP_MS = 5_000;

/** The deployment id where the caller gives none. */
const UNKNOWN_DEPLOYMENT = "unknown";

const MAX_MESSAGE = 4_096;
const MAX_STACK = 8_192;

/** Runs the attempt of the lease. Always resolves, within the attempt's timeout. */
export async function executeAttempt(
  lease: Lease,
  registry: MethodRegistry,
  host: TriggerHost,
  deadlines: Deadlines,
  arrays?: ArrayReader,
  reports?: ProgressReporter,
  deployment = UNKNOWN_DEPLOYMENT,
): Promise<Settlement> {
  const { runId } = lease;
  const held: HeldReader = (seq, offset, size) =>
    callRun(host.env, runId, (run) => run.held(seq, offset, size));
  const inputs = new AttemptInputs(lease, host.env.PAYLOADS, held, arrays);
  const cancellation = new AttemptCancellation();
  const scope = new TaskScope(lease, inputs, host, cancellation);
  const reported = reports?.add({
    lease,
    lines: () => scope.log.lines,
    dropped: () => scope.log.dropped,
    progress: () => scope.progressSaid,
    over: (why) => cancelEarly(cancellation, deadlines, why),
  });
  if (reported !== undefined) scope.whenNews(reported.news);
  const found = workOf(lease, registry, inputs, scope, cancellation, host.env);
  // The method is nearly always loaded already; awaiting it would cost a turn.
  const work = found instanceof Promise ? await found : found;
  const ended =
    typeof work !== "function"
      ? undeployed(lease, deployment, work)
      : await withinTimeout(lease, cancellation, deadlines, work);
  const outcome = lease.collects === true ? blameless(ended) : ended;
  cancellation.cancel(() => new Error("the attempt has ended"));
  scope.resources.close();
  reported?.leave();
  const { ordinal, attempt, token } = lease;
  return {
    ordinal,
    attempt,
    token,
    outcome,
    children: scope.children,
    logs: scope.log.lines,
    logsDropped: scope.log.dropped,
    ...(scope.progressSaid !== null && { progress: scope.progressSaid }),
  };
}

/**
 * The work of the attempt. Null if the deployed code has no such method; an error if its file threw
 * when evaluated.
 */
function workOf(
  lease: Lease,
  registry: MethodRegistry,
  inputs: AttemptInputs,
  scope: TaskScope,
  cancellation: AttemptCancellation,
  env: Env,
): Work | Promise<Work> {
  if (lease.collects === true) return () => collect(lease, env);
  const toWork = (method: RunnableMethod | null): Work =>
    method === null ? null : () => run(lease, method, inputs, scope, cancellation, env);
  const method = methodOf(registry, lease.method);
  if (method !== null) return toWork(method);
  return findMethod(registry, lease.method, lease.module).then(toWork, (thrown: unknown) =>
    describe(thrown),
  );
}

type Work = (() => Promise<AttemptOutcome>) | AttemptError | null;

/**
 * A timeout while collecting items is the fault of the infrastructure: none of the author's code
 * has run.
 */
function blameless(outcome: AttemptOutcome): AttemptOutcome {
  return outcome.type === "timed_out"
    ? { type: "lost", to: "surroundings", error: outcome.error }
    : outcome;
}

async function collect(lease: Lease, env: Env): Promise<AttemptOutcome> {
  try {
    const { output, limitKeys } = await collectItems(lease, env.PAYLOADS, (call) =>
      callRun(env, lease.runId, call),
    );
    return { type: "succeeded", output, to: null, ...(limitKeys !== null && { limitKeys }) };
  } catch (thrown) {
    return outcomeOf(thrown);
  }
}

/**
 * Cancels an attempt whose result is no longer wanted. The attempt learns of it by its signal and
 * has `CLEANUP_MS` to clean up; its outcome is ignored.
 */
function cancelEarly(
  cancellation: AttemptCancellation,
  deadlines: Deadlines,
  why: "cancelled" | "superseded",
): void {
  const error = new AttemptOverError(
    why === "cancelled"
      ? "the run was cancelled"
      : "the lease of this attempt is over, another one may have begun",
  );
  cancellation.cancel(() => error);
  deadlines.set(CLEANUP_MS, () =>
    cancellation.settle({ type: "lost", to: "surroundings", error: describe(error), goesOn: true }),
  );
}

/** The outcome for a thrown value of any kind. Reading the value may throw as well. */
export function outcomeOf(thrown: unknown): AttemptOutcome {
  try {
    const error = describe(thrown);
    if (isInfrastructureFailure(thrown)) return { type: "lost", to: "surroundings", error };
    const [retryable, retryAfterMs] = [isRetryable(thrown), retryAfterOf(thrown)];
    return { type: "failed", error, retryable, retryAfterMs, reason: "error" };
  } catch {
    const error = {
      name: "Error",
      message: "the task threw something that cannot be read",
      stack: null,
    };
    return { type: "failed", error, retryable: true, retryAfterMs: null, reason: "error" };
  }
}

async function run(
  lease: Lease,
  method: RunnableMethod,
  inputs: AttemptInputs,
  scope: TaskScope,
  cancellation: AttemptCancellation,
  env: Env,
): Promise<AttemptOutcome> {
  try {
    // A method without parameters reads through the helper, perhaps as a stream: 64 MiB are not
    // fetched in vain.
    const read = method.takesPayload ? await inputs.value() : undefined;
    const payload = await scope.withImportedEnv(() =>
      fit(method.input, read, `what the task "${lease.task}" reads`, "decoded"),
    );
    // Reading may have used up the timeout. Another attempt may be running then, so this attempt
    // must not begin.
    cancellation.throwIfCancelled();
    if (lease.completion !== undefined) await scope.prepare();
    const call = (): unknown => scope.withImportedEnv(() => method.run(payload, scope));
    const returned = await runInScope(scope, () => withTriggers(() => scope.triggers, call));
    // The returned value is ignored: an external task passes the payload that completes it.
    if (lease.completion !== undefined) return { type: "waiting" };
    const { output, to } = await passedBy(lease, method, scope, returned);
    // The output of a cancelled attempt is never read.
    cancellation.throwIfCancelled();
    refuseBytes(lease, output);
    const store = new OutputStore(lease, env);
    const limitKeys = await limitKeysOfChildren(lease.limited, (child) =>
      passedTo(child, output, to),
    );
    return {
      type: "succeeded",
      output: await store.store(output, ""),
      to: await store.storeAll(to),
      ...(limitKeys !== null && { limitKeys }),
      ...(scope.chosenChildren !== null && { chosen: scope.chosenChildren }),
    };
  } catch (thrown) {
    return outcomeOf(thrown);
  }
}

/** The output for all children and for single ones, each checked against the `output` schema. */
async function passedBy(
  lease: Lease,
  { output: schema }: RunnableMethod,
  scope: TaskScope,
  returned: unknown,
): Promise<{ readonly output: unknown; readonly to: ReadonlyMap<string, unknown> }> {
  const what = `what the task "${lease.task}" passes`;
  const { data, to } = scope.passedData(returned);
  const fitted = new Map<string, unknown>();
  const fitOutput = (value: unknown, name: string): unknown =>
    scope.withImportedEnv(() => fit(schema, value, name, "made"));
  for (const [child, value] of to)
    fitted.set(child, await fitOutput(value, `${what} to "${child}"`));
  // A task that returns nothing, and passes a value of its own to each chosen child, has no common
  // output.
  const chosen = scope.chosenChildren ?? lease.children;
  const isForNobody = data === undefined && to.size > 0 && chosen.every((child) => to.has(child));
  return { output: isForNobody ? data : await fitOutput(data, what), to: fitted };
}

/** Refuses bytes and streams as an item's output: the array of all outputs is JSON. */
function refuseBytes({ task, item }: Lease, output: unknown): void {
  const isBytes =
    output instanceof ArrayBuffer || ArrayBuffer.isView(output) || output instanceof Blob;
  if (item === undefined || !(isBytes || output instanceof ReadableStream)) return;
  throw new ProblemError({
    code: "payload_not_serializable",
    detail: `Item ${item.index} of "${task}" passes ${isBytes ? "bytes" : "a stream"}, which cannot be part of an array that is read as JSON.`,
    hint: "Pass a JSON value or a string; put the bytes into a bucket and pass their key.",
  });
}

/**
 * The payload that `child` will read. Null for a stream, which can be read only once, to be stored,
 * and for a value that is no payload.
 */
function passedTo(
  child: string,
  output: unknown,
  to: ReadonlyMap<string, unknown>,
): EncodedPayload | null {
  const data = to.has(child) ? to.get(child) : output;
  const encoded = data instanceof ReadableStream ? null : encodePayload(data);
  return encoded?.ok === true ? encoded.value : null;
}

async function withinTimeout(
  lease: Lease,
  cancellation: AttemptCancellation,
  deadlines: Deadlines,
  work: () => Promise<AttemptOutcome>,
): Promise<AttemptOutcome> {
  let isHindered = false;
  const { promise, resolve } = Promise.withResolvers<AttemptOutcome>();
  cancellation.onSettled(resolve);
  const lift = deadlines.set(lease.timeoutMs, () => {
    const error = new AttemptTimeoutError(lease.timeoutMs);
    cancellation.cancelWith(
      () => error,
      isHindered ? hindered(error) : { type: "timed_out", error: describe(error) },
    );
  });
  const outcome = await Promise.race([hearingFailures(() => (isHindered = true), work), promise]);
  lift();
  return outcome;
}

function hindered(error: Error): AttemptOutcome {
  const { message } = error;
  const why = `${message}, and calls of Peach failed for a part of it`;
  return { type: "lost", to: "surroundings", error: { ...describe(error), message: why } };
}

/**
 * The outcome of an attempt whose method is missing; no code ran. `thrown`: the error of the
 * method's file when it was evaluated.
 */
function undeployed(
  { task, method }: Lease,
  deployment: string,
  thrown: AttemptError | null,
): AttemptOutcome {
  const why =
    thrown === null
      ? `has no method "${method}"`
      : `cannot load "${method}" (${thrown.name}: ${thrown.message})`;
  const message = `the deployed code ${why} for the task "${task}"; deploy it again, or cancel the run`;
  const error = {
    name: "MethodMissingError",
    message: message.slice(0, MAX_MESSAGE),
    stack: thrown?.stack ?? null,
  };
  return { type: "undeployed", deployment, error };
}

function describe(thrown: unknown): AttemptError {
  if (!(thrown instanceof Error)) {
    const shown: string | undefined = typeof thrown === "string" ? thrown : JSON.stringify(thrown);
    return {
      name: "Error",
      message: `the task threw ${shown ?? typeof thrown}`.slice(0, MAX_MESSAGE),
      stack: null,
    };
  }
  // An author's error may have values of any type in these properties.
  const { name, message, stack }: { name: unknown; message: unknown; stack?: unknown } = thrown;
  return {
    name: String(name).slice(0, MAX_MESSAGE),
    message: String(message).slice(0, MAX_MESSAGE),
    stack: typeof stack === "string" ? stack.slice(0, MAX_STACK) : null,
  };
}

function isInfrastructureFailure(thrown: unknown): boolean {
  if (thrown instanceof ProblemError) return thrown.problem.code === "overloaded";
  const outside = [PayloadStoreError, RunUnreachableError, IdentityUnreachableError];
  return outside.some((known) => thrown instanceof known) || isNewerFormat(thrown);
}

/**
 * False if another attempt cannot help: a refused trigger or payload is refused again, and a
 * deleted object stays deleted.
 */
function isRetryable(thrown: unknown): boolean {
  if (thrown instanceof ProblemError) return false;
  return !(
    thrown instanceof Error &&
    (thrown.name === "NonRetryableError" || thrown.name === "PayloadMissingError")
  );
}

function retryAfterOf(thrown: unknown): number | null {
  if (
    !(thrown instanceof Error) ||
    thrown.name !== "RetryAfterError" ||
    !("retryAfterMs" in thrown)
  )
    return null;
  return typeof thrown.retryAfterMs === "number" ? thrown.retryAfterMs : null;
}
