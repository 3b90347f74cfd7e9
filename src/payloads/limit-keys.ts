/**
 * Computes the limit keys of a task from its payload. Done at the encoding of the payload, which
 * may go to R2 and never passes through the run's object.
 */
import {
  type LimitKeys,
  type LimitPaths,
  type PayloadLimitKeys,
  PRIORITY_MAX,
} from "../domain/limits/limit.ts";
import type { LimitedChild } from "../domain/limits/limited-children.ts";
import { sha256 } from "../platform/sha256.ts";
import { decodePayload, type EncodedPayload } from "./codec.ts";
import { memberOf } from "./json-path.ts";
import { stringifyJson } from "./json-text.ts";

/**
 * Limit of plain keys; longer keys are replaced by a digest. An object's name has at most 1,024
 * bytes, including its task.
 */
const MAX_KEY = 200;

/**
 * Returns the keys and the priority at these paths; with `each`, of every item. A path without a
 * value, or into no JSON, is absent; a priority is clamped.
 */
export async function limitKeysOf(
  paths: LimitPaths,
  payload: EncodedPayload,
  each: boolean,
): Promise<PayloadLimitKeys> {
  if (payload.kind !== "json" || payload.body instanceof ReadableStream) return {};
  const value = decodePayload({ ...payload, size: payload.body.length }, payload.body);
  if (!each) return limitKeysAt(value, paths);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return Promise.all(items.map((item) => limitKeysAt(item, paths)));
}

/**
 * Returns the limit keys of these children, by child; null if no child has limits. `encoded`
 * returns the payload of a child, or null if the payload cannot have properties.
 */
export async function limitKeysOfChildren(
  limited: readonly LimitedChild[] | undefined,
  encoded: (child: string) => EncodedPayload | null,
): Promise<Record<string, PayloadLimitKeys> | null> {
  if (limited === undefined || limited.length === 0) return null;
  const keys: Record<string, PayloadLimitKeys> = {};
  for (const { child, paths, each } of limited) {
    const payload = encoded(child);
    if (payload !== null) keys[child] = await limitKeysOf(paths, payload, each);
  }
  return keys;
}

/** Returns the keys and the priority at these paths of a value. */
export async function limitKeysAt(value: unknown, paths: LimitPaths): Promise<LimitKeys> {
  const concurrency = await keyAt(value, paths.concurrency);
  const rate = await keyAt(value, paths.rate_limit);
  const priority = paths.priority === undefined ? undefined : valueAt(value, paths.priority);
  return {
    ...(concurrency !== null && { concurrency }),
    ...(rate !== null && { rate_limit: rate }),
    ...(typeof priority === "number" && {
      priority: Math.max(-PRIORITY_MAX, Math.min(PRIORITY_MAX, Math.round(priority))),
    }),
  };
}

/**
 * Returns the value at this path of a payload as a text for an object's name: JSON, or a digest of
 * the JSON. Null without a value.
 */
export async function payloadKey(
  path: readonly string[],
  payload: EncodedPayload,
): Promise<string | null> {
  if (payload.kind !== "json" || payload.body instanceof ReadableStream) return null;
  return keyAt(decodePayload({ ...payload, size: payload.body.length }, payload.body), path);
}

async function keyAt(value: unknown, path: readonly string[] | undefined): Promise<string | null> {
  const found = path === undefined ? undefined : valueAt(value, path);
  if (found === undefined) return null;
  const text = stringifyJson(found);
  if (text.length <= MAX_KEY) return text;
  return `sha256:${(await sha256(text)).toHex()}`;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce(memberOf, value);
}
