/**
 * Speech to text. Uploads to `uploads/audio/` and the webhook both trigger `audio_transcription`
 * (see `peach.conf`).
 *
 * With Workers AI (the binding `AI`), Whisper transcribes the audio. Without it, the task reads the
 * captions beside the audio object (`audio/x.mp3`, `audio/x.vtt`), as broadcasters publish them.
 */
import { Buffer } from "node:buffer";
import {
  NonRetryableError,
  task,
  triggerTaskWithEvent,
  type EndpointContext,
} from "peach/task-helpers";
import * as z from "zod";
import { CaptionsError, readCaptions } from "./captions.ts";
import { transcriptSchema, type Transcript } from "./transcript.ts";

/**
 * The `bucket_name` of the binding `UPLOADS`, and the prefix of its audio. Other objects in the
 * bucket are private.
 */
const BUCKET = "uploads";
const PREFIX = "audio/";
const WHISPER = "@cf/openai/whisper-large-v3-turbo";
/** Whisper takes the audio as one base64 text, which is held in memory. Bytes. */
const WHISPER_MAX_BYTES = 24 * 1024 * 1024;
const UNKNOWN_LANGUAGE = "und";

const s3Uri = z.string().regex(/^s3:\/\/[^/]+\/./, "expected s3://bucket/key");
const language = z
  .string()
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "expected a language tag such as en or de-CH");

/**
 * The payload of an R2 event or of the webhook. Names the object by its URI, or by bucket and key.
 */
const audioRequest = z
  .object({ s3_uri: s3Uri, bucket: z.string().min(1), key: z.string().min(1), language })
  .partial()
  .refine(
    (request) =>
      request.s3_uri !== undefined || (request.bucket !== undefined && request.key !== undefined),
    {
      path: ["s3_uri"],
      message: "expected s3_uri, or bucket and key, to name the audio object",
    },
  );

const webhookBody = z.object({
  s3_uri: z
    .string()
    .regex(new RegExp(`^s3://${BUCKET}/${PREFIX}.`), `expected s3://${BUCKET}/${PREFIX}NAME`),
  language: language.optional(),
});

interface AudioObject {
  readonly bucket: string;
  readonly key: string;
}

export const audio_transcription_task = task({
  input: audioRequest,
  output: transcriptSchema,
  run: async (request, { env, log }) => {
    const audio = audioObjectOf(request);
    if (audio.bucket !== BUCKET || !audio.key.startsWith(PREFIX)) {
      throw new NonRetryableError(
        `This pipeline reads what is in ${BUCKET}/${PREFIX}, but was given ` +
          `${audio.bucket}/${audio.key}.`,
      );
    }
    const transcript =
      env.AI === undefined
        ? await transcribeFromCaptions(env.UPLOADS, audio, request.language)
        : await transcribeWithWhisper(env.AI, env.UPLOADS, audio, request.language);
    log.info("transcribed", {
      key: audio.key,
      language: transcript.language,
      segments: transcript.segments.length,
    });
    return transcript;
  },
});

/**
 * Handles `POST {"s3_uri": "s3://uploads/audio/x.mp3", "language": "en"}` and answers 202 with the
 * run. Peach has verified the signature before; a repeated delivery finds the run it has started.
 */
export async function webhook_handler(
  request: Request,
  _endpoint: EndpointContext,
): Promise<Response | undefined> {
  let json: unknown;
  try {
    json = await request.json();
  } catch {
    return badRequest([{ path: [], message: "expected JSON" }]);
  }
  const body = webhookBody.safeParse(json);
  if (!body.success) return badRequest(body.error.issues);
  await triggerTaskWithEvent("audio_transcription", body.data);
  return undefined;
}

function audioObjectOf(request: z.infer<typeof audioRequest>): AudioObject {
  const [bucket = "", ...key] = (request.s3_uri ?? "").replace("s3://", "").split("/");
  return { bucket: request.bucket ?? bucket, key: request.key ?? key.join("/") };
}

async function transcribeWithWhisper(
  ai: Ai,
  uploads: R2Bucket,
  audio: AudioObject,
  spoken: string | undefined,
): Promise<Transcript> {
  const object = (await uploads.get(audio.key)) ?? missing(audio);
  if (object.size > WHISPER_MAX_BYTES) {
    throw new NonRetryableError(
      `${audio.bucket}/${audio.key} has ${object.size} bytes; Whisper takes up to ` +
        `${WHISPER_MAX_BYTES}. Upload it in parts, or with a lower bit rate.`,
    );
  }
  const base64 = Buffer.from(await object.arrayBuffer()).toString("base64");
  // Whisper takes ISO 639 codes: the first part of a language tag. Without a code, Whisper detects
  // the language.
  const hint = spoken === undefined ? {} : { language: spoken.split("-", 1).join() };
  const heard = await ai.run(WHISPER, { audio: base64, ...hint });
  const segments = (heard.segments ?? []).map(({ start = 0, end = start, text = "" }) => ({
    start,
    end,
    text: text.trim(),
  }));
  return {
    audio,
    language: spoken ?? heard.transcription_info?.language ?? UNKNOWN_LANGUAGE,
    text: heard.text.trim(),
    segments,
  };
}

/** Reads the captions beside the audio, where no Workers AI is bound. */
async function transcribeFromCaptions(
  uploads: R2Bucket,
  audio: AudioObject,
  spoken: string | undefined,
): Promise<Transcript> {
  if ((await uploads.head(audio.key)) === null) missing(audio);
  const captionsKey = `${audio.key.replace(/\.[^./]+$/, "")}.vtt`;
  const file = await uploads.get(captionsKey);
  if (file === null) {
    throw new NonRetryableError(
      `Nothing can transcribe ${audio.bucket}/${audio.key}: there is no Workers AI binding AI, ` +
        `and no captions beside it. Put its captions (WebVTT) at ${audio.bucket}/${captionsKey}, or add [ai] binding = ` +
        `"AI" to wrangler.toml and deploy.`,
    );
  }
  try {
    const captions = await readCaptions(await file.text());
    const text = captions.captions.map((caption) => caption.text).join(" ");
    return {
      audio,
      language: spoken ?? captions.language ?? UNKNOWN_LANGUAGE,
      text,
      segments: [...captions.captions],
    };
  } catch (error) {
    if (!(error instanceof CaptionsError)) throw error;
    throw new NonRetryableError(
      `${audio.bucket}/${captionsKey} is not a valid WebVTT file: ${error.message}. Correct ` +
        `it and upload it again.`,
    );
  }
}

function missing({ bucket, key }: AudioObject): never {
  throw new NonRetryableError(
    `There is no audio object ${bucket}/${key}. Upload it, then trigger the task again.`,
  );
}

/** Answers 400 with each wrong place of the body. */
function badRequest(issues: readonly Pick<z.core.$ZodIssue, "path" | "message">[]): Response {
  const errors = issues.map(({ path, message }) => ({ path: ["$", ...path].join("."), message }));
  const wrong = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  const problem = {
    title: "Bad request",
    status: 400,
    code: "invalid_request",
    detail: `The body does not name an audio object: ${wrong}.`,
    hint: 'Send JSON such as {"s3_uri": "s3://uploads/audio/interview.mp3", "language": "en"}.',
    errors,
  };
  return Response.json(problem, {
    status: 400,
    headers: { "Content-Type": "application/problem+json" },
  });
}
