/**
 * The transcript of one audio object, as `audio_transcription` passes it to the tasks after it.
 */
import { z } from "zod";

/** Times are seconds from the start of the audio; the segments follow each other in time. */
export const transcriptSchema = z.object({
  audio: z.object({ bucket: z.string(), key: z.string() }),
  /** BCP 47, e.g. `en`. */
  language: z.string(),
  /** All segments as one text. */
  text: z.string(),
  segments: z.array(
    z.object({ start: z.number().nonnegative(), end: z.number().nonnegative(), text: z.string() }),
  ),
});

export type Transcript = z.infer<typeof transcriptSchema>;
