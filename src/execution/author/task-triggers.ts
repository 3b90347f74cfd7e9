/** The triggers that one attempt of a task makes, and the runs that they have started. */
import type { ChildRun } from "../../domain/run/state.ts";
import { eventKey, taskKey, type TriggerKey } from "../../domain/trigger-key.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import { ChildKeys, type ChildKey } from "../attempt/child-keys.ts";
import { OutputStore } from "../attempt/output-store.ts";
import type { AttemptWaits } from "../attempt/result-waits.ts";
import type { EmitOptions, EmitResult, TriggeredRun, TriggerOptions } from "./api.ts";
import { PendingTriggers } from "./pending-triggers.ts";
import { emitNamedEvent, resultTimeoutMs, triggerTask, type TriggerHost } from "./trigger-calls.ts";
import { keyIn } from "./trigger-options.ts";

/** The scope that makes the triggers. */
interface TriggeringScope {
  /** The trace context of triggered runs; null without a trace. */
  readonly traceparent: string | null;
  /** Throws if the attempt has ended. */
  readonly refuseIfEnded: (helper: string) => void;
  /** The name of the step that the caller runs in, or null. */
  readonly step: () => string | null;
  /** The waits of the attempt. Throws if the attempt has ended. */
  readonly waitsOf: (helper: string) => AttemptWaits;
}

export class TaskTriggers {
  readonly pending = new PendingTriggers();
  readonly #lease: Lease;
  readonly #host: TriggerHost;
  readonly #scope: TriggeringScope;
  readonly #childKeys: ChildKeys;
  readonly #children: ChildRun[] = [];

  constructor(lease: Lease, host: TriggerHost, scope: TriggeringScope) {
    this.#lease = lease;
    this.#host = host;
    this.#scope = scope;
    this.#childKeys = new ChildKeys(lease, new OutputStore(lease, host.env));
  }

  /** Runs triggered by the attempt. */
  get children(): readonly ChildRun[] {
    return this.#children;
  }

  trigger(
    task: string,
    payload: unknown,
    options: TriggerOptions | undefined,
  ): Promise<TriggeredRun> {
    return this.pending.follow(this.#trigger(task, payload, options));
  }

  emit(name: string, payload: unknown, options: EmitOptions | undefined): Promise<EmitResult> {
    return this.pending.follow(this.#emit(name, payload, options));
  }

  async #trigger(
    task: string,
    payload: unknown,
    options: TriggerOptions | undefined,
  ): Promise<TriggeredRun> {
    this.#scope.refuseIfEnded("triggerTaskWithEvent");
    const { runId, task: name } = this.#lease;
    const own = keyIn(options);
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
        this.#scope.waitsOf("result").resultOf(child, resultTimeoutMs(awaiting?.timeout)),
      output: async (of, awaiting) =>
        this.#scope.waitsOf("output").outputOf(child, of, resultTimeoutMs(awaiting?.timeout)),
    };
  }

  async #emit(
    name: string,
    payload: unknown,
    options: EmitOptions | undefined,
  ): Promise<EmitResult> {
    this.#scope.refuseIfEnded("emitEvent");
    const parent = { runId: this.#lease.runId, task: this.#lease.task, isChild: true } as const;
    // No task name contains a colon, so keys of events and of tasks never collide.
    const own = keyIn(options);
    const key = own === undefined ? this.#childKey(`event:${name}`) : eventKey(name, own);
    const depth = this.#lease.depth + 1;
    const event = { name, payload, idempotencyKey: key, parent, depth, ...this.#span() };
    const emitted = await orGiveBack(key, () => emitNamedEvent(this.#host, event));
    const runs = emitted.map(({ runId, task }) => ({ runId, task }));
    this.#children.push(...runs);
    return { runs };
  }

  /** The trace context for triggered runs. */
  #span(): { readonly traceparent?: string } {
    const { traceparent } = this.#scope;
    return traceparent === null ? {} : { traceparent };
  }

  /** The key of a new trigger of `target`, made in the task's own code or in one of its steps. */
  #childKey(target: string): ChildKey {
    return this.#childKeys.of(target, this.#scope.step());
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
