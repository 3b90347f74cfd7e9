/**
 * All ids of the product, made in this file only. Pure: the caller supplies the bytes (random, or a
 * digest).
 */
declare const brand: unique symbol;

/**
 * `run_` and 26 characters of Crockford's base 32: 128 bits, random or a digest (see
 * trigger-key.ts).
 */
export type RunId = string & { readonly [brand]: "RunId" };

/** `dlv_` and 26 random characters: a recorded request to an endpoint. */
export type DeliveryId = string & { readonly [brand]: "DeliveryId" };

/** `dlt_` and 26 characters: digest of an unprocessable queue message. */
export type DeadLetterId = string & { readonly [brand]: "DeadLetterId" };

/**
 * `ses_` and 26 characters: digest of a dashboard session's cookie. The cookie cannot be derived
 * from the id.
 */
export type SessionId = string & { readonly [brand]: "SessionId" };

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RUN_ID = /^run_[0-9a-hjkmnp-tv-z]{26}$/;
const DEAD_LETTER_ID = /^dlt_[0-9a-hjkmnp-tv-z]{26}$/;
const SESSION_ID = /^ses_[0-9a-hjkmnp-tv-z]{26}$/;
const DELIVERY_ID = /^dlv_[0-9a-hjkmnp-tv-z]{26}$/;

/** Makes a run id from the first 16 bytes. */
export function runIdFromBytes(bytes: Uint8Array): RunId {
  const text = `run_${base32(bytes)}`;
  if (!isRunId(text)) throw new Error(`bytes became "${text}", which is no run id`);
  return text;
}

/** Makes a delivery id from the first 16 bytes. */
export function deliveryIdFromBytes(bytes: Uint8Array): DeliveryId {
  const text = `dlv_${base32(bytes)}`;
  const id = parseDeliveryId(text);
  if (id === null) throw new Error(`bytes became "${text}", which is no delivery id`);
  return id;
}

/** Makes a dead letter id from the first 16 bytes. */
export function deadLetterIdFromBytes(bytes: Uint8Array): DeadLetterId {
  const text = `dlt_${base32(bytes)}`;
  const id = parseDeadLetterId(text);
  if (id === null) throw new Error(`bytes became "${text}", which is no id of a dead letter`);
  return id;
}

/** Makes a session id from the first 16 bytes. */
export function sessionIdFromBytes(bytes: Uint8Array): SessionId {
  const text = `ses_${base32(bytes)}`;
  const id = parseSessionId(text);
  if (id === null) throw new Error(`bytes became "${text}", which is no id of a session`);
  return id;
}

/** Encodes the first 16 bytes in 26 characters. */
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

/** Parses a run id; null if invalid. */
export function parseRunId(text: string): RunId | null {
  return isRunId(text) ? text : null;
}

/** Parses a delivery id; null if invalid. */
export function parseDeliveryId(text: string): DeliveryId | null {
  return isDeliveryId(text) ? text : null;
}

/** Parses a dead letter id; null if invalid. */
export function parseDeadLetterId(text: string): DeadLetterId | null {
  return isDeadLetterId(text) ? text : null;
}

/** Parses a session id; null if invalid. */
export function parseSessionId(text: string): SessionId | null {
  return isSessionId(text) ? text : null;
}

function isSessionId(text: string): text is SessionId {
  return SESSION_ID.test(text);
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

/** Hash input of a dead letter id. A repeated recording of one message gives the same letter. */
export function deadLetterInput(queue: string, messageId: string): string {
  return JSON.stringify([queue, messageId]);
}
