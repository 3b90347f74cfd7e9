/**
 * Signs deliveries for the schemes of the fuzzer's endpoints, with other code than the verification
 * uses.
 */
import { createHmac } from "node:crypto";

/** The secret of all schemes; the one of Standard Webhooks is base64. */
export const ENDPOINT_SECRET = ["fuzz", "endpoint", "secret", "20b7"].join("-");
export const WEBHOOK_SECRET = Buffer.from(ENDPOINT_SECRET).toString("base64");

/** Signed endpoints in the fuzzer's peach.conf. */
export const SIGNED_ENDPOINTS = ["plain", "code", "payments", "chat", "standard"] as const;

type Body = string | Uint8Array;

/** Returns the headers that sign this body, this many seconds from now. */
export function signed(
  endpoint: (typeof SIGNED_ENDPOINTS)[number],
  body: Body,
  inSeconds: number,
): Record<string, string> {
  const seconds = Math.floor(Date.now() / 1_000) + inSeconds;
  switch (endpoint) {
    case "plain":
      return { "X-Signature": hex("", body) };
    case "code":
      return { "X-Hub-Signature-256": `sha256=${hex("", body)}`, "X-GitHub-Delivery": "1" };
    case "payments":
      return { "Stripe-Signature": `t=${seconds},v1=${hex(`${seconds}.`, body)}` };
    case "chat":
      return {
        "X-Slack-Request-Timestamp": String(seconds),
        "X-Slack-Signature": `v0=${hex(`v0:${seconds}:`, body)}`,
      };
    case "standard":
      return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": String(seconds),
        "Webhook-Signature": `v1,${mac(`msg_1.${seconds}.`, body).toString("base64")}`,
      };
  }
}

function hex(before: string, body: Body): string {
  return mac(before, body).toString("hex");
}

function mac(before: string, body: Body): Buffer {
  return createHmac("sha256", ENDPOINT_SECRET).update(before).update(body).digest();
}
