/**
 * Finds objects that R2's notifications have missed: lists a bucket page by page and triggers each
 * object version without a run.
 *
 * Every matching version is named as its notification would name it (objects/object-versions) and
 * triggered with that key. A version with a run keeps its run, and a late notification finds the
 * run too. Only objects uploaded within `retention` are considered: runs of older objects may be
 * deleted, so nothing is known about them. Deletions leave no object to list.
 */
import type { Plan } from "../domain/plan/plan.ts";
import type { RunId } from "../domain/ids.ts";
import { identityOfListed } from "../domain/object-version.ts";
import type { Problem } from "../domain/problem.ts";
import type { TriggerKey } from "../domain/trigger-key.ts";
import { encodePayload, type EncodedPayload } from "../payloads/codec.ts";
import type { callRun } from "../objects/run/run-client.ts";
import { findListed, identifyListed } from "../objects/object-versions/object-versions-client.ts";
import type {
  SeenVersion,
  VersionIdentity,
} from "../objects/object-versions/object-versions-rpc.ts";
import { debouncedRun } from "./debounced.ts";
import type { AcceptTrigger } from "./accept.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { runIdFor } from "./run-id.ts";
import { keepVersionsMs, originOfObject, tasksOf } from "./r2-events.ts";
import { objectEventPayload, versionKeyOf, type R2Notification } from "./r2-notification.ts";
import { decodeLoopMark } from "./loop-guard.ts";

/** A page of a bucket to compare with the runs. */
export interface ReconcileRequest {
  readonly bucket: R2Bucket;
  /** The `bucket_name`. */
  readonly name: string;
  readonly prefix: string;
  /** Objects uploaded before are left out. Epoch milliseconds. */
  readonly since: number;
  /** Only report what would be triggered. */
  readonly isDryRun: boolean;
  readonly cursor: string | null;
  /** Objects of one page, at most 1,000. */
  readonly limit: number;
}

/** The run of an object version whose notification was missed. */
export interface MissedRun {
  readonly key: string;
  readonly task: string;
  readonly runId: RunId;
}

/** The result of one page. */
export interface ReconcilePage {
  /** Objects on the page. */
  readonly listed: number;
  /** Objects on the page that trigger a task and are not older than `since`. */
  readonly matching: number;
  /** Objects older than `retention`. */
  readonly tooOld: number;
  readonly missed: readonly MissedRun[];
  readonly refused: readonly {
    readonly key: string;
    readonly task: string;
    readonly problem: Problem;
  }[];
  /** The start of the next page; null at the end. */
  readonly cursor: string | null;
}

/** Dependencies of reconciling in one deployment. */
export interface ReconcileDependencies {
  readonly plan: Plan;
  readonly acceptTrigger: AcceptTrigger;
  readonly callRun: typeof callRun;
}

interface Candidate {
  readonly object: R2Object;
  readonly notification: R2Notification;
  readonly tasks: readonly string[];
}

/** Objects processed concurrently: each one takes a call or two of Peach's objects. */
const AT_ONCE = 6;

/**
 * Processes one page. Rejects if R2 or the version objects cannot be reached; the same page may
 * then be processed again.
 */
export async function reconcilePage(
  { plan, acceptTrigger, callRun }: ReconcileDependencies,
  env: Env,
  lifetime: Lifetime,
  { bucket, name, prefix, since, isDryRun, cursor, limit }: ReconcileRequest,
): Promise<ReconcilePage> {
  const oldest = Date.now() - plan.retentionMs;
  const page = await bucket.list({
    prefix,
    limit,
    include: ["customMetadata"],
    ...(cursor !== null && { cursor }),
  });
  const fitting = page.objects.map(candidate).filter(({ tasks }) => tasks.length > 0);
  const candidates = fitting.filter(
    ({ object }) => object.uploaded.getTime() >= Math.max(since, oldest),
  );
  const seen = candidates.map(({ object }) => versionOf(object));
  const identities = isDryRun
    ? await found(seen)
    : await identifyListed(env, name, seen, keepVersionsMs(plan));

  const missed: MissedRun[] = [];
  const refused: { key: string; task: string; problem: Problem }[] = [];
  const waiting = candidates.entries();
  const work = async (): Promise<void> => {
    // The iterator is shared: each object goes to one worker.
    for (const [index, one] of waiting) {
      const met = identities[index];
      if (met === undefined) throw new Error("an object was listed that nobody was asked about");
      for (const task of one.tasks) await check(one, task, met);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return {
    listed: page.objects.length,
    matching: candidates.length,
    tooOld: fitting.filter(({ object }) => object.uploaded.getTime() < oldest).length,
    missed: missed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
    refused,
    cursor: page.truncated ? page.cursor : null,
  };

  /**
   * The notification that R2 would have sent. R2's listing does not tell a copy from a put; an etag
   * with a dash means an upload in parts.
   */
  function candidate(object: R2Object): Candidate {
    const { key, size, etag, uploaded } = object;
    const notification: R2Notification = {
      account: "",
      action: etag.includes("-") ? "CompleteMultipartUpload" : "PutObject",
      bucket: name,
      object: { key, size, eTag: etag },
      eventTime: uploaded.toISOString(),
    };
    return { object, notification, tasks: tasksOf(plan, notification) };
  }

  async function found(versions: readonly SeenVersion[]): Promise<readonly VersionIdentity[]> {
    const known = await findListed(env, name, versions);
    return versions.map(({ version }, index) => {
      const identity = known[index] ?? null;
      return { identity: identity ?? identityOfListed(version), known: identity !== null };
    });
  }

  async function check(
    { object, notification }: Candidate,
    task: string,
    met: VersionIdentity,
  ): Promise<void> {
    const { key } = object;
    const idempotencyKey = versionKeyOf(notification, met.identity);
    const payload = encodePayload(objectEventPayload(notification));
    if (!payload.ok) return void refused.push({ key, task, problem: payload.problem });
    // A trigger that joins a window is a duplicate in its answer, whether its version was new or
    // not.
    const isWindowed = (plan.tasks[task]?.debounce ?? null) !== null;
    if (isDryRun || isWindowed) {
      const isThere = met.known && (await foundRun(task, payload.value, idempotencyKey)) !== null;
      if (isDryRun && !isThere)
        missed.push({ key, task, runId: await runIdFor(env, task, idempotencyKey) });
      if (isDryRun || isThere) return;
    }
    const origin = originOfObject(`${name}/${key}`, decodeLoopMark(object.customMetadata), true);
    const accepted = await acceptTrigger(env, lifetime, {
      task,
      payload: payload.value,
      idempotencyKey,
      origin,
    });
    if (!accepted.ok) refused.push({ key, task, problem: accepted.problem });
    else if (isWindowed || !accepted.value.deduplicated)
      missed.push({ key, task, runId: accepted.value.runId });
  }

  /** Finds the run of an object version. Runs that share a window are not named by versions. */
  async function foundRun(
    task: string,
    payload: EncodedPayload,
    idempotencyKey: TriggerKey,
  ): Promise<RunId | null> {
    const debounce = plan.tasks[task]?.debounce ?? null;
    if (debounce !== null)
      return debouncedRun({ env, callRun }, debounce, { task, payload, idempotencyKey });
    const runId = await runIdFor(env, task, idempotencyKey);
    return (await callRun(env, runId, (run) => run.describe())) === null ? null : runId;
  }
}

function versionOf({ key, etag, version, uploaded }: R2Object): SeenVersion {
  return { key, etag, version, uploadedAt: uploaded.getTime() };
}
