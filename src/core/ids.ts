/**
 * All ids of the product, and the only place where they are made. Pure: the bytes (random, or a digest) come from outside.
 */
declare const brand: unique symbol;

/** `run_` and 26 characters of Crockford's base 32: 128 bits, random or the digest of (task, idempotency key). */
export type RunId = string & { readonly [brand]: "RunId" };

/** `dlv_` and 26 characters of the same, random: one request to an endpoint, as it is kept for the inspector. */
export type DeliveryId = string & { readonly [brand]: "DeliveryId" };

/** `dlt_` and 26 characters of the same: the digest of the queue's message that could not be processed. */
export type DeadLetterId = string & { readonly [brand]: "DeadLetterId" };

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RUN_ID = /^run_[0-9a-hjkmnp-tv-z]{26}$/;
const DEAD_LETTER_ID = /^dlt_[0-9a-hjkmnp-tv-z]{26}$/;
const DELIVERY_ID = /^dlv_[0-9a-hjkmnp-tv-z]{26}$/;

/** The run id that stands for these bytes; only the first 16 count. */
export function runIdFromBytes(bytes: Uint8Array): RunId {
  const text = `run_${base32(bytes)}`;
  if (!isRunId(text)) throw new Error(`bytes became "${text}", which is no run id`);
  return text;
}

/** The delivery id that stands for these bytes; only the first 16 count. */
export function deliveryIdFromBytes(bytes: Uint8Array): DeliveryId {
  const text = `dlv_${base32(bytes)}`;
  const id = parseDeliveryId(text);
  if (id === null) throw new Error(`bytes became "${text}", which is no delivery id`);
  return id;
}

/** The id of a dead letter that stands for these bytes; only the first 16 count. */
export function deadLetterIdFromBytes(bytes: Uint8Array): DeadLetterId {
  const text = `dlt_${base32(bytes)}`;
  const id = parseDeadLetterId(text);
  if (id === null) throw new Error(`bytes became "${text}", which is no id of a dead letter`);
  return id;
}

/** 26 characters for the first 16 bytes. */
function base32(bytes: Uint8Array): string {
  if (bytes.length < 16) throw new RangeError(`an id needs 16 bytes, given ${bytes.length}`);
  let text = "";
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes.subarray(0, 16)) {
    held = (held << 8) | byte;
    heldBits += 8;
    while (heldBits >= 5) {
      heldBits -= 5;
      text += ALPHABET.charAt((held >>> heldBits) & 31);
    }
    held &= (1 << heldBits) - 1;
  }
  return text + ALPHABET.charAt((held << (5 - heldBits)) & 31);
}

/** The run id in this text, or null if it is none. */
export function parseRunId(text: string): RunId | null {
  return isRunId(text) ? text : null;
}

/** The delivery id in this text, or null if it is none. */
export function parseDeliveryId(text: string): DeliveryId | null {
  return isDeliveryId(text) ? text : null;
}

/** The id of a dead letter in this text, or null if it is none. */
export function parseDeadLetterId(text: string): DeadLetterId | null {
  return isDeadLetterId(text) ? text : null;
}

function isDeadLetterId(text: string): text is DeadLetterId {
  return DEAD_LETTER_ID.test(text);
}

function isDeliveryId(text: string): text is DeliveryId {
  return DELIVERY_ID.test(text);
}

function isRunId(text: string): text is RunId {
  return RUN_ID.test(text);
}

/** What is hashed into the id of a dead letter: a message that is delivered again, only to be recorded, is the same letter. */
export function deadLetterInput(queue: string, messageId: string): string {
  return JSON.stringify([queue, messageId]);
}

/** What is hashed into the id of a run whose trigger has an idempotency key: a key belongs to its task. */
export function idempotencyInput(task: string, key: string): string {
  return `${task.length}:${task}:${key}`;
}

/**
 * The key of a trigger made inside a task, or inside its item of this index: a retried attempt makes the same one, so it finds the
 * child run again. Those of a step are counted apart: a later attempt leaves the step out, and must not take another trigger for one
 * of its.
 */
export function childTriggerKey(
  parent: { runId: RunId; task: string; item?: number | undefined },
  target: string,
  ordinal: number,
  step: string | null = null,
): string {
  const { runId, task, item } = parent;
  const within = step === null ? "" : `${JSON.stringify(step)}:`;
  return `child:${runId}:${task}${item === undefined ? "" : `[${item}]`}:${target}:${within}${ordinal}`;
}

/**
 * The key of a trigger made by an endpoint for a delivery that its sender names: sent again, it makes the same ones, so it finds
 * the runs again. What a fallback triggers is apart from what the method does.
 */
export function deliveryTriggerKey(
  delivery: { endpoint: string; id: string; isFallback: boolean },
  target: string,
  ordinal: number,
): string {
  const { endpoint, id, isFallback } = delivery;
  return `delivery:${JSON.stringify([endpoint, id, isFallback ? "fallback" : "method"])}:${target}:${ordinal}`;
}

/** The key of an event that its emitter names: one run of each listening task, however often it is emitted. */
export function eventKey(event: string, key: string): string {
  return `event:${event}:${key}`;
}

/**
 * The key of one object version. A notification has no version id: etag and time of the event stand for it, or what `identity` the
 * version was given when a listing met it first (see `object-version.ts`).
 */
export function objectVersionKey(event: {
  bucket: string;
  key: string;
  action: string;
  etag: string;
  identity: string;
}): string {
  return `r2:${JSON.stringify([event.bucket, event.key, event.action, event.etag, event.identity])}`;
}

/**
 * The key of a scheduled run: one for each task and due time, however often it is due or found due again. Schedules of one task
 * that carry payloads of their own are apart.
 */
export function scheduledRunKey(dueAtIso: string, payload: string | null): string {
  return `schedule:${dueAtIso}${payload === null ? "" : `:${payload}`}`;
}
