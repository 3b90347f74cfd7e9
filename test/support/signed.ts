/**
 * Deliveries as the providers sign them, by other means than the code under test: `node:crypto`, and the library of Standard
 * Webhooks itself.
 */
import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import type { HmacAuth, SignatureScheme } from "../../src/domain/plan/endpoint-auth.ts";

export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One provider: how peach.conf names it, a secret as it gives them out, and how it signs. */
export interface Provider {
  readonly auth: HmacAuth;
  readonly secret: string;
  readonly otherSecret: string;
  /** The header that carries the signature. */
  readonly header: string;
  /** `id`: what the provider calls the delivery, where it does. `at`: epoch milliseconds. */
  readonly sign: (secret: string, content: object, how: { readonly id: string; readonly at: number }) => SignedRequest;
}

const FIVE_MINUTES = 300_000;

function hex(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

function seconds(at: number): string {
  return String(Math.floor(at / 1000));
}

export const PROVIDERS: Readonly<Record<Exclude<SignatureScheme, "sns">, Provider>> = {
  "standard-webhooks": {
    auth: { type: "signature", scheme: "standard-webhooks", secret: "HOOK_SECRET", toleranceMs: FIVE_MINUTES },
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    otherSecret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    header: "webhook-signature",
    sign(secret, content, { id, at }) {
      const body = JSON.stringify(content);
      const signature = new Webhook(secret).sign(id, new Date(at), body);
      return { headers: { "webhook-id": id, "webhook-timestamp": seconds(at), "webhook-signature": signature }, body };
    },
  },
  github: {
    auth: { type: "signature", scheme: "github", secret: "HOOK_SECRET" },
    secret: "It's a Secret to Everybody",
    otherSecret: "another",
    header: "x-hub-signature-256",
    sign(secret, content, { id }) {
      const body = JSON.stringify(content);
      return { headers: { "x-github-delivery": id, "x-hub-signature-256": `sha256=${hex(secret, body)}` }, body };
    },
  },
  stripe: {
    auth: { type: "signature", scheme: "stripe", secret: "HOOK_SECRET", toleranceMs: FIVE_MINUTES },
    secret: "whsec_5f2e7b0c9d",
    otherSecret: "whsec_0123456789",
    header: "stripe-signature",
    sign(secret, content, { id, at }) {
      const body = JSON.stringify({ id, object: "event", ...content });
      const time = seconds(at);
      return {
        headers: { "stripe-signature": `t=${time},v1=${hex(secret, `${time}.${body}`)}` },
        body,
      };
    },
  },
  slack: {
    auth: { type: "signature", scheme: "slack", secret: "HOOK_SECRET", toleranceMs: FIVE_MINUTES },
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    otherSecret: "another",
    header: "x-slack-signature",
    sign(secret, content, { id, at }) {
      const body = JSON.stringify({ type: "event_callback", event_id: id, ...content });
      const time = seconds(at);
      return {
        headers: { "x-slack-request-timestamp": time, "x-slack-signature": `v0=${hex(secret, `v0:${time}:${body}`)}` },
        body,
      };
    },
  },
  "hmac-sha256": {
    auth: { type: "signature", scheme: "hmac-sha256", secret: "HOOK_SECRET", header: "x-signature" },
    secret: "Jefe",
    otherSecret: "another",
    header: "x-signature",
    sign(secret, content) {
      const body = JSON.stringify(content);
      return { headers: { "x-signature": hex(secret, body) }, body };
    },
  },
};
