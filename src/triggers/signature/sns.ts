/**
 * SNS (docs.aws.amazon.com, "Verifying the signatures of Amazon SNS messages"): a text composed of
 * the message's fields is signed by RSA with SHA-1 (`SignatureVersion` 1) or SHA-256 (2), under a
 * certificate that the message names. There is no secret: only the signed topic shows that a
 * message is for this project, so the topics must be listed.
 *
 * A message contains its time, which stays the same in repetitions, for up to an hour by default.
 * Its id names the delivery.
 */
import { createHash, createVerify } from "node:crypto";
import * as z from "zod";
import type { SnsAuth } from "../../domain/plan/endpoint-auth.ts";
import { ok, type Problem, refuse, type Result } from "../../domain/problem.ts";
import { parseSentJson } from "../../payloads/sent-json.ts";
import { decodeUtf8Document } from "../../payloads/utf8.ts";
import { isOfSns, snsMismatch } from "./sns-address.ts";
import type { SnsCertificates } from "./sns-certificates.ts";
import { digestOf, stale, type VerifiedDelivery } from "./verify.ts";

/**
 * The largest body of SNS in bytes: a message of 256 KB with every letter escaped, and the text
 * around it.
 */
export const MAX_SNS_BODY_BYTES = 1024 * 1024;

const text = z.string().min(1);
/**
 * A field without line breaks. The signed text consists of lines without lengths, so two fields
 * with line breaks would be ambiguous. Only `Message` may contain them.
 */
const line = z.string().regex(/^[^\r\n]*$/);
const common = {
  MessageId: line.min(1).max(255),
  TopicArn: line.min(1).max(512),
  Message: z.string(),
  Timestamp: z.iso.datetime({ offset: true }),
  SignatureVersion: z.enum(["1", "2"]),
  Signature: z.base64().max(2048),
  SigningCertURL: text.max(2048),
};
const confirmation = { ...common, SubscribeURL: line.min(1).max(2048), Token: line.min(1) };
const MESSAGE = z.discriminatedUnion("Type", [
  z.object({ Type: z.literal("Notification"), ...common, Subject: line.nullish() }),
  z.object({ Type: z.literal("SubscriptionConfirmation"), ...confirmation }),
  z.object({ Type: z.literal("UnsubscribeConfirmation"), ...confirmation }),
]);
type SnsMessage = z.infer<typeof MESSAGE>;

/** Signed fields, in the order of the signed text. */
const SIGNED = [
  "Message",
  "MessageId",
  "Subject",
  "SubscribeURL",
  "Timestamp",
  "Token",
  "TopicArn",
  "Type",
] as const;

/** A message with a valid signature. */
export interface VerifiedSns extends VerifiedDelivery {
  readonly topic: string;
  /**
   * SNS's request: take the message, confirm the subscription, or nothing, since the subscription
   * has ended.
   */
  readonly asks:
    | { readonly type: "notify" | "unsubscribed" }
    | { readonly type: "confirm"; readonly url: URL };
}

/**
 * Verifies a message that arrived at `now` (epoch milliseconds). Refuses with `signature_missing`
 * if the body is not a message of SNS, with `signature_stale` or `signature_mismatch`, and with
 * `unavailable` if the certificate cannot be fetched.
 */
export async function verifySns(
  auth: SnsAuth,
  body: Uint8Array,
  certificates: SnsCertificates,
  now: number,
): Promise<Result<VerifiedSns>> {
  const message = messageIn(body);
  if (message === null) return refuse(NO_MESSAGE);
  if (!auth.topics.includes(message.TopicArn))
    return refuse(snsMismatch("Its topic is none that the endpoint takes."));
  if (Math.abs(now - Date.parse(message.Timestamp)) > auth.toleranceMs)
    return refuse(stale(auth.toleranceMs));
  const found = await certificates.keyAt(message.SigningCertURL, now);
  if (!found.ok) return found;
  const verify = createVerify(message.SignatureVersion === "1" ? "RSA-SHA1" : "RSA-SHA256");
  const signed = signedText(message);
  verify.update(signed);
  if (!verify.verify(found.value.key, Uint8Array.fromBase64(message.Signature)))
    return refuse(snsMismatch("The signature does not fit the message."));
  certificates.keep(found.value);
  const { MessageId: deliveryId, TopicArn: topic } = message;
  const verified = {
    deliveryId,
    digest: digestOf("sns", "id", deliveryId, createHash("sha256").update(signed).digest("hex")),
    topic,
  };
  if (message.Type !== "SubscriptionConfirmation")
    return ok({
      ...verified,
      asks: { type: message.Type === "Notification" ? "notify" : "unsubscribed" },
    });
  const url = subscriptionUrl(message.SubscribeURL, topic);
  return url === null
    ? refuse(
        snsMismatch(
          "Its SubscribeURL is no address at which SNS confirms a subscription of the topic.",
        ),
      )
    : ok({ ...verified, asks: { type: "confirm", url } });
}

function messageIn(body: Uint8Array): SnsMessage | null {
  const sent = parseSentJson(decodeUtf8Document(body), NO_MESSAGE.hint);
  if (!sent.ok) return null;
  const parsed = MESSAGE.safeParse(sent.value);
  return parsed.success ? parsed.data : null;
}

function signedText(message: SnsMessage): string {
  const fields: Readonly<Record<string, unknown>> = message;
  return SIGNED.flatMap((name) => {
    const value = fields[name];
    return typeof value === "string" ? [`${name}\n${value}\n`] : [];
  }).join("");
}

/** The subscription's URL, if it belongs to SNS and to this topic; the worker fetches it. */
function subscriptionUrl(address: string, topic: string): URL | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isSns =
    url !== null &&
    isOfSns(url) &&
    url.searchParams.get("Action") === "ConfirmSubscription" &&
    url.searchParams.get("TopicArn") === topic;
  return isSns ? url : null;
}

const NO_MESSAGE: Problem = {
  code: "signature_missing",
  detail: "The body is no signed message of SNS.",
  hint: "Subscribe the endpoint to the topic by HTTPS, without raw message delivery: what is raw is not signed.",
};
