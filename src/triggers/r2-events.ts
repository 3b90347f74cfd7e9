/**
 * The consumer of `peach-r2-events`: one run per task and object version, however often the
 * notification is delivered.
 *
 * A message is acknowledged after all of its runs are durably accepted. If the infrastructure fails
 * in between, the whole message is retried and finds the runs it has started. A message that cannot
 * be parsed, or that a task's `input` refuses, is recorded as a dead letter and acknowledged: a
 * retry would not help.
 *
 * For a creation, R2 is asked for the present object under the key, for two facts missing in the
 * notification: R2's version, by which a listing recognizes notified objects (see
 * `domain/object-version.ts`), and the run that wrote the object, if a task did.
 */
import type { RunId } from "../domain/ids.ts";
import type { Plan } from "../domain/plan/plan.ts";
import type { Problem } from "../domain/problem.ts";
import { tasksTriggeredBy } from "../domain/plan/event-routing.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import type { TriggerKey } from "../domain/trigger-key.ts";
import { encodePayload } from "../payloads/codec.ts";
import { identifyNotified } from "../objects/object-versions/object-versions-client.ts";
import type { AcceptTrigger } from "./accept.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { boundBucket } from "./bound-bucket.ts";
import { recordDeadLetter } from "./dead-letter.ts";
import { handleEach, retryLater } from "./queue-retry.ts";
import {
  objectEventPayload,
  parseR2Notification,
  r2ActionOf,
  versionKeyOf,
  type R2Notification,
} from "./r2-notification.ts";
import { decodeLoopMark, type LoopMark } from "./loop-guard.ts";

/**
 * How long versions are remembered at least: a queue keeps a message for 14 days at most.
 * Milliseconds.
 */
const LATEST_MESSAGE_MS = 15 * 86_400_000;

/** Dependencies of the consumer of one deployment. */
export interface R2EventDependencies {
  readonly plan: Plan;
  readonly acceptTrigger: AcceptTrigger;
}

/** Tasks triggered by a notification, in file order. */
export function tasksOf(plan: Plan, notification: R2Notification): readonly string[] {
  return tasksTriggeredBy(plan, {
    bucket: notification.bucket,
    key: notification.object.key,
    action: r2ActionOf(notification),
  });
}

/**
 * How long versions of objects are remembered: as long as their runs exist, and as long as a
 * notification may still arrive.
 */
export function keepVersionsMs({ retentionMs }: Plan): number {
  return Math.max(retentionMs, LATEST_MESSAGE_MS);
}

/**
 * The origin of a run that an object triggers. `isAuthor`: the mark belongs to this version, not
 * only to its key.
 */
export function originOfObject(
  place: string,
  mark: LoopMark | null,
  isAuthor: boolean,
): TriggerOrigin {
  if (mark === null) return { source: "r2", by: place, parent: null };
  const parent = isAuthor ? { runId: mark.runId, task: mark.task } : null;
  return { source: "r2", by: place, parent, depth: mark.depth + 1 };
}

/** Turns each notification of a batch into runs. */
export async function consumeR2Events(
  dependencies: R2EventDependencies,
  batch: MessageBatch,
  env: Env,
  lifetime: Lifetime,
): Promise<void> {
  const { plan } = dependencies;
  const { queue } = batch;
  await handleEach(batch, async (message) => {
    const parsed = parseR2Notification(message.body);
    if ("reason" in parsed) {
      await recordDeadLetter(env, plan, message, {
        queue,
        reason: "not_understood",
        detail: parsed.reason,
      });
      return message.ack();
    }
    const { refusals, isOverloaded } = await triggerNotified(
      dependencies,
      env,
      lifetime,
      parsed.notification,
    );
    if (isOverloaded) return retryLater(message);
    if (refusals.length > 0)
      await recordDeadLetter(env, plan, message, {
        queue,
        reason: "refused",
        detail: refusals.join("\n"),
      });
    message.ack();
  });
}

/**
 * The result of a notification. `isOverloaded`: some tasks could not be asked; the message must be
 * retried.
 */
export interface NotifiedTasks {
  /** Runs started now or found. */
  readonly runs: readonly { readonly runId: RunId; readonly task: string }[];
  /** One sentence for each task that refused. */
  readonly refusals: readonly string[];
  readonly isOverloaded: boolean;
}

/** Triggers each task that matches the notification, in file order. */
export async function triggerNotified(
  { plan, acceptTrigger }: R2EventDependencies,
  env: Env,
  lifetime: Lifetime,
  notification: R2Notification,
): Promise<NotifiedTasks> {
  const runs: { runId: RunId; task: string }[] = [];
  const refusals: string[] = [];
  const tasks = tasksOf(plan, notification);
  if (tasks.length === 0) return { runs, refusals, isOverloaded: false };
  const payload = encodePayload(objectEventPayload(notification));
  if (!payload.ok)
    throw new Error(`the payload of a notification cannot be stored: ${payload.problem.detail}`);
  const { idempotencyKey, origin } = await identify();
  for (const task of tasks) {
    const accepted = await acceptTrigger(env, lifetime, {
      task,
      payload: payload.value,
      idempotencyKey,
      origin,
    });
    if (accepted.ok) runs.push({ runId: accepted.value.runId, task });
    else if (accepted.problem.code === "overloaded") return { runs, refusals, isOverloaded: true };
    else
      refusals.push(
        `Task "${task}" refused it (${accepted.problem.code}). ${describe(accepted.problem)}`,
      );
  }
  return { runs, refusals, isOverloaded: false };

  /** A deletion leaves no object to list or to carry a mark: only its notification exists. */
  async function identify(): Promise<{
    readonly idempotencyKey: TriggerKey;
    readonly origin: TriggerOrigin;
  }> {
    const { bucket, object, eventTime } = notification;
    const place = `${bucket}/${object.key}`;
    if (r2ActionOf(notification) === "delete")
      return {
        idempotencyKey: versionKeyOf(notification),
        origin: originOfObject(place, null, false),
      };
    const found = (await boundBucket(env, plan, bucket)?.head(object.key)) ?? null;
    const isSame = found !== null && found.etag === object.eTag;
    const current = isSame
      ? { version: found.version, uploadedAt: found.uploaded.getTime() }
      : null;
    const version = { key: object.key, etag: object.eTag ?? "", eventTime, current };
    const { identity } = await identifyNotified(env, bucket, version, keepVersionsMs(plan));
    // An overwritten object may have another author, but the depth must survive: a loop may
    // overwrite a single key.
    const origin = originOfObject(place, decodeLoopMark(found?.customMetadata), isSame);
    return { idempotencyKey: versionKeyOf(notification, identity), origin };
  }
}

function describe({ detail, errors = [] }: Problem): string {
  return [detail, ...errors.map(({ path, message }) => `${path}: ${message}`)].join(" ");
}
