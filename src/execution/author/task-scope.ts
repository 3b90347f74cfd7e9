/**
 * One attempt of a task, as its author and the helpers see it. Collects the outputs, log lines and
 * triggers of the attempt. Nothing of them is visible before the attempt settles, except triggered
 * runs, which a later attempt finds again.
 */
import type { EventAttributes } from "../../domain/trigger.ts";
import type { RunId } from "../../domain/ids.ts";
import { ProblemError } from "../../domain/problem.ts";
import { spanOf } from "../../domain/trace.ts";
import { eventKey, taskKey, type TriggerKey } from "../../domain/trigger-key.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { Progress } from "../../domain/run/attempt.ts";
import { nearest } from "../../domain/nearest.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { AttemptCancellation } from "../attempt/cancellation.ts";
import { AttemptCompletion } from "../external/completion-url.ts";
import { AttemptSteps, currentStep } from "../attempt/steps.ts";
import { AttemptWaits } from "../attempt/result-waits.ts";
import { AttemptLog } from "../attempt/log.ts";
import type { AttemptInputs } from "../attempt/inputs.ts";
import type {
  EmitOptions,
  EmitResult,
  OpenedObject,
  TaskContext,
  TriggerOptions,
  TriggeredRun,
} from "./api.ts";
import { bindMethods } from "./bind-methods.ts";
import { ChildKeys, type ChildKey } from "../attempt/child-keys.ts";
import { loopGuardEnv } from "./loop-guard-env.ts";
import { openObjectAt } from "./open-object.ts";
import { OutputStore } from "../attempt/output-store.ts";
import { pipelineEnv, type PipelineEnv } from "./pipeline-env.ts";
import { PendingTriggers } from "./pending-triggers.ts";
import { emitNamedEvent, resultTimeoutMs, triggerTask, type TriggerHost } from "./trigger-calls.ts";

/** Characters. */
const MAX_PROGRESS_MESSAGE = 500;
/** Tolerance for the rounding of a sum of fractions. */
const ROUNDING = 1e-9;

export class TaskScope implements TaskContext {
  readonly kind = "task";
  readonly log: AttemptLog;
  readonly #lease: Lease;
  readonly #inputs: AttemptInputs;
  readonly #host: TriggerHost;
  readonly #cancellation: AttemptCancellation;
  readonly #childKeys: ChildKeys;
  readonly #children: ChildRun[] = [];
  readonly #passedTo = new Map<string, unknown>();
  readonly #startedAt = Date.now();
  #steps: AttemptSteps | null = null;
  #waits: AttemptWaits | null = null;
  #progress: Progress | null = null;
  #onNews: (() => void) | null = null;
  #triggers: PendingTriggers | null = null;
  #passed: { readonly data: unknown } | null = null;
  #chosen: readonly string[] | null = null;
  #env: PipelineEnv | null = null;
  #spanOfTrace: string | null = null;
  #completion = AttemptCompletion.none;

  static {
    bindMethods(this.prototype, [
      "triggerTaskWithEvent",
      "emitEvent",
      "openObject",
      "passToChildTask",
      "runOnlyChildTasks",
      "readFromParentTask",
      "step",
      "progress",
    ]);
  }

  constructor(
    lease: Lease,
    inputs: AttemptInputs,
    host: TriggerHost,
    cancellation: AttemptCancellation,
  ) {
    this.#lease = lease;
    this.#inputs = inputs;
    this.#host = host;
    this.#cancellation = cancellation;
    this.#childKeys = new ChildKeys(lease, new OutputStore(lease, host.env));
    const { runId, task, attempt, item } = lease;
    this.log = new AttemptLog({
      run_id: runId,
      task,
      ...(item !== undefined && { item: item.index }),
      attempt,
    });
  }

  get name(): string {
    return this.#lease.task;
  }

  get runId(): RunId {
    return this.#lease.runId;
  }

  get attempt(): number {
    return this.#lease.attempt;
  }

  get item(): { readonly index: number; readonly total: number } | null {
    const { item } = this.#lease;
    return item === undefined ? null : { index: item.index, total: item.total };
  }

  get env(): PipelineEnv {
    const { runId, task, depth } = this.#lease;
    return (this.#env ??= loopGuardEnv(pipelineEnv(this.#host.env), this.#host.plan, {
      runId,
      task,
      depth,
    }));
  }

  /** Runs the author's code with `this.env` as the imported `env`, however deep the import is. */
  withImportedEnv(work: () => unknown): unknown {
    const { withEnv } = this.#host;
    return withEnv === undefined ? work() : withEnv(this.env, work);
  }

  get completionUrl(): string {
    return this.#completion.url;
  }

  /** Prepares the values that a method may read synchronously. */
  async prepare(): Promise<void> {
    this.#completion = await AttemptCompletion.of(this.#lease, this.#host.env);
  }

  get signal(): AbortSignal {
    return this.#cancellation.signal;
  }

  /** The attempt's own span of the run's trace; null without a trace. */
  get traceparent(): string | null {
    const { traceparent } = this.#lease;
    if (traceparent === undefined) return null;
    return (this.#spanOfTrace ??= spanOf(traceparent, crypto.getRandomValues(new Uint8Array(8))));
  }

  get event(): EventAttributes | null {
    return this.#lease.event ?? null;
  }

  /** Runs triggered by this attempt. */
  get children(): readonly ChildRun[] {
    return this.#children;
  }

  /** The chosen children; null if the attempt has not chosen. */
  get chosenChildren(): readonly string[] | null {
    return this.#chosen;
  }

  /** The outputs of a task that returns `returned`. Explicitly passed data wins. */
  passedData(returned: unknown): {
    readonly data: unknown;
    readonly to: ReadonlyMap<string, unknown>;
  } {
    return { data: this.#passed === null ? returned : this.#passed.data, to: this.#passedTo };
  }

  /** Triggers of the attempt; null before the first one. */
  get triggers(): PendingTriggers | null {
    return this.#triggers;
  }

  triggerTaskWithEvent(
    task: string,
    payload?: unknown,
    options?: TriggerOptions,
  ): Promise<TriggeredRun> {
    return this.#follow(this.#trigger(task, payload, options));
  }

  emitEvent(name: string, payload?: unknown, options?: EmitOptions): Promise<EmitResult> {
    return this.#follow(this.#emit(name, payload, options));
  }

  #follow<T>(trigger: Promise<T>): Promise<T> {
    this.#triggers ??= new PendingTriggers();
    return this.#triggers.follow(trigger);
  }

  async #trigger(
    task: string,
    payload: unknown,
    options: TriggerOptions | undefined,
  ): Promise<TriggeredRun> {
    this.#refuseIfEnded("triggerTaskWithEvent");
    const { runId, task: name } = this.#lease;
    const own = options?.idempotencyKey;
    const key = own === undefined ? this.#childKey(task) : taskKey(own);
    const origin = {
      source: "task",
      by: name,
      parent: { runId, task: name, isChild: true },
      depth: this.#lease.depth + 1,
      ...this.#span(),
    } as const;
    const run = await orGiveBack(key, () =>
      triggerTask(this.#host, { task, payload, options, key, origin }),
    );
    const child = { runId: run.runId, task };
    this.#children.push(child);
    return {
      ...run,
      result: async (awaiting) =>
        this.#waitsOf("result").resultOf(child, resultTimeoutMs(awaiting?.timeout)),
      output: async (of, awaiting) =>
        this.#waitsOf("output").outputOf(child, of, resultTimeoutMs(awaiting?.timeout)),
    };
  }

  async #emit(
    name: string,
    payload: unknown,
    options: EmitOptions | undefined,
  ): Promise<EmitResult> {
    this.#refuseIfEnded("emitEvent");
    const parent = { runId: this.#lease.runId, task: this.#lease.task, isChild: true } as const;
    // No task name contains a colon, so keys of events and of tasks never collide.
    const own = options?.idempotencyKey;
    const key = own === undefined ? this.#childKey(`event:${name}`) : eventKey(name, own);
    const depth = this.#lease.depth + 1;
    const event = { name, payload, idempotencyKey: key, parent, depth, ...this.#span() };
    const emitted = await orGiveBack(key, () => emitNamedEvent(this.#host, event));
    const runs = emitted.map(({ runId, task }) => ({ runId, task }));
    this.#children.push(...runs);
    return { runs };
  }

  openObject(s3Uri: string): Promise<OpenedObject> {
    const { env, plan } = this.#host;
    const { name, signal } = this;
    const open = Object.hasOwn(plan.tasks, name) ? plan.tasks[name]?.open : undefined;
    return openObjectAt(env, plan, s3Uri, { place: `tasks.${name}.open`, open, signal });
  }

  passToChildTask(data: unknown, options?: { readonly to?: string }): void {
    this.#refuseIfEnded("passToChildTask");
    this.#completion.refuse("passToChildTask");
    const to = options?.to;
    if (to === undefined) {
      this.#passed = { data };
      return;
    }
    this.#refuseInItem(
      "passToChildTask({to})",
      "What the items pass is one array for all downstream tasks.",
    );
    if (!this.#lease.children.includes(to))
      throw new ProblemError(this.#noSuchTask(to, "downstream", this.#lease.children));
    this.#passedTo.set(to, data);
  }

  runOnlyChildTasks(...names: readonly string[]): void {
    this.#refuseIfEnded("runOnlyChildTasks");
    this.#refuseInItem(
      "runOnlyChildTasks",
      "Choose in the downstream task, or in one before the items.",
    );
    this.#completion.refuse("runOnlyChildTasks");
    const unknown = names.find((name) => !this.#lease.children.includes(name));
    if (unknown !== undefined)
      throw new ProblemError(this.#noSuchTask(unknown, "downstream", this.#lease.children));
    this.#chosen = names;
  }

  readFromParentTask<T = unknown>(parent?: string): Promise<T>;
  readFromParentTask(
    parent: string | undefined,
    options: { readonly as: "stream" },
  ): Promise<ReadableStream<Uint8Array>>;
  async readFromParentTask(
    parent?: string,
    options?: { readonly as?: "stream" },
  ): Promise<unknown> {
    const { parents } = this.#lease;
    if (parent !== undefined && !parents.includes(parent))
      throw new ProblemError(this.#noSuchTask(parent, "upstream", parents));
    return options?.as === "stream" ? this.#inputs.stream(parent) : this.#inputs.value(parent);
  }

  /** The latest progress that the attempt reported. */
  get progressSaid(): Progress | null {
    return this.#progress;
  }

  /** Calls `onNews` after each log line and each progress report. */
  whenNews(onNews: () => void): void {
    this.#onNews = onNews;
    this.log.whenWritten(onNews);
  }

  progress(fraction: number, message?: string): void {
    this.#refuseIfEnded("progress");
    if (!(fraction >= 0 && fraction <= 1 + ROUNDING))
      throw new RangeError(
        `progress is a fraction from 0 to 1, such as done / all, given ${fraction}`,
      );
    const text = message === undefined ? null : String(message).slice(0, MAX_PROGRESS_MESSAGE);
    this.#progress = { fraction: Math.min(1, fraction), message: text, at: Date.now() };
    this.#onNews?.();
  }

  step<T>(name: string, fn: () => T | Promise<T>): Promise<T>;
  async step(name: string, fn: () => unknown): Promise<unknown> {
    this.#refuseIfEnded("step");
    return this.#stepsOf().step(name, fn);
  }

  #waitsOf(helper: string): AttemptWaits {
    this.#refuseIfEnded(helper);
    const endsAt = this.#startedAt + this.#lease.timeoutMs;
    const triggered = async (): Promise<void> => this.#triggers?.idle();
    this.#waits ??= new AttemptWaits(
      this.#lease,
      this.#cancellation,
      this.#stepsOf(),
      this.#host.env,
      endsAt,
      triggered,
    );
    return this.#waits;
  }

  /** The trace context for triggered runs. */
  #span(): { readonly traceparent?: string } {
    const { traceparent } = this;
    return traceparent === null ? {} : { traceparent };
  }

  #stepsOf(): AttemptSteps {
    return (this.#steps ??= new AttemptSteps(this.#lease, this.#cancellation, this.#host.env));
  }

  /** The key of a new trigger of `target`, made in the task's own code or in one of its steps. */
  #childKey(target: string): ChildKey {
    return this.#childKeys.of(target, currentStep(this.#steps));
  }

  /**
   * Throws in a cancelled attempt. Code of a timed-out attempt may still run, but must not start
   * anything.
   */
  #refuseIfEnded(helper: string): void {
    if (!this.#cancellation.isCancelled) return;
    throw new Error(
      `${helper} was called after this attempt of "${this.name}" had ended; check task.signal before going on`,
    );
  }

  #refuseInItem(helper: string, hint: string): void {
    if (this.#lease.item === undefined) return;
    throw new ProblemError({
      code: "invalid_request",
      detail: `${helper} was called in item ${this.#lease.item.index} of "${this.name}", which runs once per item.`,
      hint,
    });
  }

  #noSuchTask(
    name: string,
    where: "upstream" | "downstream",
    known: readonly string[],
  ): ConstructorParameters<typeof ProblemError>[0] {
    const meant = nearest(name, known);
    const list =
      known.length === 0
        ? `It has no ${where} task.`
        : `Its ${where} tasks are ${known.join(", ")}.`;
    return {
      code: "unknown_task",
      detail: `"${name}" is no ${where} task of "${this.name}".`,
      hint: meant === null ? list : `Did you mean "${meant}"? ${list}`,
    };
  }
}

/** Triggers with `key`. Gives the key back if the trigger is refused. */
async function orGiveBack<T>(key: TriggerKey | ChildKey, trigger: () => Promise<T>): Promise<T> {
  try {
    return await trigger();
  } catch (error) {
    if ("giveBack" in key) key.giveBack();
    throw error;
  }
}
