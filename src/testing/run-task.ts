/**
 * `runTask`: one attempt of one function, by the engine's own code, without a pipeline around it.
 */
import { runIdFromBytes } from "../domain/ids.ts";
import type { LeasePayload, NewPayload } from "../domain/payload.ts";
import type { TaskFunction, TypedTask } from "../execution/author/method.ts";
import type { Lease } from "../objects/run/lease-rpc.ts";
import type { AttemptOutcome, Settlement } from "../objects/run/settlement-rpc.ts";
import { installAuthorGlobals } from "./author-globals.ts";
import { checkNode, loadEngine } from "./engine.ts";
import type { KitClient, KitFace } from "./kit-face.ts";
import { AttemptNotes, type MadeTrigger, valueOf } from "./attempt-notes.ts";
import { wrappedTask } from "./registry.ts";
import { timeOf } from "./time.ts";
import { TestWorld, type WorldSettings } from "./world.ts";

/** Options of `runTask`. */
export interface RunTaskOptions {
  /** The outputs of upstream tasks by name, for `readFromParentTask`. */
  readonly parents?: Readonly<Record<string, unknown>>;
  /** The downstream tasks that `runOnlyChildTasks` and `{to}` may name. Default: any name. */
  readonly children?: readonly string[];
  /** The number of the attempt. Default: 1. */
  readonly attempt?: number;
  /** The results of steps that earlier attempts have finished, by name. */
  readonly steps?: Readonly<Record<string, unknown>>;
  /** The item of a task with `each`. Default: none. */
  readonly item?: { readonly index: number; readonly total: number };
  /** Values of the worker's `env`. */
  readonly env?: Readonly<Record<string, unknown>>;
  /** The time of the clock: ISO 8601, or a date. Default: the real time. */
  readonly now?: string | Date | number;
  /** The timeout of the attempt, in milliseconds of the clock. Default: 25,000. */
  readonly timeoutMs?: number;
}

/** A log line of an attempt. */
type LoggedLine = Pick<Settlement["logs"][number], "level" | "message" | "fields">;

/** The outcome of an attempt. */
export interface TaskResult {
  /** The value for the downstream tasks; undefined if the attempt has failed. */
  readonly passed: unknown;
  /** Values for single downstream tasks (`passToChildTask(data, {to})`), by name. */
  readonly to: Readonly<Record<string, unknown>>;
  /** The downstream tasks that the attempt chose; null if it has not chosen. */
  readonly chosen: readonly string[] | null;
  readonly triggered: readonly MadeTrigger[];
  readonly emitted: readonly { readonly name: string; readonly payload: unknown }[];
  readonly logs: readonly LoggedLine[];
  readonly progress: { readonly fraction: number; readonly message: string | null } | null;
  /** The results of the steps that this attempt has finished, by name. */
  readonly steps: Readonly<Record<string, unknown>>;
  /** The error that the attempt ended with; null if it succeeded. */
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly stack: string | null;
  } | null;
  /**
   * The retry after the attempt; null after a success, or if no retry can help. `afterMs` is the
   * delay in milliseconds; null: the delay of `retries` in peach.conf.
   */
  readonly retry: { readonly afterMs: number | null } | null;
}

const TASK = "task";

/**
 * Runs one attempt of a task's function, or of a task declared with types. Triggers and events are
 * noted and start nothing. Resolves also if the function throws (see `error`).
 *
 * @example
 * const { passed, triggered } = await runTask(greet, { name: "Ada" });
 */
export async function runTask(
  fn: TaskFunction | TypedTask,
  payload?: unknown,
  options: RunTaskOptions = {},
): Promise<TaskResult> {
  checkNode();
  installAuthorGlobals();
  const world = new TestWorld({
    ...EMPTY,
    code: await loadEngine(),
    startsAt: timeOf(options.now ?? Date.now()),
    env: options.env ?? {},
  });
  try {
    const method = wrappedTask(fn, payload, options.parents, (...given) => world.call(...given));
    return await world.request(`a call of ${TASK}`, (client) =>
      attempt(client, world, method, payload, options),
    );
  } finally {
    world.close();
  }
}

/** A world of no project, in which nothing goes wrong. */
const EMPTY: Omit<WorldSettings, "code" | "startsAt" | "env"> = {
  project: {
    plan: {
      version: "none",
      codops: "default",
      retentionMs: 86_400_000,
      inlineLimitBytes: 1_000_000,
      onFailure: null,
      tasks: {},
      endpoints: [],
      buckets: {},
    },
    bindings: { buckets: {}, kv: [], queues: [], vars: {}, others: {} },
    functions: new Map(),
  },
  seed: 1,
  mocks: {},
  patienceMs: 2_000,
  faults: null,
  isTelling: false,
};

async function attempt(
  { face, dependencies, env, ctx }: KitClient,
  world: TestWorld,
  method: TypedTask,
  payload: unknown,
  options: RunTaskOptions,
): Promise<TaskResult> {
  const notes = new AttemptNotes(face, world.rig.payloads);
  const lease = leaseOf(face, payload, options);
  const deadlines = new face.Deadlines();
  try {
    const settlement = await face.executeAttempt(
      lease,
      { tasks: { [TASK]: method }, endpoints: {} },
      {
        env: notes.envWith(env),
        lifetime: { waitUntil: (work) => ctx.waitUntil(work), budgetMs: () => 28_000 },
        accept: (_env, _lifetime, trigger) => notes.accept(trigger),
        emit: (_env, _lifetime, event) => notes.emit(event),
        plan: dependencies.plan,
      },
      deadlines,
    );
    return await resultOf(settlement, notes);
  } finally {
    deadlines.close();
  }
}

function leaseOf(face: KitFace, payload: unknown, options: RunTaskOptions): Lease {
  const { parents, children = new AnyName(), attempt: number = 1, steps = {}, item } = options;
  const names = Object.keys(parents ?? {});
  const stored = (value: unknown): LeasePayload => inline(face, value);
  const inputs =
    parents === undefined
      ? [{ parent: "", payload: stored(payload) }]
      : names.map((parent) => ({ parent, payload: stored(parents[parent]) }));
  return {
    runId: RUN_ID,
    ordinal: 0,
    task: TASK,
    method: TASK,
    attempt: number,
    token: 1,
    timeoutMs: options.timeoutMs ?? 25_000,
    inlineLimitBytes: Number.MAX_SAFE_INTEGER,
    depth: 0,
    shape: parents === undefined ? "trigger" : names.length === 1 ? "value" : "keyed",
    inputs,
    parents: names,
    children,
    steps: Object.entries(steps).map(([name, value]) => ({ name, payload: stored(value) })),
    ...(item !== undefined && { item: { ...item, of: 0, isElement: true } }),
  };
}

const RUN_ID = runIdFromBytes(new Uint8Array(16));

/** A list of downstream tasks that includes every name. */
class AnyName extends Array<string> {
  override includes(): boolean {
    return true;
  }
}

/** Encodes a value for a lease. Throws for a value that is no payload. */
function inline(face: KitFace, value: unknown): LeasePayload {
  const encoded = face.encodePayload(value);
  if (!encoded.ok) throw new TypeError(encoded.problem.detail);
  const { body, ...description } = encoded.value;
  if (body instanceof ReadableStream)
    throw new TypeError("runTask reads no stream: pass its bytes, or use testPipeline");
  return { ...description, size: body.length, at: "inline", bytes: body };
}

async function resultOf(settlement: Settlement, notes: AttemptNotes): Promise<TaskResult> {
  const { outcome, logs, progress } = settlement;
  const value = (payload: NewPayload): unknown => valueOf(notes, payload);
  const succeeded = outcome.type === "succeeded" ? outcome : null;
  return {
    passed: succeeded === null ? undefined : value(succeeded.output),
    to: Object.fromEntries(
      Object.entries(succeeded?.to ?? {}).map(([child, payload]) => [child, value(payload)]),
    ),
    chosen: succeeded?.chosen ?? null,
    triggered: notes.triggered,
    emitted: notes.emitted,
    logs: logs.map(({ level, message, fields }) => ({
      level,
      message,
      fields,
    })),
    progress:
      progress === undefined ? null : { fraction: progress.fraction, message: progress.message },
    steps: Object.fromEntries(Array.from(notes.steps, ([name, payload]) => [name, value(payload)])),
    error: errorOf(outcome),
    retry: retryOf(outcome),
  };
}

function errorOf(outcome: AttemptOutcome): TaskResult["error"] {
  switch (outcome.type) {
    case "succeeded":
    case "waiting":
      return null;
    case "suspended":
      return {
        name: "SuspendedError",
        message: `the attempt waits for runs of ${outcome.awaits.map(({ task }) => task).join(", ")}, and runTask starts none: use testPipeline`,
        stack: null,
      };
    case "failed":
    case "timed_out":
    case "lost":
    case "undeployed":
      return outcome.error ?? null;
  }
}

function retryOf(outcome: AttemptOutcome): TaskResult["retry"] {
  if (outcome.type === "failed")
    return outcome.retryable ? { afterMs: outcome.retryAfterMs } : null;
  return outcome.type === "timed_out" || outcome.type === "lost" ? { afterMs: null } : null;
}
