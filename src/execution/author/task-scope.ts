/**
 * One attempt of a task, as its author and the helpers see it. Collects the outputs, log lines and
 * triggers of the attempt. Nothing of them is visible before the attempt settles, except triggered
 * runs, which a later attempt finds again.
 *
 * The class has about 260 lines: a short method for each helper, since authors get it as `task`.
 */
import type { EventAttributes } from "../../domain/trigger.ts";
import type { RunId } from "../../domain/ids.ts";
import { ProblemError } from "../../domain/problem.ts";
import { spanOf } from "../../domain/trace.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { Progress } from "../../domain/run/attempt.ts";
import type { Recommendation } from "./recommendation-claims.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { VectorsRpc } from "../../objects/vectors/vectors-rpc.ts";
import type { AttemptCancellation } from "../attempt/cancellation.ts";
import { AttemptCompletion } from "../external/completion-url.ts";
import { AttemptSteps, currentStep } from "../attempt/steps.ts";
import { AttemptWaits } from "../attempt/result-waits.ts";
import { AttemptLog } from "../attempt/log.ts";
import { PassedOutputs, unknownNeighbour } from "../attempt/passed-outputs.ts";
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
import { loopGuardEnv } from "./loop-guard-env.ts";
import { openObjectAt } from "./open-object.ts";
import { OpenResources } from "./open-resources.ts";
import { pipelineEnv, type PipelineEnv } from "./pipeline-env.ts";
import type { PendingTriggers } from "./pending-triggers.ts";
import { countVerifiedClick, verifyRecommendationToken } from "./recommendation-token.ts";
import { TaskTriggers } from "./task-triggers.ts";
import type { TriggerHost } from "./trigger-calls.ts";

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
  readonly #outputs: PassedOutputs;
  readonly #startedAt = Date.now();
  /** Connections of the attempt, closed with the attempt. */
  readonly resources = new OpenResources();
  #steps: AttemptSteps | null = null;
  #waits: AttemptWaits | null = null;
  #progress: Progress | null = null;
  #onNews: (() => void) | null = null;
  #triggers: TaskTriggers | null = null;
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
    this.#outputs = new PassedOutputs(lease);
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

  /** Verifies the token of a recommendation. Rejects with `InvalidRecommendationError`. */
  verifyRecommendation(token: string): Promise<Recommendation> {
    return verifyRecommendationToken(this.#host.env, token);
  }

  /** Counts a click on a recommendation. Rejects like `verifyRecommendation`. */
  countClick(token: string): Promise<Recommendation> {
    return countVerifiedClick(this.#host.env, this.#host.lifetime, token);
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
    return this.#triggers?.children ?? [];
  }

  /** The chosen children; null if the attempt has not chosen. */
  get chosenChildren(): readonly string[] | null {
    return this.#outputs.chosen;
  }

  /** The outputs of a task that returns `returned`. Explicitly passed data wins. */
  passedData(returned: unknown): {
    readonly data: unknown;
    readonly to: ReadonlyMap<string, unknown>;
  } {
    return this.#outputs.passed(returned);
  }

  /** Triggers of the attempt; null before the first one. */
  get triggers(): PendingTriggers | null {
    return this.#triggers?.pending ?? null;
  }

  /** The index of vectors with this name. */
  vectors(name: string): VectorsRpc {
    return this.#host.env.PEACH_VECTORS.getByName(name);
  }

  triggerTaskWithEvent(
    task: string,
    payload?: unknown,
    options?: TriggerOptions,
  ): Promise<TriggeredRun> {
    return this.#triggersOf().trigger(task, payload, options);
  }

  emitEvent(name: string, payload?: unknown, options?: EmitOptions): Promise<EmitResult> {
    return this.#triggersOf().emit(name, payload, options);
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
    this.#outputs.pass(data, options?.to);
  }

  runOnlyChildTasks(...names: readonly string[]): void {
    this.#refuseIfEnded("runOnlyChildTasks");
    this.#outputs.refuseChoiceInItem();
    this.#completion.refuse("runOnlyChildTasks");
    this.#outputs.choose(names);
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
      throw new ProblemError(unknownNeighbour(this.name, parent, "upstream", parents));
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
    const triggered = async (): Promise<void> => this.#triggers?.pending.idle();
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

  #triggersOf(): TaskTriggers {
    return (this.#triggers ??= new TaskTriggers(this.#lease, this.#host, {
      traceparent: this.traceparent,
      refuseIfEnded: (helper) => this.#refuseIfEnded(helper),
      step: () => currentStep(this.#steps),
      waitsOf: (helper) => this.#waitsOf(helper),
    }));
  }

  #stepsOf(): AttemptSteps {
    return (this.#steps ??= new AttemptSteps(this.#lease, this.#cancellation, this.#host.env));
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
}
