import { memberOf } from "../../payloads/json-path.ts";
import { parseSentJson } from "../../payloads/sent-json.ts";
import { byteLetters } from "../../payloads/utf8.ts";

const OPENING_BRACE = 0x7b;

/** Ids as Stripe and Slack write them: ASCII only, so the body's bytes can be read as letters. */
const ID = /^[\x20-\x7e]{1,255}$/;

/** Returns the id at this key of a JSON object in the body, or null without one. */
export function idInBody(body: Uint8Array, key: string): string | null {
  // Avoids decoding ten megabytes that are no JSON object.
  const first = body.find((byte) => byte > 0x20);
  if (first !== OPENING_BRACE) return null;
  const parsed = parseSentJson(byteLetters(body), "");
  if (!parsed.ok) return null;
  const id = memberOf(parsed.value, key);
  return typeof id === "string" && ID.test(id) ? id : null;
}
