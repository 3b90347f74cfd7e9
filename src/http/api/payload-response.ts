/** Sends a payload, or the requested range of it. Payloads in R2 are streamed, never buffered. */
import type { Context } from "hono";
import type { Problem } from "../../domain/problem.ts";
import type { NewPayload } from "../../domain/payload.ts";
import { OCTET_TYPE } from "../../payloads/codec.ts";
import { isMediaType } from "../../payloads/media-type.ts";
import { callR2 } from "../../payloads/r2-calls.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";
import { byteRange } from "./byte-range.ts";

/**
 * Answers 200, 206 for a range, 416, or 404 if the object in R2 is gone. Payloads never change, so
 * their ETag is permanent.
 */
export async function sendPayload(
  c: Context<HttpEnv>,
  payload: NewPayload,
  {
    range: asked,
    ifRange,
  }: { readonly range: string | undefined; readonly ifRange: string | undefined },
): Promise<Response> {
  const { size } = payload;
  // Earlier versions stored any content type that an event named.
  const contentType = isMediaType(payload.contentType) ? payload.contentType : OCTET_TYPE;
  const etag = await tagOf(payload);
  const range = ifRange === undefined || ifRange === etag ? byteRange(asked, size) : null;
  const headers = {
    "Content-Type": isLookedAt(c) ? contentType : OCTET_TYPE,
    // Elements and programs ignore this header; a tab or a frame downloads the payload, whatever
    // its type.
    "Content-Disposition": "attachment",
    Vary: "Sec-Fetch-Dest",
    "Accept-Ranges": "bytes",
    ETag: etag,
  };
  if (range === "unsatisfiable")
    return problemResponse(c, unsatisfiable(asked ?? "", size), {
      "Content-Range": `bytes */${size}`,
    });
  const partly = range === null ? null : { ...range, end: range.offset + range.length };
  const init: ResponseInit =
    partly === null
      ? { headers }
      : {
          status: 206,
          headers: {
            ...headers,
            "Content-Range": `bytes ${partly.offset}-${partly.end - 1}/${size}`,
          },
        };
  if (payload.at === "inline") {
    const { bytes } = payload;
    return new Response(partly === null ? bytes : bytes.subarray(partly.offset, partly.end), init);
  }
  const options = range === null ? {} : { range };
  const object = await callR2(`read the payload ${payload.key}`, () =>
    c.env.PAYLOADS.get(payload.key, options),
  );
  return object === null ? problemResponse(c, GONE) : new Response(object.body, init);
}

/**
 * Values of `Sec-Fetch-Dest` that show, play, download or pass on a payload. The empty text stands
 * for an absent header.
 */
const LOOKED_AT = new Set(["", "empty", "image", "audio", "video", "track", "document"]);

/**
 * Checks that the browser does not load the payload as a script, worker or style. Programs send no
 * such header and always pass.
 */
function isLookedAt(c: Context<HttpEnv>): boolean {
  return LOOKED_AT.has(c.req.header("Sec-Fetch-Dest") ?? "");
}

/**
 * Derives the ETag: from the bytes of an inline payload, or from the key of an object, which each
 * attempt writes anew.
 */
async function tagOf(payload: NewPayload): Promise<string> {
  const content = payload.at === "inline" ? payload.bytes : new TextEncoder().encode(payload.key);
  const digest = await crypto.subtle.digest("SHA-256", content);
  return `"${new Uint8Array(digest, 0, 16).toHex()}"`;
}

/** Refuses a range outside of the payload. */
function unsatisfiable(range: string, size: number): Problem {
  return {
    code: "range_not_satisfiable",
    detail: `The payload has ${size} bytes; the range ${JSON.stringify(range.slice(0, 200))} has none of them.`,
    hint: "Ask for a range that begins before the end, or for the whole.",
  };
}

const GONE: Problem = {
  code: "no_payload",
  detail: "The payload's object is no longer in R2.",
  hint: "It is deleted together with its run, after `retention`.",
};
