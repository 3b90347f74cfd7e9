/**
 * The types of a project's tasks and events, by name. The interfaces `PeachTasks` and
 * `PeachProject` are empty here. The generated `tasks.d.ts` adds the names and types of peach.conf.
 * In a program without `tasks.d.ts` a name is any string, and a payload is unknown.
 */

/** The trigger payload of each task, by name. */
export interface PeachTasks {}

/**
 * The other types of a project. The generated property `outputs` has the output of each task,
 * `events` the payload of each event, `downstream` and `upstream` the names of neighbours, and
 * `last` the last task of each run that has a single one.
 */
export interface PeachProject {}

/** A part of the project; an empty part without `tasks.d.ts`. */
type Part<Key extends string> = PeachProject extends { readonly [K in Key]: infer Types }
  ? Types
  : {};

/** The payload of each event; any name and payload in a program without `tasks.d.ts`. */
export type ProjectEvents = PeachProject extends { readonly events: infer Types }
  ? Types
  : Record<string, unknown>;

type Outputs = Part<"outputs">;
type Downstream = Part<"downstream">;
type Upstream = Part<"upstream">;
type LastTasks = Part<"last">;

/**
 * True in a program without `tasks.d.ts`. A project without tasks counts as loose too: nothing can
 * be named there.
 */
type IsLoose = [keyof PeachTasks] extends [never] ? true : false;

/** The names of tasks; any string in a program without `tasks.d.ts`. */
export type TaskName = IsLoose extends true ? string : keyof PeachTasks & string;

/** The names of events that a task listens to; any string in a program without `tasks.d.ts`. */
export type EventName<Events = ProjectEvents> = keyof Events & string;

/** The names of the tasks that are upstream of `Own`; without `Own`, of any task. */
export type ParentName<Own extends string = TaskName> = IsLoose extends true
  ? string
  : Own extends keyof Upstream
    ? Upstream[Own] & string
    : never;

/** The names of the tasks that are downstream of `Own`; without `Own`, of any task. */
export type ChildName<Own extends string = TaskName> = IsLoose extends true
  ? string
  : Own extends keyof Downstream
    ? Downstream[Own] & string
    : never;

/** The output of a task, as its downstream tasks read it. */
export type OutputOf<Name extends string> = Name extends keyof Outputs ? Outputs[Name] : unknown;

/**
 * A payload that every one of these names accepts. No payload for all names at once: an editor asks
 * for it while a name is being written, and the intersection of 500 types takes seconds. Without
 * the outer function types, TypeScript would try for each call to infer the names from the payload.
 */
type Every<Names extends string, Types> = (
  string extends Names
    ? (payload: unknown) => void
    : [keyof Types] extends [Names]
      ? (payload: IsUnion<keyof Types> extends true ? never : Property<Types, Names>) => void
      : Names extends unknown
        ? (payload: Property<Types, Names>) => void
        : never
) extends (payload: infer Payload) => void
  ? Payload
  : never;

/**
 * The type of a property; unknown for a type without the property. A task of another peach.conf, or
 * a name that is computed, has no property here.
 */
type Property<Types, Name> = Name extends keyof Types ? Types[Name] : unknown;

/** The payload that a trigger of a task carries. */
export type PayloadOf<Name extends string, Tasks = PeachTasks> = Every<Name, Tasks>;

/** The payload that an event carries. */
export type EventPayloadOf<Name extends string, Events = ProjectEvents> = Every<Name, Events>;

/** The names of the tasks whose output is of type `T`, or unknown. */
export type ParentPassing<T, Own extends string = TaskName> = IsLoose extends true
  ? string
  : {
      [Name in ParentName<Own>]: OutputOf<Name> extends T
        ? Name
        : unknown extends OutputOf<Name>
          ? Name
          : never;
    }[ParentName<Own>];

/**
 * The names of upstream tasks with a known output; none in a program without `tasks.d.ts`, where an
 * overload with a type argument applies.
 */
export type KnownParent<Own extends string = TaskName> = IsLoose extends true
  ? never
  : ParentName<Own>;

/**
 * The data that a downstream task accepts from `Own`. Any data without `Child`, and for all names
 * at once: the error of a wrong name then stands at the name.
 */
export type AcceptedBy<Child extends string, Own extends string = TaskName> = [Child] extends [
  never,
]
  ? unknown
  : (
        [ChildName] extends [Child]
          ? (data: IsUnion<Child> extends true ? unknown : PartFrom<Child, Own>) => void
          : Child extends unknown
            ? (data: PartFrom<Child, Own>) => void
            : never
      ) extends (data: infer Data) => void
    ? Data
    : never;

/** A join accepts from each upstream task the property of that name. */
type PartFrom<Child extends string, Own extends string> = Child extends keyof Upstream
  ? IsUnion<Upstream[Child]> extends true
    ? PropertyOf<PayloadOf<Child>, Own & Upstream[Child]>
    : PayloadOf<Child>
  : unknown;

type PropertyOf<Payload, Name> = unknown extends Payload
  ? unknown
  : Name extends keyof Payload
    ? Payload[Name]
    : unknown;

type IsUnion<Names, Each = Names> = [Names] extends [never]
  ? false
  : Names extends unknown
    ? [Each] extends [Names]
      ? false
      : true
    : never;

/** The last task of a run of `Root`; none if the run ends in several tasks, or is unknown. */
export type LastTaskOf<Root extends string> = Root extends keyof LastTasks
  ? LastTasks[Root] & string
  : never;

/** False in a program without `strictNullChecks`, where every type accepts undefined. */
type IsStrict = undefined extends string ? false : true;

/** True if the payload may be left out. */
type IsOptional<Payload> = unknown extends Payload
  ? true
  : [Payload] extends [undefined | void]
    ? true
    : IsStrict extends true
      ? undefined extends Payload
        ? true
        : false
      : false;

/** The arguments after a name: a payload, which may be missing if its type allows, and options. */
export type PayloadArguments<Payload, Options> =
  IsOptional<Payload> extends true
    ? [payload?: Payload, options?: Options]
    : [payload: Payload, options?: Options];
