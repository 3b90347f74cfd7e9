/**
 * Named events: one run of each task that listens (`on.event`), all with the same payload.
 *
 * All listeners are asked whether the payload fits before the first run is accepted: an event that one of them must refuse starts
 * nothing. After that only the surroundings can fail. Then some runs may be there and others not; the same event with the same
 * key finds the former and starts the latter.
 *
 * New work passes the gate, and an event with a key of its emitter's must not come again with another payload. So its first listener is
 * triggered before the others, and refuses then (`overloaded`, `idempotency_mismatch`), before anything is started; the others pass
 * with it: of two such events at once, one gets all the runs. It cannot refuse where a deploy has put a new listener before those that
 * have heard the event; they refuse, and the problem names the runs that were started all the same. Streams are read by all listeners
 * side by side, so with them each refuses for itself.
 */
import { EVENT_NAME } from "../domain/event-name.ts";
import type { RunId } from "../domain/ids.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import { tasksListeningTo } from "../domain/plan/event-routing.ts";
import type { EventAttributes, TriggerOrigin } from "../domain/trigger.ts";
import type { TriggerKey } from "../domain/trigger-key.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import type { MethodRegistry } from "../execution/author/method.ts";
import type { AsAuthor } from "../execution/author/pipeline-env.ts";
import type { AcceptTrigger, Lifetime } from "./accept.ts";
import { checkInput } from "./check-input.ts";
import { keyedByContent, type DerivedKey } from "./derived-key.ts";
import { stored } from "./trigger-payload.ts";

export interface EmittedEvent {
  readonly name: string;
  readonly payload: EncodedPayload;
  /** Of each run, beside its task. Null: fresh runs each time. */
  readonly idempotencyKey: TriggerKey | DerivedKey | null;
  readonly parent: TriggerOrigin["parent"];
  readonly actor?: TriggerOrigin["actor"];
  readonly depth?: number;
  readonly traceparent?: string;
  /** What it says of itself, if it is a CloudEvent. */
  readonly event?: EventAttributes;
  /** Where the deployment was reached (see `TriggerOrigin`). */
  readonly url?: string;
}

/** A run of a task that listens. */
export interface EmittedRun {
  readonly runId: RunId;
  readonly task: string;
  /** True if the key had started it before. */
  readonly deduplicated: boolean;
}

/**
 * Emits an event: the runs that it has started or found, in file order of their tasks; none if nobody listens. Refuses with
 * `invalid_request` for a name that is none, and as `AcceptTrigger` does.
 */
export type EmitEvent = (
  env: Env,
  lifetime: Lifetime,
  event: EmittedEvent,
) => Promise<Result<readonly EmittedRun[]>>;

export interface EmitDependencies {
  readonly plan: Plan;
  readonly registry: MethodRegistry;
  readonly acceptTrigger: AcceptTrigger;
  /** For code of schemas; absent where nothing can be imported. */
  readonly asAuthor?: AsAuthor;
}

/** The refusal of a name that no event can have. */
export function invalidEventName(name: string): Problem {
  return {
    code: "invalid_request",
    detail: `${JSON.stringify(name.slice(0, 200))} is no name of an event.`,
    hint: "A name has 1 to 128 letters, digits, `.`, `_` and `-`, such as audio.published.",
  };
}

/** The emitter for this plan. */
export function createEmitEvent({
  plan,
  registry,
  acceptTrigger,
  asAuthor = (_env, work) => work(),
}: EmitDependencies): EmitEvent {
  return async function emitEvent(env, lifetime, event) {
    const {
      name,
      idempotencyKey,
      parent,
      actor,
      depth,
      traceparent,
      url,
      event: attributes,
    } = event;
    if (!EVENT_NAME.test(name)) return refuse(invalidEventName(name));
    const listeners = tasksListeningTo(plan, name);
    const checked = await asAuthor(env, () => checkInputs(listeners, event.payload));
    if (!checked.ok || listeners.length === 0) {
      await discard(event.payload);
      return checked.ok ? ok([]) : checked;
    }
    const payload = checked.value;
    const origin: TriggerOrigin = {
      source: "event",
      by: name,
      parent,
      ...(actor !== undefined && { actor }),
      ...(depth !== undefined && { depth }),
      ...(traceparent !== undefined && { traceparent }),
      ...(attributes !== undefined && { event: attributes }),
      ...(url !== undefined && { url }),
    };
    const key = idempotencyKey;
    if (key === null || !("derive" in key))
      return trigger(env, lifetime, {
        event,
        origin,
        listeners,
        key,
        copies: copiesOf(payload, listeners.length),
      });
    const keyed = await stored(null, () => keyedByContent(env.PAYLOADS, payload, key));
    if (!keyed.ok) return keyed;
    try {
      const copies = await stored(null, () => Promise.all(listeners.map(() => keyed.value.open())));
      if (!copies.ok) return copies;
      return await trigger(env, lifetime, {
        event,
        origin,
        listeners,
        key: keyed.value.key,
        copies: copies.value,
      });
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
    const isFirst =
      mayRefuse && others.length > 0 && !(first.payload.body instanceof ReadableStream);
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

  /** The payload, with its bytes held if they were looked at. With one listener the acceptor's own check is enough. */
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

/** An event on its way to those who listen to it: a copy of the payload for each. */
interface Emission {
  readonly event: EmittedEvent;
  readonly origin: TriggerOrigin;
  readonly listeners: readonly string[];
  readonly key: TriggerKey | null;
  readonly copies: readonly EncodedPayload[];
}

/**
 * A stream can be read once: each run gets a branch of it. They are read side by side, so what is held is the way that the fastest
 * is ahead of the slowest.
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

/** A branch that nobody reads would be held to its end. */
async function discard({ body }: EncodedPayload): Promise<void> {
  if (body instanceof ReadableStream && !body.locked) await body.cancel().catch(() => undefined);
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
