/** A payload as an answer: as a whole, or the part that the request asks for. Bytes in R2 are streamed, never held. */
import type { Context } from "hono";
import type { Problem } from "../../domain/problem.ts";
import type { NewPayload } from "../../domain/payload.ts";
import { OCTET_TYPE } from "../../payloads/codec.ts";
import { isMediaType } from "../../payloads/media-type.ts";
import { callR2 } from "../../payloads/r2-calls.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";
import { byteRange } from "./byte-range.ts";

/** Answers 200, 206 for a part, or 416; 404 if the payload's object is gone. A payload never changes, and neither does its tag. */
export async function sendPayload(
  c: Context<HttpEnv>,
  payload: NewPayload,
  {
    range: asked,
    ifRange,
  }: { readonly range: string | undefined; readonly ifRange: string | undefined },
): Promise<Response> {
  const { size } = payload;
  // Former versions kept whatever an event called itself.
  const contentType = isMediaType(payload.contentType) ? payload.contentType : OCTET_TYPE;
  const etag = await tagOf(payload);
  const range = ifRange === undefined || ifRange === etag ? byteRange(asked, size) : null;
  const headers = {
    "Content-Type": isLookedAt(c) ? contentType : OCTET_TYPE,
    // Elements and programs take no notice; a tab or a frame saves it, whatever it says it is.
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

/** What a browser does with an answer but to show it, play it, save it or hand it to the page that asked. */
const LOOKED_AT = new Set(["", "empty", "image", "audio", "video", "track", "document"]);

/** False where a browser wants the payload to run, as a script or a worker, or to apply it, as a style. Programs say nothing of it. */
function isLookedAt(c: Context<HttpEnv>): boolean {
  return LOOKED_AT.has(c.req.header("Sec-Fetch-Dest") ?? "");
}

/** Of bytes that are held, what they are; of an object, where it lies: each attempt writes objects of its own. */
async function tagOf(payload: NewPayload): Promise<string> {
  const content = payload.at === "inline" ? payload.bytes : new TextEncoder().encode(payload.key);
  const digest = await crypto.subtle.digest("SHA-256", content);
  return `"${new Uint8Array(digest, 0, 16).toHex()}"`;
}

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
