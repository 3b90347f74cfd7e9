/**
 * Finds the sample of a project for `npm run demo`, under `sample/`:
 * - `<endpoint>.json` or `<endpoint>.ndjson`: the body of a delivery to an endpoint that is open,
 *   takes a token, or has the signature `standard-webhooks`;
 * - `<bucket>/<key>`: files to upload, of a bucket that triggers a task (`on.r2`);
 * - `<endpoint>.query`: queries to ask at the end, one a line, such as `user=listener-1&limit=5`.
 */
import { createHmac, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { EndpointPlan, Plan } from "../domain/plan/plan.ts";

/** A delivery to an endpoint, without what proves its sender. */
export interface SampleDelivery {
  readonly file: string;
  readonly endpoint: EndpointPlan;
  readonly body: string;
}

/** Objects to upload; the last one triggers the run that is shown. */
export interface SampleUploads {
  readonly bucket: string;
  readonly objects: readonly { readonly key: string; readonly file: string }[];
}

/** The content types of samples, by the ending of the file. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".json": "application/json",
  ".ndjson": "application/x-ndjson",
  ".mp3": "audio/mpeg",
  ".vtt": "text/vtt",
};
/** The endings of samples that an endpoint is sent, the first preferred. */
const DELIVERED = [".json", ".ndjson"] as const;

/** The content type of a sample; of an unknown ending, that of any bytes. */
export function sampleType(file: string): string {
  return CONTENT_TYPES[extname(file)] ?? "application/octet-stream";
}

/** Finds the sample of the first endpoint with a sample; null if there is none. */
export function findSampleDelivery(plan: Plan, project: string): SampleDelivery | null {
  for (const endpoint of plan.endpoints) {
    const { auth } = endpoint;
    if (auth.type === "signature" && auth.scheme !== "standard-webhooks") continue;
    for (const ending of DELIVERED) {
      const file = `sample/${endpoint.name}${ending}`;
      const path = join(project, file);
      if (existsSync(path)) return { file, endpoint, body: readFileSync(path, "utf8") };
    }
  }
  return null;
}

/** Finds the objects of the first bucket with a sample, in the order of their names; or null. */
export function findSampleUploads(plan: Plan, project: string): SampleUploads | null {
  const buckets = Object.values(plan.tasks).flatMap(({ on }) => on.r2.map(({ bucket }) => bucket));
  for (const bucket of new Set(buckets)) {
    const folder = join(project, "sample", bucket);
    if (!existsSync(folder)) continue;
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    const objects = files
      .toSorted()
      .map((file) => ({ key: relative(folder, file).split(sep).join("/"), file }));
    if (objects.length > 0) return { bucket, objects };
  }
  return null;
}

/** Lists the paths with the queries of `sample/<endpoint>.query`. */
export function sampleQueries(plan: Plan, project: string): string[] {
  return plan.endpoints.flatMap(({ name, url }) => {
    const file = join(project, "sample", `${name}.query`);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split(/\r?\n/);
    return lines.filter((line) => line.trim() !== "").map((line) => `${url}?${line.trim()}`);
  });
}

/** Makes the headers of a delivery, with what its endpoint asks of a sender. */
export function deliveryHeaders(
  { file, endpoint: { auth }, body }: SampleDelivery,
  secrets: Readonly<Record<string, string | undefined>>,
  token: string,
): Record<string, string> {
  const headers = { "Content-Type": sampleType(file) };
  if (auth.type === "none") return headers;
  if (auth.type === "token") return { ...headers, Authorization: `Bearer ${token}` };
  const secret = "secret" in auth ? secrets[auth.secret] : undefined;
  return { ...headers, ...signature(body, secret ?? "") };
}

/** Signs a body as Standard Webhooks says. */
function signature(body: string, secret: string): Record<string, string> {
  const id = `msg_${randomUUID()}`;
  const seconds = String(Math.floor(Date.now() / 1_000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${mac}` };
}
