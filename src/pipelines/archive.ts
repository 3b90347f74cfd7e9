import { task } from "peach/task-helpers";
import * as z from "zod";
import { transcriptSchema } from "./transcript.ts";

/**
 * Stores the transcript in the bucket of the audio, as JSON and as plain text. The prefix of its
 * keys must not trigger a transcription. The keys are derived from the audio's key, so a second
 * attempt overwrites the files of the first.
 */
export const archive = task({
  input: transcriptSchema,
  output: z.object({ key: z.string(), text_key: z.string() }),
  run: async (transcript, { env }) => {
    const base = `transcripts/${transcript.audio.key}`;
    const written = { key: `${base}.json`, text_key: `${base}.txt` };
    const text = transcript.segments.map((segment) => segment.text).join("\n") || transcript.text;
    await Promise.all([
      env.UPLOADS.put(written.key, JSON.stringify(transcript, null, 2), {
        httpMetadata: { contentType: "application/json" },
      }),
      env.UPLOADS.put(written.text_key, `${text}\n`, {
        httpMetadata: { contentType: "text/plain; charset=utf-8" },
      }),
    ]);
    return written;
  },
});
