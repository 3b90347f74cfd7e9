/**
 * Emits named events: one run for each task that listens (`on.event`), all with the same payload.
 *
 * The payload is checked for all listeners before the first run is accepted, so an event that one
 * listener must refuse starts nothing. Afterwards only the infrastructure can fail. Then some runs
 * may exist and others not; repeating the event with the same key finds the former and starts the
 * latter.
 *
 * New work passes the gate, and an event with its emitter's key must not be repeated with another
 * payload. So the first listener is triggered before the others and refuses (`overloaded`,
 * `idempotency_mismatch`) before anything is started; the others pass with it. Of two conflicting
 * events at the same time, one gets all the runs. One case is left: a deploy may have put a new
 * listener before the ones that have received the event. Those refuse then, and the problem names
 * the runs that were started. Streams are read by all listeners side by side, so each listener
 * refuses by itself.
 */
import { EVENT_NAME } from "../domain/event-name.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import { tasksListeningTo } from "../domain/plan/event-routing.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import type { TriggerKey } from "../domain/trigger-key.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import type { AcceptedTrigger, AcceptTrigger } from "./accept.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { checkInput, type AsAuthor, type InputSchemas } from "./check-input.ts";
import { keyedByContent, type DerivedKey } from "./derived-key.ts";
import { stored } from "./trigger-payload.ts";

/** A named event to emit. */
export interface EmittedEvent extends Pick<
  TriggerOrigin,
  "parent" | "actor" | "depth" | "traceparent" | "event" | "url"
> {
  readonly name: string;
  readonly payload: EncodedPayload;
  /** The key of each run, together with its task. Null: fresh runs each time. */
  readonly idempotencyKey: TriggerKey | DerivedKey | null;
}

/** A listening task and its run. */
export type EmittedRun = Omit<AcceptedTrigger, "status">;

/**
 * Emits an event. Returns the runs it has started or found, in the order of their tasks in
 * peach.conf; empty if no task listens. Refuses with `invalid_request` for an invalid name, and
 * like `AcceptTrigger`.
 */
export type EmitEvent = (
  env: Env,
  lifetime: Lifetime,
  event: EmittedEvent,
) => Promise<Result<readonly EmittedRun[]>>;

/** Dependencies of the emitter of one deployment. */
export interface EmitDependencies {
  readonly plan: Plan;
  readonly registry: InputSchemas;
  readonly acceptTrigger: AcceptTrigger;
  /** Runs the code of schemas; absent where authors' code cannot import `env`. */
  readonly asAuthor?: AsAuthor;
}

/** The refusal of an invalid event name. */
export function invalidEventName(name: string): Problem {
  return {
    code: "invalid_request",
    detail: `${JSON.stringify(name.slice(0, 200))} is no name of an event.`,
    hint: "A name has 1 to 128 letters, digits, `.`, `_` and `-`, such as audio.published.",
  };
}

/** Creates the emitter for this plan. */
export function createEmitEvent({
  plan,
  registry,
  acceptTrigger,
  asAuthor = (_env, work) => work(),
}: EmitDependencies): EmitEvent {
  return async function emitEvent(env, lifetime, event) {
    const { name, payload: given, idempotencyKey: key, ...parts } = event;
    if (!EVENT_NAME.test(name)) return refuse(invalidEventName(name));
    const listeners = tasksListeningTo(plan, name);
    const checked = await asAuthor(env, () => checkInputs(listeners, given));
    if (!checked.ok || listeners.length === 0) {
      await discard(given);
      return checked.ok ? ok([]) : checked;
    }
    const payload = checked.value;
    const emission = { event, origin: { source: "event", by: name, ...parts }, listeners } as const;
    if (key === null || !("derive" in key)) {
      const copies = copiesOf(payload, listeners.length);
      return trigger(env, lifetime, { ...emission, key, copies });
    }
    const keyed = await stored(null, () => keyedByContent(env.PAYLOADS, payload, key));
    if (!keyed.ok) return keyed;
    try {
      const copies = await stored(null, () => Promise.all(listeners.map(() => keyed.value.open())));
      if (!copies.ok) return copies;
      const named = { ...emission, key: keyed.value.key, copies: copies.value };
      return await trigger(env, lifetime, named);
    } finally {
      if (keyed.value.discard !== null) lifetime.waitUntil(keyed.value.discard());
    }
  };

  async function trigger(
    env: Env,
    lifetime: Lifetime,
    emission: Emission,
  ): Promise<Result<readonly EmittedRun[]>> {
    const { event, origin, listeners, key, copies } = emission;
    const triggerOne = async (
      task: string,
      payload: EncodedPayload,
      hasPassed: boolean,
    ): Promise<Result<EmittedRun>> => {
      const accepted = await acceptTrigger(env, lifetime, {
        task,
        payload,
        idempotencyKey: key,
        origin,
        hasPassed,
      });
      if (accepted.ok)
        return ok({ runId: accepted.value.runId, task, deduplicated: accepted.value.deduplicated });
      await discard(payload);
      return accepted;
    };
    const each = listeners.flatMap((task, index) => {
      const payload = copies[index];
      return payload === undefined ? [] : [{ task, payload }];
    });
    const [first, ...others] = each;
    if (first === undefined) return ok([]);
    const begun = triggerOne(first.task, first.payload, false);
    const mayRefuse = key?.kind === "event" || origin.parent === null;
    const isFirst = mayRefuse && !(first.payload.body instanceof ReadableStream);
    if (isFirst) {
      const answer = await begun;
      if (!answer.ok) return answer;
    }
    const answers = await Promise.all([
      begun,
      ...others.map(({ task, payload }) => triggerOne(task, payload, isFirst)),
    ]);
    const runs = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
    const failed = answers.find((answer) => !answer.ok);
    if (failed === undefined || failed.ok) return ok(runs);
    return refuse(runs.length === 0 ? failed.problem : partly(failed.problem, event.name, runs));
  }

  /**
   * Checks the payload for all listeners. Returns it with its bytes in memory if they were read.
   * For a single listener, the acceptor's check is enough.
   */
  async function checkInputs(
    listeners: readonly string[],
    given: EncodedPayload,
  ): Promise<Result<EncodedPayload>> {
    let payload = given;
    for (const listener of listeners.length < 2 ? [] : listeners) {
      const task = plan.tasks[listener];
      const checked = task === undefined ? ok(payload) : await checkInput(registry, task, payload);
      if (!checked.ok) return checked;
      payload = checked.value;
    }
    return ok(payload);
  }
}

/** An event on its way to its listeners, with a copy of the payload for each. */
interface Emission {
  readonly event: EmittedEvent;
  readonly origin: TriggerOrigin;
  readonly listeners: readonly string[];
  readonly key: TriggerKey | null;
  readonly copies: readonly EncodedPayload[];
}

/**
 * Copies the payload. A stream can be read once, so each run gets a branch of it. Branches are read
 * side by side: memory holds the distance between the fastest and the slowest reader.
 */
function copiesOf(payload: EncodedPayload, count: number): EncodedPayload[] {
  if (!(payload.body instanceof ReadableStream))
    return Array.from({ length: count }, () => payload);
  const { kind, contentType, form, size } = payload;
  const description = { kind, contentType, size, ...(form !== undefined && { form }) };
  const copies: EncodedPayload[] = [];
  let rest: ReadableStream<Uint8Array> = payload.body;
  while (copies.length < count - 1) {
    const [branch, other] = rest.tee();
    copies.push({ ...description, body: branch });
    rest = other;
  }
  return [...copies, { ...description, body: rest }];
}

/** Cancels an unread branch, which would be buffered to its end otherwise. */
async function discard({ body }: EncodedPayload): Promise<void> {
  // A stream that a reader has is not cancelled: it rejects.
  if (body instanceof ReadableStream) await body.cancel().catch(() => undefined);
}

function partly(problem: Problem, event: string, runs: readonly EmittedRun[]): Problem {
  const started = runs.map(({ runId, task }) => `${task} (${runId})`).join(", ");
  if (problem.code === "idempotency_mismatch")
    return {
      ...problem,
      detail: `${problem.detail} The event "${event}" has its run of ${started} all the same.`,
    };
  return {
    ...problem,
    detail: `The event "${event}" could not be recorded for each task that listens to it. It has its run of ${started}.`,
    hint: "Emit it again in a moment. With an idempotency key (inside a task there is one always) it finds the runs that are there.",
  };
}
