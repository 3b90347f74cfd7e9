/**
 * Opens an object by its `s3_uri`, as a stream: from a bucket that wrangler.toml binds under this
 * name, else from S3 or a compatible store, with signed requests. Errors that a retry cannot repair
 * (no such object, access denied, no credentials) are `NonRetryableError`s.
 *
 * Addresses often come from outside. So no address opens the bucket with payloads, neither through
 * its binding nor through S3 with keys that reach it, and `open` in peach.conf restricts the
 * addresses of a task or an endpoint.
 */
import { AwsClient } from "aws4fetch";
import { isPayloadBucket } from "../../domain/payload-bucket.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { boundBucket } from "../../triggers/bound-bucket.ts";
import type { OpenedObject } from "./api.ts";
import { NonRetryableError } from "./errors.ts";

interface Address {
  readonly uri: string;
  readonly bucket: string;
  readonly key: string;
}

const OCTET_TYPE = "application/octet-stream";
/** Retries after the first attempt, when the store is busy or fails. */
const RETRIES = 3;
const MAX_ERROR_TEXT = 4_096;
const CREDENTIALS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] as const;

/** The task or endpoint that opens an object, and its `open` rule in peach.conf. */
export interface Opener {
  /** The path of the `open` rule in peach.conf, such as `tasks.transcribe.open`. */
  readonly place: string;
  /** Allowed prefixes of addresses; absent: every address. */
  readonly open: readonly string[] | undefined;
  /** Aborts the request and its body. */
  readonly signal?: AbortSignal;
}

/** Opens `s3://bucket/key`. */
export async function openObjectAt(
  env: Env,
  plan: Plan,
  uri: string,
  opener: Opener,
): Promise<OpenedObject> {
  const address = addressOf(uri);
  if (isPayloadBucket(plan.buckets, address.bucket)) throw payloadsRefused(uri);
  const { place, open, signal } = opener;
  if (open !== undefined && !open.some((prefix) => uri.startsWith(prefix))) {
    throw new NonRetryableError(
      `${uri} may not be opened: ${place} in peach.conf allows ${open.length === 0 ? "nothing" : `what begins with ${open.join(" or ")}`}. Add its prefix there if it should be.`,
    );
  }
  const bound = boundBucket(env, plan, address.bucket);
  return bound === null ? openInS3(env, plan, address, signal) : openInR2(bound, address);
}

function payloadsRefused(uri: string): NonRetryableError {
  return new NonRetryableError(
    `${uri} may not be opened: that bucket holds the payloads of all runs. Pass what a run has passed on as a payload, or by its API.`,
  );
}

function addressOf(uri: string): Address {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri) ?? [];
  if (bucket !== undefined && key !== undefined) return { uri, bucket, key };
  throw new NonRetryableError(
    `${JSON.stringify(uri)} is no address of an object; write it as s3://bucket/key.`,
  );
}

async function openInR2(bucket: R2Bucket, { uri, key }: Address): Promise<OpenedObject> {
  const object = await bucket.get(key);
  if (object === null) throw new NonRetryableError(`There is no object ${uri}.`);
  const { body, size, etag, httpMetadata } = object;
  return { body, size, etag, contentType: httpMetadata?.contentType ?? OCTET_TYPE };
}

async function openInS3(
  env: Env,
  { buckets }: Plan,
  address: Address,
  signal: AbortSignal | undefined,
): Promise<OpenedObject> {
  const missing = CREDENTIALS.filter((name) => !env[name]);
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
  } = env;
  if (!accessKeyId || !secretAccessKey || !region) {
    throw new NonRetryableError(
      `${address.uri} cannot be read: wrangler.toml binds no bucket "${address.bucket}", and to ask S3 for it ${missing.join(", ")} must be set (wrangler secret put NAME).`,
    );
  }
  const endpoint = endpointOf(env, region);
  // The endpoint may name a bucket itself, in its host or in its path.
  const { hostname, pathname } = new URL(endpoint);
  if (
    [...hostname.split("."), ...pathname.split("/")].some((name) => isPayloadBucket(buckets, name))
  )
    throw payloadsRefused(address.uri);
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    region,
    service: "s3",
    retries: RETRIES,
  });
  const answer = await client.fetch(
    urlOf(endpoint, address),
    signal === undefined ? {} : { signal },
  );
  if (!answer.ok) throw await failureOf(answer, address);
  const { headers, body } = answer;
  const length = headers.get("Content-Length");
  return {
    body: body ?? new Blob([]).stream(),
    size: length === null ? null : Number(length),
    etag: headers.get("ETag")?.replaceAll('"', "") ?? null,
    contentType: headers.get("Content-Type") ?? OCTET_TYPE,
  };
}

function endpointOf(env: Env, region: string): string {
  const endpoint = env.AWS_ENDPOINT_URL || `https://s3.${region}.amazonaws.com`;
  if (/^https?:\/\/[^/]/.test(endpoint) && URL.canParse(endpoint)) return endpoint;
  throw new NonRetryableError(`AWS_ENDPOINT_URL is no URL: ${JSON.stringify(endpoint)}.`);
}

/**
 * Builds the URL by path, not by host: bucket names may contain dots, which certificates for hosts
 * do not cover.
 */
function urlOf(endpoint: string, { uri, bucket, key }: Address): string {
  const segments = [bucket, ...key.split("/")];
  // URL parsers resolve dot segments, encoded or not.
  if (segments.some((segment) => segment === "." || segment === ".."))
    throw new NonRetryableError(
      `${uri} cannot be asked for over HTTP: a part of its path is "." or "..".`,
    );
  return `${endpoint.replace(/\/+$/, "")}/${segments.map(encodeSegment).join("/")}`;
}

/**
 * Encodes a path segment as S3 signs it:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

async function failureOf(answer: Response, { uri }: Address): Promise<Error> {
  const text = (await answer.text()).slice(0, MAX_ERROR_TEXT);
  const code = /<Code>([^<]{1,100})<\/Code>/.exec(text)?.[1] ?? `status ${answer.status}`;
  const said = /<Message>([^<]{1,500})<\/Message>/.exec(text)?.[1];
  if (answer.status === 404) return new NonRetryableError(`There is no object ${uri} (${code}).`);
  const message = `The store refused ${uri} with ${answer.status}: ${code}${said === undefined ? "" : `, ${said}`}`;
  if (answer.status === 429 || answer.status >= 500) return new Error(message);
  return new NonRetryableError(
    `${message}. Look at the AWS_ secrets: the key, its rights, the region, AWS_ENDPOINT_URL.`,
  );
}
