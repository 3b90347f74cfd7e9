/**
 * The consumer of `peach-r2-events`: one run per task and object version, however often the notification comes.
 *
 * A message is acknowledged after every run it leads to is durably accepted. If the surroundings fail in between, the whole
 * message comes again later and finds the runs that it has started. One that cannot be understood, or that a task's `input`
 * refuses, will not get better: it is recorded as a dead letter and acknowledged.
 *
 * Of a creation R2 is asked what it has under the key now, for two things that the notification does not say: R2's version, by which
 * a listing finds again what was notified (see `domain/object-version.ts`), and which run wrote the object, if a task did.
 */
import type { RunId } from "../domain/ids.ts";
import type { Plan } from "../domain/plan/plan.ts";
import type { Problem } from "../domain/problem.ts";
import { tasksTriggeredBy } from "../domain/plan/event-routing.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import type { TriggerKey } from "../domain/trigger-key.ts";
import { encodePayload } from "../payloads/codec.ts";
import { identifyNotified } from "../objects/object-versions/object-versions-client.ts";
import type { AcceptTrigger, Lifetime } from "./accept.ts";
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
import { markIn, type RunMark } from "./loop-guard.ts";

/** A queue keeps a message for 14 days at most: a version is remembered for longer. Milliseconds. */
const LATEST_MESSAGE_MS = 15 * 86_400_000;

export interface R2EventDependencies {
  readonly plan: Plan;
  readonly acceptTrigger: AcceptTrigger;
}

/** The tasks that a notification triggers, in file order. */
export function tasksOf(plan: Plan, notification: R2Notification): readonly string[] {
  return tasksTriggeredBy(plan, {
    bucket: notification.bucket,
    key: notification.object.key,
    action: r2ActionOf(notification),
  });
}

/** How long the versions of objects are remembered: while their runs are there, and while a notification may still come. */
export function keepVersionsMs({ retentionMs }: Plan): number {
  return Math.max(retentionMs, LATEST_MESSAGE_MS);
}

/** Where a run comes from that an object triggers. `isAuthor`: whether the mark is that of the version, not only of its key. */
export function originOfObject(
  place: string,
  mark: RunMark | null,
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

/** What came of a notification. `isOverloaded`: not all of its tasks could be asked, it is to be tried again. */
export interface NotifiedTasks {
  /** Started now, or found. */
  readonly runs: readonly { readonly runId: RunId; readonly task: string }[];
  /** One sentence for each task that refused. */
  readonly refusals: readonly string[];
  readonly isOverloaded: boolean;
}

/** Triggers each task that the notification fits, in file order. */
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

  /** A deletion leaves nothing that could be listed, or that could bear a mark: its notification is all there is. */
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
    // Written over meanwhile, it may have another author; but a circle that overwrites one key must not be lost sight of.
    const origin = originOfObject(place, markIn(found?.customMetadata), isSame);
    return { idempotencyKey: versionKeyOf(notification, identity), origin };
  }
}

function describe({ detail, errors = [] }: Problem): string {
  return [detail, ...errors.map(({ path, message }) => `${path}: ${message}`)].join(" ");
}
