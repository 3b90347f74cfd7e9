/**
 * SNS (docs.aws.amazon.com, "Verifying the signatures of Amazon SNS messages"): a text made of the fields of the message is signed, by
 * RSA with SHA-1 (`SignatureVersion` 1) or SHA-256 (2), under a certificate that the message names. There is no secret: that a message is
 * of one's own is told by its topic, which is signed too, and by nothing else. So the topics must be listed.
 *
 * A message says its time and keeps it when it is sent again, for up to an hour by default; its id names the delivery.
 */
import { createHash, createVerify } from "node:crypto";
import { z } from "zod";
import type { SnsAuth } from "../../domain/plan/endpoint-auth.ts";
import { ok, type Problem, refuse, type Result } from "../../domain/problem.ts";
import { parseSentJson } from "../../payloads/sent-json.ts";
import { decodeUtf8Document } from "../../payloads/utf8.ts";
import { isOfSns, snsMismatch } from "./sns-address.ts";
import type { SnsCertificates } from "./sns-certificates.ts";
import { digestOf, stale, type VerifiedDelivery } from "./verify.ts";

/** What SNS sends is not larger: a message of 256 KB, each letter of which may be escaped, and the text around it. Bytes. */
export const MAX_SNS_BODY_BYTES = 1024 * 1024;

const text = z.string().min(1);
/** What is signed is lines without lengths: of two fields that may hold lines, it could be read in two ways. Only `Message` may. */
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

/** What is signed, in the order in which it is. */
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

/** A message whose signature fits. */
export interface VerifiedSns extends VerifiedDelivery {
  readonly topic: string;
  /** What SNS asks for: nothing but to take the message, that its subscription is confirmed, or it says that it has ended. */
  readonly asks:
    | { readonly type: "notify" | "unsubscribed" }
    | { readonly type: "confirm"; readonly url: URL };
}

/**
 * Verifies a message that came at `now` (epoch milliseconds). Refuses with `signature_missing` what is no message of SNS, with
 * `signature_stale` or `signature_mismatch`; with `unavailable` while its certificate cannot be had.
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

/** Only SNS itself, and only for this topic: the worker fetches the address. */
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
