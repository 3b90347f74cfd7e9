/**
 * The consumer of `peach-r2-events`: one run per task and object version, however often the notification comes.
 *
 * A message is acknowledged after every run it leads to is durably accepted. If the surroundings fail in between, the whole
 * message comes again later and finds the runs that it has started. One that cannot be understood, or that a task's `input`
 * refuses, will not get better: it is recorded as a dead letter and acknowledged.
 */
import type { Plan } from "../core/plan.ts";
import type { Problem } from "../core/result.ts";
import { tasksTriggeredBy } from "../core/routing.ts";
import { encodePayload } from "../payload/codec.ts";
import type { AcceptTrigger, Lifetime } from "./accept.ts";
import { recordDeadLetter } from "./dead-letter.ts";
import { handleEach, retryLater } from "./queue-retry.ts";
import {
  objectEventPayload,
  parseR2Notification,
  r2ActionOf,
  versionKeyOf,
  type R2Notification,
} from "./r2-notification.ts";

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

/** Turns each notification of a batch into runs. */
export async function consumeR2Events(
  { plan, acceptTrigger }: R2EventDependencies,
  batch: MessageBatch,
  env: Env,
  lifetime: Lifetime,
): Promise<void> {
  await handleEach(batch, async (message) => {
    const parsed = parseR2Notification(message.body);
    if ("reason" in parsed) {
      await recordDeadLetter(env, batch.queue, message, parsed.reason);
      return message.ack();
    }
    const refusals: string[] = [];
    for (const task of tasksOf(plan, parsed.notification)) {
      const refusal = await trigger(task, parsed.notification);
      if (refusal?.code === "overloaded") return retryLater(message);
      if (refusal !== null) refusals.push(`Task "${task}" refused it (${refusal.code}). ${describe(refusal)}`);
    }
    if (refusals.length > 0) await recordDeadLetter(env, batch.queue, message, refusals.join("\n"));
    message.ack();
  });

  async function trigger(task: string, notification: R2Notification): Promise<Problem | null> {
    const payload = encodePayload(objectEventPayload(notification));
    if (!payload.ok) return payload.problem;
    const accepted = await acceptTrigger(env, lifetime, {
      task,
      payload: payload.value,
      idempotencyKey: versionKeyOf(notification),
      origin: { source: "r2", by: `${notification.bucket}/${notification.object.key}`, parent: null },
    });
    return accepted.ok ? null : accepted.problem;
  }
}

function describe({ detail, errors = [] }: Problem): string {
  return [detail, ...errors.map(({ path, message }) => `${path}: ${message}`)].join(" ");
}
