/**
 * The interfaces of `api.ts` as authors see them: typed by the tasks and events of peach.conf. The
 * engine uses the untyped ones, since it works for every project.
 */
import type {
  AcceptedBy,
  ChildName,
  EventName,
  EventPayloadOf,
  KnownParent,
  LastTaskOf,
  OutputOf,
  ParentName,
  ParentPassing,
  PayloadArguments,
  PayloadOf,
  TaskName,
} from "../../contract/project-types.ts";
import type * as untyped from "./api.ts";

/** A triggered run of the task `Name`. */
export interface TriggeredRun<Name extends string = string> extends Omit<
  untyped.TriggeredRun,
  "output"
> {
  /**
   * Resolves to the output of the run's last task, or of the named task, as the kind it was passed,
   * once the run is final. Without `task`, the run must have exactly one task without downstream
   * tasks. Rejects with `TaskNotSucceededError` if the task did not succeed; otherwise waits like
   * `result`.
   */
  readonly output: string extends TaskName
    ? ReadOutput<TaskName>
    : [LastTaskOf<Name>] extends [never]
      ? ReadNamedOutput
      : ReadOutput<LastTaskOf<Name> & TaskName>;
}

/** Reads the output of a named task. */
type ReadNamedOutput = <Task extends TaskName>(
  task: Task,
  options?: { readonly timeout?: untyped.DurationInput },
) => Promise<OutputOf<Task>>;

/** Reads the output of a named task, or of the last task. */
type ReadOutput<Last extends TaskName> = <Task extends TaskName = Last>(
  task?: Task,
  options?: { readonly timeout?: untyped.DurationInput },
) => Promise<OutputOf<Task>>;

/** The runs started by an event, in the order of peach.conf. */
export type EmitResult = untyped.EmitResult;

/**
 * Triggers a task; see `triggerTaskWithEvent` of `peach/task-helpers`. With a computed name the
 * call is `triggerTaskWithEvent<any>(name, payload)`.
 */
type TriggerTask = <Name extends TaskName>(
  this: void,
  task: Name,
  ...rest: PayloadArguments<PayloadOf<Name>, untyped.TriggerOptions>
) => Promise<TriggeredRun<Name>>;

/** Emits an event; see `emitEvent` of `peach/task-helpers`. */
type EmitNamedEvent = <Name extends EventName>(
  this: void,
  name: Name,
  ...rest: PayloadArguments<EventPayloadOf<Name>, untyped.EmitOptions>
) => Promise<EmitResult>;

/** The helpers whose types depend on the project. */
type Typed =
  | "triggerTaskWithEvent"
  | "emitEvent"
  | "passToChildTask"
  | "runOnlyChildTasks"
  | "readFromParentTask";

/**
 * The running task. Helpers may be destructured: `async (payload, { passToChildTask }) => …`.
 * `TaskContext<"summarise">` is the context of that task: it knows the names of its neighbours.
 */
export interface TaskContext<Own extends TaskName = TaskName> extends Omit<
  untyped.TaskContext,
  Typed
> {
  triggerTaskWithEvent: TriggerTask;
  emitEvent: EmitNamedEvent;
  passToChildTask<Child extends ChildName<Own> = never>(
    this: void,
    data: AcceptedBy<Child, Own>,
    options?: { readonly to?: Child },
  ): void;
  runOnlyChildTasks(this: void, ...names: readonly ChildName<Own>[]): void;
  readFromParentTask(
    this: void,
    parent: ParentName<Own> | undefined,
    options: { readonly as: "stream" },
  ): Promise<ReadableStream<Uint8Array>>;
  readFromParentTask<Parent extends KnownParent<Own>>(
    this: void,
    parent: Parent,
  ): Promise<OutputOf<Parent>>;
  readFromParentTask<T = unknown>(this: void, parent?: ParentPassing<T, Own>): Promise<T>;
}

/** The called endpoint. */
export interface EndpointContext extends Omit<
  untyped.EndpointContext,
  "triggerTaskWithEvent" | "emitEvent"
> {
  triggerTaskWithEvent: TriggerTask;
  emitEvent: EmitNamedEvent;
}

/** A component of a recommendation endpoint, or its fallback, while it computes an answer. */
export interface ComponentContext
  extends EndpointContext, Pick<untyped.ComponentContext, "component" | "signal"> {}
