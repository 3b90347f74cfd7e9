/**
 * The transcript of one audio object, as `audio_transcription` passes it to its downstream tasks.
 */
import * as z from "zod";

/** A transcript. Times are seconds from the start of the audio; segments are sorted by time. */
export const transcriptSchema = z.object({
  audio: z.object({ bucket: z.string(), key: z.string() }),
  /** BCP 47, e.g. `en`. */
  language: z.string(),
  /** The text of all segments. */
  text: z.string(),
  segments: z.array(
    z.object({ start: z.number().nonnegative(), end: z.number().nonnegative(), text: z.string() }),
  ),
});

export type Transcript = z.infer<typeof transcriptSchema>;
