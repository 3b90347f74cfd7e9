import { task } from "peach/task-helpers";
import { z } from "zod";
import { transcriptSchema } from "./transcript.ts";

/**
 * Keeps the transcript in the bucket of the audio, as JSON and as plain text. Its prefix must not be one that triggers a
 * transcription. The keys follow from the audio's key, so that a second attempt overwrites what the first one left.
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
