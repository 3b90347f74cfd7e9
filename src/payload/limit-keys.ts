/**
 * What a payload says about the limits of the task that reads it. Worked out where the payload is encoded: it may go to R2, and
 * never passes through the run's object.
 */
import { type LimitKeys, type LimitPaths, type PayloadLimitKeys, PRIORITY_MAX } from "../core/limit.ts";
import { decodePayload, type EncodedPayload } from "./codec.ts";
import { memberOf } from "./json-path.ts";

/** Keys above this are named by their digest: an object's name may have 1,024 bytes at most, its task included. */
const MAX_KEY = 200;

/** Those of ten thousand items must fit into one row. */
const MAX_ITEM_KEY = 32;
const ITEM_DIGEST = 24;

/**
 * The keys and the priority at these paths; `each`: of every item. A path that leads nowhere, or into no JSON, is absent; a
 * priority is kept in bounds.
 */
export async function limitKeysOf(
  paths: LimitPaths,
  payload: EncodedPayload,
  each: boolean,
): Promise<PayloadLimitKeys> {
  if (payload.kind !== "json" || payload.body instanceof ReadableStream) return {};
  const value = decodePayload({ ...payload, size: payload.body.length }, payload.body);
  if (!each) return keysAt(value, paths, MAX_KEY);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return Promise.all(items.map((item) => keysAt(item, paths, MAX_ITEM_KEY)));
}

async function keysAt(value: unknown, paths: LimitPaths, longest: number): Promise<LimitKeys> {
  const concurrency = await keyAt(value, paths.concurrency, longest);
  const rate = await keyAt(value, paths.rate_limit, longest);
  const priority = paths.priority === undefined ? undefined : valueAt(value, paths.priority);
  return {
    ...(concurrency !== null && { concurrency }),
    ...(rate !== null && { rate_limit: rate }),
    ...(typeof priority === "number" && {
      priority: Math.max(-PRIORITY_MAX, Math.min(PRIORITY_MAX, Math.round(priority))),
    }),
  };
}

/** The value at this path of a payload as a text that an object's name may hold: its JSON, or a digest of it. Null: there is none. */
export async function payloadKey(path: readonly string[], payload: EncodedPayload): Promise<string | null> {
  if (payload.kind !== "json" || payload.body instanceof ReadableStream) return null;
  return keyAt(decodePayload({ ...payload, size: payload.body.length }, payload.body), path, MAX_KEY);
}

async function keyAt(value: unknown, path: readonly string[] | undefined, longest: number): Promise<string | null> {
  const found = path === undefined ? undefined : valueAt(value, path);
  if (found === undefined) return null;
  const text = JSON.stringify(found);
  if (text.length <= longest) return text;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = new Uint8Array(digest).toHex();
  return `sha256:${longest === MAX_KEY ? hex : hex.slice(0, ITEM_DIGEST)}`;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce(memberOf, value);
}
