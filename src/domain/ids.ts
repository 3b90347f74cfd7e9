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

/**
 * The two makers of a kind of id. `fromBytes` makes an id from the first 16 bytes; `parse` returns
 * null if a text is none.
 */
function kindOfId<Id extends string>(prefix: string, what: string) {
  const form = new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{26}$`);
  const isId = (text: string): text is Id => form.test(text);
  const parse = (text: string): Id | null => (isId(text) ? text : null);
  const fromBytes = (bytes: Uint8Array): Id => {
    const text = `${prefix}_${base32(bytes)}`;
    if (!isId(text)) throw new Error(`bytes became "${text}", which is no ${what}`);
    return text;
  };
  return { parse, fromBytes };
}

export const { parse: parseRunId, fromBytes: runIdFromBytes } = kindOfId<RunId>("run", "run id");

export const { parse: parseDeliveryId, fromBytes: deliveryIdFromBytes } = kindOfId<DeliveryId>(
  "dlv",
  "delivery id",
);

export const { parse: parseDeadLetterId, fromBytes: deadLetterIdFromBytes } =
  kindOfId<DeadLetterId>("dlt", "id of a dead letter");

export const { parse: parseSessionId, fromBytes: sessionIdFromBytes } = kindOfId<SessionId>(
  "ses",
  "id of a session",
);

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

/** Hash input of a dead letter id. A repeated recording of one message gives the same letter. */
export function deadLetterInput(queue: string, messageId: string): string {
  return JSON.stringify([queue, messageId]);
}
