/**
 * Recommends programmes that fit a transcript. The task `recommend` ranks and stores them after
 * each transcription; the components of the endpoint `recommendations` serve the stored list, so an
 * answer costs one read.
 */
import { readServed, servedBy, task, type EndpointContext, type Served } from "peach/task-helpers";
import * as z from "zod";
import { catalogue } from "./catalogue.ts";
import { rankProgrammes } from "./ranking.ts";
import { transcriptSchema } from "./transcript.ts";

const MAX_RECOMMENDATIONS = 20;
const EXCERPT_LENGTH = 240;
/** Key of the newest list, for a page that asks for no particular audio object. */
const LATEST = "latest";
/** KV keys have up to 512 bytes, R2 keys up to 1,024. */
const MAX_KV_KEY_BYTES = 512;

/** The list that the endpoint serves. */
const listedSchema = z.object({
  /** Best first; empty if nothing in the catalogue fits. */
  recommendations: z.array(z.object({ id: z.string(), title: z.string(), score: z.number() })),
});

type Listed = z.infer<typeof listedSchema>;

/** The task's output, for readers of its run only. */
const recommendationsSchema = listedSchema.extend({
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
    const listed: Listed = { recommendations: result.recommendations };
    const stored = JSON.stringify(servedBy(listed));
    await env.RECOMMENDATIONS.put(await kvKey(transcript.audio.key), stored);
    await env.RECOMMENDATIONS.put(LATEST, stored);
    log.info("recommended", {
      key: transcript.audio.key,
      programmes: result.recommendations.length,
    });
    return result;
  },
});

/** The parameters of `GET /recommendations?audio=audio/interview.mp3&limit=5`, as peach.conf has them. */
interface Params {
  readonly audio?: string;
  readonly limit: number;
}

/** Component: what fits the transcript of one audio object, or the newest transcript. */
export async function by_transcript(
  { audio, limit }: Params,
  { env }: EndpointContext,
): Promise<Served<Listed>> {
  const stored = await storedList(env, audio);
  return { ...stored, value: { recommendations: stored.value.recommendations.slice(0, limit) } };
}

/** Component: the same, but the best programme of each genre only. */
export async function one_of_each_genre(
  { audio, limit }: Params,
  { env }: EndpointContext,
): Promise<Served<Listed>> {
  const stored = await storedList(env, audio);
  const genres = new Map(catalogue.map(({ id, genre }) => [id, genre]));
  const byGenre = Map.groupBy(stored.value.recommendations, ({ id }) => genres.get(id));
  const best = [...byGenre.values()].flatMap(([first]) => first ?? []);
  return { ...stored, value: { recommendations: best.slice(0, limit) } };
}

/** The fallback, where nothing was transcribed yet: the first programmes of the catalogue. */
export function editors_choice({ limit }: Params): Listed {
  const chosen = catalogue.slice(0, limit);
  return { recommendations: chosen.map(({ id, title }) => ({ id, title, score: 0 })) };
}

/** Reads the stored list of an audio object, or the newest list. Rejects if there is none. */
async function storedList(
  env: EndpointContext["env"],
  audio: string | undefined,
): Promise<Served<Listed>> {
  const key = audio === undefined ? LATEST : await kvKey(audio);
  const stored = await env.RECOMMENDATIONS.get(key, "json");
  if (stored === null) throw new Error("there is no list yet: upload an .mp3 under audio/");
  return readServed<Listed>(stored);
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
