/**
 * Slack (docs.slack.dev, "Verifying requests from Slack"): `v0:timestamp:body` is signed, in hex
 * after `v0=`. Events have an id, which is the same when Slack tries again; commands and
 * interactions have none.
 */
import { ok } from "../../domain/problem.ts";
import { idInBody } from "./body-id.ts";
import { readHeader, type Scheme } from "./claim.ts";
import { encodeText } from "./digest.ts";

const PREFIX = "v0=";
const SIGNATURE = /^v0=[0-9a-f]{64}$/;
const SECONDS = /^\d{1,12}$/;

/** The scheme of Slack. */
export const slack: Scheme = {
  read(headers) {
    const seconds = readHeader(headers, "x-slack-request-timestamp", SECONDS, "a time in seconds");
    if (!seconds.ok) return seconds;
    const signature = readHeader(
      headers,
      "x-slack-signature",
      SIGNATURE,
      "`v0=` and 64 hex digits",
    );
    if (!signature.ok) return signature;
    return ok({
      digests: [Uint8Array.fromHex(signature.value.slice(PREFIX.length))],
      before: `v0:${seconds.value}:`,
      signedAt: Number(seconds.value) * 1000,
      deliveryId: (body) => idInBody(body, "event_id"),
    });
  },

  keyOf: encodeText,
};
