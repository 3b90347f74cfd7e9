/**
 * Serves `PUT` and `DELETE /dev/r2/{bucket}/{key}`, on the local runtime only. R2 sends no
 * notifications there, so these calls change the object and send the message that R2 would.
 *
 * The object is written first, then the message is sent, as R2 does. A crash in between leaves an
 * object without a notification; the caller got no answer, and repeats the call.
 */
import { Hono, type Context } from "hono";
import type { Problem } from "../../domain/problem.ts";
import { ByteSource } from "../../payloads/byte-source.ts";
import { PART_BYTES, uploadParts } from "../../payloads/payload-upload.ts";
import { SEND_LIMIT_MS, within } from "../../platform/calls.ts";
import { runIdFor } from "../../triggers/run-id.ts";
import { boundBucket } from "../../triggers/bound-bucket.ts";
import { tasksOf } from "../../triggers/r2-events.ts";
import { versionKeyOf, type R2Notification } from "../../triggers/r2-notification.ts";
import type { Needs } from "../dependencies.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";
import { unknownBucket } from "../api/reconcile.ts";

/**
 * Limit of `deliveries`: how often one message is sent, because R2 may deliver it more than once.
 */
const MOST_DELIVERIES = 10;

/** R2's own limit of a key, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1_024;

/** R2's name of a put, which depends on how the object was written. */
type PutAction = "PutObject" | "CompleteMultipartUpload";

/** The stored object, in the version of this put, and how it was written. */
interface Stored {
  readonly action: PutAction;
  readonly object: R2Object | null;
}

/** Creates the routes below /dev/r2. */
export function devR2Routes({ plan }: Needs<"plan">): Hono<HttpEnv> {
  const nextVersionTime = versionClock();

  return new Hono<HttpEnv>()
    .put("/dev/r2/:bucket/:key{.+}", async (c) => {
      const { bucket: name, key } = c.req.param();
      const bucket = boundBucket(c.env, plan, name);
      if (bucket === null) return problemResponse(c, unknownBucket(plan, name));
      if (new TextEncoder().encode(key).byteLength > MAX_KEY_BYTES)
        return problemResponse(c, KEY_TOO_LONG);
      const deliveries = Number(c.req.query("deliveries") ?? "1");
      if (!(Number.isInteger(deliveries) && deliveries >= 1 && deliveries <= MOST_DELIVERIES))
        return problemResponse(c, NO_SUCH_DELIVERIES);
      const { action, object } = await store(c, bucket, key);
      if (object === null) throw new Error(`the object ${name}/${key} is gone after it was stored`);
      const { size, etag } = object;
      return c.json(
        {
          bucket: name,
          key,
          size,
          etag,
          ...(await notify(c.env, name, action, { key, size, eTag: etag }, deliveries)),
        },
        201,
      );
    })
    .delete("/dev/r2/:bucket/:key{.+}", async (c) => {
      const { bucket: name, key } = c.req.param();
      const bucket = boundBucket(c.env, plan, name);
      if (bucket === null) return problemResponse(c, unknownBucket(plan, name));
      if ((await bucket.head(key)) === null) return problemResponse(c, unknownObject(name, key));
      await bucket.delete(key);
      return c.json({ bucket: name, key, ...(await notify(c.env, name, "DeleteObject", { key })) });
    });

  /** Sends the notification, and computes the ids of the runs that it will start. */
  async function notify(
    env: Env,
    bucket: string,
    action: R2Notification["action"],
    object: R2Notification["object"],
    deliveries = 1,
  ): Promise<{ event: R2Notification; will_trigger: { run_id: string; task: string }[] }> {
    const event: R2Notification = {
      account: "local",
      action,
      bucket,
      object,
      eventTime: nextVersionTime(),
    };
    for (let nth = 0; nth < deliveries; nth += 1)
      await within(
        SEND_LIMIT_MS,
        "the queue",
        env.R2_EVENT_QUEUE.send(event, { contentType: "json" }),
      );
    const key = versionKeyOf(event);
    const will_trigger = await Promise.all(
      tasksOf(plan, event).map(async (task) => ({ run_id: await runIdFor(env, task, key), task })),
    );
    return { event, will_trigger };
  }
}

/**
 * Stores the body. R2 needs its length beforehand: a body without one is uploaded in parts, one
 * part in memory at a time.
 */
async function store(c: Context<HttpEnv>, bucket: R2Bucket, key: string): Promise<Stored> {
  const contentType = c.req.header("Content-Type") ?? "application/octet-stream";
  const { body } = c.req.raw;
  if (body === null || c.req.header("Content-Length") !== undefined) {
    const object = await bucket.put(key, body ?? new Uint8Array(0), {
      httpMetadata: { contentType },
    });
    return { action: "PutObject", object };
  }
  const source = new ByteSource(body);
  const first = await source.nextBlock(PART_BYTES);
  if (first.length === PART_BYTES) {
    await uploadParts(bucket, key, source, first, contentType);
    return { action: "CompleteMultipartUpload", object: await bucket.head(key) };
  }
  const object = await bucket.put(key, first, { httpMetadata: { contentType } });
  return { action: "PutObject", object };
}

/**
 * Returns strictly increasing ISO times. Time and etag identify an object's version, and each put
 * is a new one.
 */
function versionClock(): () => string {
  let last = 0;
  return () => {
    last = Math.max(Date.now(), last + 1);
    return new Date(last).toISOString();
  };
}

const KEY_TOO_LONG: Problem = {
  code: "invalid_request",
  detail: `R2 takes keys of at most ${MAX_KEY_BYTES} bytes in UTF-8.`,
  hint: "Choose a shorter key.",
};

const NO_SUCH_DELIVERIES: Problem = {
  code: "invalid_request",
  detail: `"deliveries" is a whole number from 1 to ${MOST_DELIVERIES}: how often the message is sent, as R2 may deliver it more than once.`,
  hint: "Leave it out to have it sent once.",
};

function unknownObject(bucket: string, key: string): Problem {
  return {
    code: "not_found",
    detail: `The bucket "${bucket}" has no object "${key}".`,
    hint: "PUT it first.",
  };
}
