/**
 * Recommends programmes that fit a transcript. The task `recommend` ranks and stores them after
 * each transcription; the endpoint `recommendations` serves the stored list, so an answer costs one
 * read.
 */
import { task, type EndpointContext } from "peach/task-helpers";
import * as z from "zod";
import { rankProgrammes } from "./ranking.ts";
import { transcriptSchema } from "./transcript.ts";

const MAX_RECOMMENDATIONS = 20;
const DEFAULT_LIMIT = 5;
const EXCERPT_LENGTH = 240;
/** Key of the newest list, for a page that asks for no particular audio object. */
const LATEST = "latest";
/** KV keys have up to 512 bytes, R2 keys up to 1,024. */
const MAX_KV_KEY_BYTES = 512;

/** The endpoint's public answer. */
const servedSchema = z.object({
  /** Best first; empty if nothing in the catalogue fits. */
  recommendations: z.array(z.object({ id: z.string(), title: z.string(), score: z.number() })),
});

/** The task's output, for readers of its run only. */
const recommendationsSchema = servedSchema.extend({
  audio: transcriptSchema.shape.audio,
  transcript_excerpt: z.string(),
});

export const recommend = task({
  input: transcriptSchema,
  output: recommendationsSchema,
  run: async (transcript, { env, log }) => {
    const result = {
      audio: transcript.audio,
      transcript_excerpt: excerptOf(transcript.text),
      recommendations: rankProgrammes(transcript.text, MAX_RECOMMENDATIONS),
    };
    // The public list contains neither the transcript nor the name of the file.
    const stored = JSON.stringify({ recommendations: result.recommendations });
    await env.RECOMMENDATIONS.put(await kvKey(transcript.audio.key), stored);
    await env.RECOMMENDATIONS.put(LATEST, stored);
    log.info("recommended", {
      key: transcript.audio.key,
      programmes: result.recommendations.length,
    });
    return result;
  },
});

/**
 * `GET /recommendations?audio=audio/interview.mp3&limit=5`: the list for one audio object, or the
 * newest list.
 */
export async function recommendations(
  request: Request,
  { env }: EndpointContext,
): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const limit = z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_RECOMMENDATIONS)
    .safeParse(query.get("limit") ?? DEFAULT_LIMIT);
  if (!limit.success) {
    const given = JSON.stringify(query.get("limit"));
    const detail = `limit is ${given}; expected a whole number from 1 to ${MAX_RECOMMENDATIONS}.`;
    return problem(
      400,
      "invalid_request",
      detail,
      `Leave it out for ${DEFAULT_LIMIT}, or send such as limit=10.`,
    );
  }
  const audio = query.get("audio");
  const stored = await env.RECOMMENDATIONS.get(
    audio === null ? LATEST : await kvKey(audio),
    "json",
  );
  if (stored === null) {
    const detail =
      audio === null
        ? "There are no recommendations yet."
        : `There are no recommendations for ${audio}.`;
    const hint =
      "Upload an .mp3 under audio/ with its captions (.vtt) beside it, and ask again when " +
      "its run is final.";
    return problem(404, "not_found", detail, hint);
  }
  const { recommendations: found } = servedSchema.parse(stored);
  return Response.json({ recommendations: found.slice(0, limit.data) });
}

/**
 * The KV key of an audio object: prefixed, so it never equals `latest`, and hashed if the name is
 * too long for KV.
 */
async function kvKey(audioKey: string): Promise<string> {
  const key = `audio:${audioKey}`;
  const bytes = new TextEncoder().encode(key);
  if (bytes.length <= MAX_KV_KEY_BYTES) return key;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `audio-sha256:${hex}`;
}

/** Shortens a text to the last whole word. */
function excerptOf(text: string): string {
  if (text.length <= EXCERPT_LENGTH) return text;
  return `${text.slice(0, EXCERPT_LENGTH).replace(/\s+\S*$/, "")} …`;
}

function problem(status: number, code: string, detail: string, hint: string): Response {
  const title = status === 404 ? "Not found" : "Bad request";
  return Response.json(
    { title, status, code, detail, hint },
    { status, headers: { "Content-Type": "application/problem+json" } },
  );
}
