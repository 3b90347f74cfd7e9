/**
 * Finds and signs the sample of a project: `sample/<endpoint>.json`, the body of a delivery to an
 * endpoint with the signature `standard-webhooks`.
 */
import { createHmac, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../domain/plan/plan.ts";

/** A delivery to an endpoint, without a signature. */
export interface SampleDelivery {
  readonly endpoint: string;
  readonly url: string;
  /** The name of the secret. */
  readonly secret: string;
  readonly body: string;
}

/** Finds the sample of the first endpoint with a sample; null if there is none. */
export function findSampleDelivery(plan: Plan, project: string): SampleDelivery | null {
  for (const { name, url, auth } of plan.endpoints) {
    const file = join(project, "sample", `${name}.json`);
    if (auth.type !== "signature" || auth.scheme !== "standard-webhooks" || !existsSync(file))
      continue;
    return { endpoint: name, url, secret: auth.secret, body: readFileSync(file, "utf8") };
  }
  return null;
}

/** Makes the headers of a delivery that is signed as Standard Webhooks says. */
export function signedHeaders(body: string, secret: string): Record<string, string> {
  const id = `msg_${randomUUID()}`;
  const seconds = String(Math.floor(Date.now() / 1_000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": `v1,${signature}`,
  };
}
