/**
 * Replays: a new run that repeats a recorded one, as a whole or from one of its tasks on. The graph
 * comes from the present plan. Recorded inputs are copied byte for byte, since the replayed run may
 * be deleted before the new one.
 *
 * - From a task on, the new run has that task and everything downstream of it. The task reads its
 *   recorded input in the same shape. If a task behind it also reads from a task outside of the
 *   new run, the recorded output of that task is used.
 * - With a payload, the first task reads this payload, as if triggered with it; the tasks behind it
 *   read as above.
 */
import { actorKey, type Actor } from "../domain/actor.ts";
import { graphFrom, type GraphTask, type RunGraph } from "../domain/plan/run-graph.ts";
import type { RunId } from "../domain/ids.ts";
import { outsideInputs } from "../domain/run/task-inputs.ts";
import type { PayloadLimitKeys } from "../domain/limits/limit.ts";
import { limitedReader } from "../domain/limits/limited-children.ts";
import type { LeasePayload, NewPayload } from "../domain/payload.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { tagsIn } from "../domain/tags.ts";
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";
import { replayKey } from "../domain/trigger-key.ts";
import { type EncodedPayload, encodePayload } from "../payloads/codec.ts";
import { limitKeysOf } from "../payloads/limit-keys.ts";
import { fetchStream } from "../payloads/payload-download.ts";
import { openPayload } from "../payloads/payload-store.ts";
import { MAX_VALUE_BYTES, refuseLargeValue } from "../payloads/value-limit.ts";
import { PayloadMissingError } from "../payloads/r2-calls.ts";
import type { callRun } from "../objects/run/run-client.ts";
import type { RecordedInputs, RecordedOwnInputs } from "../objects/run/run-rpc.ts";
import type { RunDocument } from "../objects/run/run-documents-rpc.ts";
import { fits, inputOf, type InputSchemas, misfitOfItems } from "./check-input.ts";
import {
  type AcceptedTrigger,
  type AcceptTrigger,
  type Replayed,
  type TriggerRequest,
  unknownTaskOf,
} from "./accept.ts";
import type { Lifetime } from "../platform/lifetime.ts";

/**
 * The largest payload in which limit keys are looked up again; for larger ones the recorded keys
 * count. A payload above this size is read as a stream, never as a value.
 */
const LOOKED_INTO_BYTES = 32 * 1024 * 1024;

/** A replay to accept. */
export interface ReplayRequest {
  readonly runId: RunId;
  /** The first task; null: the root. */
  readonly from: string | null;
  /** The input of the first task; null: the recorded input. */
  readonly payload: EncodedPayload | null;
  /** Null: a fresh run each time. A key is scoped to the replayed run. */
  readonly idempotencyKey: string | null;
  /** The caller. */
  readonly actor: Actor;
  /** The trace of the new run; absent without tracing. */
  readonly traceparent?: string;
  /** The address of the deployment. */
  readonly url: string;
}

/**
 * Replays a run. Refuses with `unknown_run`, `unknown_task`, `not_replayable`, `no_payload`, and
 * like `AcceptTrigger`.
 */
export type ReplayRun = (
  env: Env,
  lifetime: Lifetime,
  request: ReplayRequest,
) => Promise<Result<AcceptedTrigger | null>>;

/** Dependencies of the replayer of one deployment. */
export interface ReplayDependencies {
  readonly plan: Plan;
  readonly registry: InputSchemas;
  readonly callRun: typeof callRun;
  readonly acceptTrigger: AcceptTrigger;
}

/** Creates the replayer for this plan. The replayer resolves to null if the run does not exist. */
export function createReplayRun({
  plan,
  registry,
  callRun,
  acceptTrigger,
}: ReplayDependencies): ReplayRun {
  return async function replayRun(env, lifetime, request) {
    const { runId, from, payload, actor, url, traceparent } = request;
    const document = await callRun(env, runId, (run) => run.describe());
    if (document === null) return ok(null);
    const task = from ?? document.task;
    const graph = Object.hasOwn(plan.tasks, task) ? graphFrom(plan, task) : null;
    const names = document.tasks.map((entry) => entry.task);
    if (!names.includes(task)) return refuse(unknownTaskOf(runId, names, task));
    if (graph === null) return refuse(notDeployed(document, task));
    const key = request.idempotencyKey;
    const trigger = {
      task,
      idempotencyKey: key === null ? null : replayKey(actorKey(actor), runId, key),
      origin: {
        source: "replay",
        by: actor.name,
        actor,
        parent: null,
        replayOf: { runId, from },
        url,
        ...(traceparent !== undefined && { traceparent }),
        ...(document.trigger.event !== undefined && { event: document.trigger.event }),
      },
      tags: tagsIn(document),
    } as const;
    const recorded = await callRun(env, runId, (run) =>
      run.replayInputs(task, outsideInputs(graph)),
    );
    if (recorded === null) return ok(null);
    const copier = new Copier(env, runId, callRun, readersOf(graph, recorded));
    try {
      const reads =
        payload === null
          ? await recordedReads(recorded, copier, { runId, task })
          : givenReads(payload, graph, recorded, copier);
      if (reads === null) return refuse(notReached(runId, task));
      const misfit =
        payload === null ? await recordedMisfit(registry, graph, recorded, copier) : null;
      if (misfit !== null) return misfit;
      return await acceptTrigger(env, lifetime, { ...trigger, ...reads });
    } catch (error) {
      if (!(error instanceof PayloadMissingError)) throw error;
      const hint =
        payload === null
          ? "Replay it with a payload in the body."
          : "Replay it from a task before the one that is gone.";
      return refuse({ code: "no_payload", detail: error.message, hint });
    }
  };
}

/**
 * Inputs of a replay: of the first task, and of tasks behind it that also read from tasks outside.
 */
type Reads = Required<Pick<TriggerRequest, "payload" | "replayed">>;

/** Recorded inputs only; null if the first task has never read any input. */
async function recordedReads(
  { own, outside }: RecordedInputs,
  copier: Copier,
  of: { readonly runId: RunId; readonly task: string },
): Promise<Reads | null> {
  if (own === null) return null;
  const { shape, parents, inputs } = own;
  const payload = await carriedBy(own, copier, of);
  const [first] = shape === "trigger" ? inputs : [];
  const limitKeys =
    first === undefined ? null : ((await copier.limitKeys({ task: of.task, ...first })) ?? null);
  const ofRoot = shape === "trigger" ? [] : inputs.map((input) => ({ task: of.task, ...input }));
  return {
    payload,
    replayed: { shape, parents, limitKeys, copy: copier.copying([...ofRoot, ...outside]) },
  };
}

/**
 * Checks the recorded outputs that the first task reads against the deployed schema. Returns the
 * refusal, or null if they fit. A trigger's payload is checked by the acceptor instead. The items
 * of an array that is too large for a value are checked one after another.
 */
async function recordedMisfit(
  registry: InputSchemas,
  { tasks: [root] }: RunGraph,
  { own }: RecordedInputs,
  copier: Copier,
): Promise<ReturnType<typeof refuse> | null> {
  const schema = root === undefined ? null : inputOf(registry, root);
  if (root === undefined || schema === null || own === null || own.shape === "trigger") return null;
  const size = own.inputs.reduce(
    (sum, { payload }) => sum + (payload.kind === "stream" ? 0 : payload.size),
    0,
  );
  try {
    // A task with `each` has one upstream task. Its items are read one by one, as here.
    const [array] = own.inputs;
    if (root.each !== undefined && size > MAX_VALUE_BYTES && array?.payload.kind === "json") {
      const { body } = await copier.open(array.payload);
      const problem = await misfitOfItems(root, schema, body);
      return problem === null ? null : refuse(problem);
    }
    refuseLargeValue(`What the task "${root.name}" has read`, size);
    const values: [string, unknown][] = [];
    for (const { parent, payload } of own.inputs)
      values.push([parent, await copier.value(payload)]);
    const value = own.shape === "keyed" ? Object.fromEntries(values) : values[0]?.[1];
    const checked = await fits(root, schema, value, null);
    return checked.ok ? null : checked;
  } catch (error) {
    if (error instanceof ProblemError) return refuse(error.problem);
    throw error;
  }
}

/** `payload` for the first task; recorded inputs for everything else. */
function givenReads(
  payload: EncodedPayload,
  { tasks: [root] }: RunGraph,
  { outside }: RecordedInputs,
  copier: Copier,
): Reads {
  const parents = root?.parents ?? [];
  const copy = copier.copying(outside);
  return { payload, replayed: { shape: "trigger", parents, limitKeys: "of the payload", copy } };
}

/**
 * The trigger payload of the new run. A task that reads from several tasks has no single payload,
 * so a note is used.
 */
async function carriedBy(
  { shape, inputs }: RecordedOwnInputs,
  copier: Copier,
  of: { readonly runId: RunId; readonly task: string },
): Promise<EncodedPayload> {
  const [first] = inputs;
  if (shape === "trigger" && first !== undefined) return copier.open(first.payload);
  const note = encodePayload({ replay_of: { run_id: of.runId, from: of.task } });
  if (!note.ok) throw new Error(note.problem.detail);
  return note.value;
}

/** The tasks of the replay by name; the first one has the recorded input shape. */
function readersOf(
  { tasks: [root, ...others] }: RunGraph,
  { own }: RecordedInputs,
): ReadonlyMap<string, GraphTask> {
  const first = root === undefined ? [] : [{ ...root, shape: own?.shape ?? root.shape }];
  return new Map([...first, ...others].map((task) => [task.name, task]));
}

/**
 * Copies payloads of one run, each once, one after the other: an unread stream blocks one of six
 * connections.
 */
class Copier {
  readonly #env: Env;
  readonly #runId: RunId;
  readonly #callRun: typeof callRun;
  readonly #readers: ReadonlyMap<string, GraphTask>;
  readonly #copies = new Map<string, NewPayload>();

  constructor(
    env: Env,
    runId: RunId,
    call: typeof callRun,
    readers: ReadonlyMap<string, GraphTask>,
  ) {
    this.#env = env;
    this.#runId = runId;
    this.#callRun = call;
    this.#readers = readers;
  }

  /**
   * Prepares the copies, in order; the returned function makes them. Refuses if a payload is gone.
   */
  copying(recorded: RecordedInputs["outside"]): Replayed["copy"] {
    return async (store) => {
      const copies = [];
      for (const input of recorded) {
        const copy = await this.#copy(input.payload, store);
        if (!copy.ok) return copy;
        const { task, parent } = input;
        const limitKeys = await this.limitKeys(input);
        copies.push({
          task,
          parent,
          payload: copy.value,
          ...(limitKeys !== undefined && { limitKeys }),
        });
      }
      return ok(copies);
    };
  }

  async #copy(
    payload: LeasePayload,
    store: Parameters<Replayed["copy"]>[0],
  ): Promise<Result<NewPayload>> {
    const place =
      payload.at === "r2"
        ? payload.key
        : payload.at === "held"
          ? `${payload.seq}/${payload.offset}`
          : null;
    const known = place === null ? undefined : this.#copies.get(place);
    if (known !== undefined) return ok(known);
    const copy = await store(await this.open(payload));
    if (copy.ok && place !== null) this.#copies.set(place, copy.value);
    return copy;
  }

  /**
   * The limit keys of a payload for its reader, by the present plan, which may differ from the plan
   * of the replayed run. Undefined if the reader has no limits with keys.
   */
  async limitKeys({
    task,
    parent,
    payload,
    limitKeys,
  }: RecordedInputs["outside"][number]): Promise<PayloadLimitKeys | undefined> {
    const reader = this.#readers.get(task);
    const limited = reader === undefined ? null : limitedReader(reader, parent);
    if (limited === null) return undefined;
    if (payload.kind !== "json" || payload.size > LOOKED_INTO_BYTES) return limitKeys;
    const { body, ...description } = await this.open(payload);
    const bytes =
      body instanceof Uint8Array ? body : new Uint8Array(await new Response(body).arrayBuffer());
    return limitKeysOf(
      limited.paths,
      { ...description, size: bytes.length, body: bytes },
      limited.each,
    );
  }

  /** The value that a task reads; for a stream, an empty stream. */
  async value(payload: LeasePayload): Promise<unknown> {
    if (payload.kind === "stream") return new Blob([]).stream();
    return openPayload(this.#env.PAYLOADS, payload, (seq, offset, size) =>
      this.#callRun(this.#env, this.#runId, (run) => run.held(seq, offset, size)),
    );
  }

  async open(payload: LeasePayload): Promise<EncodedPayload> {
    switch (payload.at) {
      case "inline": {
        const { at: _, bytes, ...description } = payload;
        return { ...description, body: bytes };
      }
      case "held": {
        const { at: _, seq, offset, ...description } = payload;
        const body = await this.#callRun(this.#env, this.#runId, (run) =>
          run.held(seq, offset, payload.size),
        );
        return { ...description, body };
      }
      case "r2": {
        const { at: _, key, ...description } = payload;
        return { ...description, body: await fetchStream(this.#env.PAYLOADS, key) };
      }
    }
  }
}

function notDeployed({ run_id }: RunDocument, task: string): Problem {
  return {
    code: "unknown_task",
    detail: `The task "${task}" of the run ${run_id} is not in peach.conf any more.`,
    hint: "A replay runs what is deployed now: deploy the task again, or replay from another one.",
  };
}

function notReached(runId: RunId, task: string): Problem {
  return {
    code: "not_replayable",
    detail: `The task "${task}" has never started in the run ${runId}: what it would read is not recorded.`,
    hint: "Replay from a task before it, or give what it is to read as the body.",
  };
}
