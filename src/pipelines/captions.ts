import { ParseError, parseText, tokenizeVTTCue, type VTTNode } from "media-captions";

/** A spoken text; `start` and `end` in seconds. */
export interface Caption {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Captions {
  /** The language in the file's header (`Language: en`); null without one. */
  readonly language: string | null;
  readonly captions: readonly Caption[];
}

/** The text is not a captions file. The message names the line. */
export class CaptionsError extends Error {}

/**
 * Reads a WebVTT file and returns its cues as plain text, without markup and line breaks. Rejects
 * with `CaptionsError`.
 */
export async function readCaptions(text: string): Promise<Captions> {
  try {
    const { cues, metadata } = await parseText(text.replace(/^\uFEFF/, ""), {
      type: "vtt",
      strict: true,
    });
    const captions = cues.map((cue): Caption => {
      const spoken = tokenizeVTTCue(cue).map(plainText).join("").replaceAll(/\s+/g, " ").trim();
      return { start: cue.startTime, end: cue.endTime, text: spoken };
    });
    return {
      language: metadata["Language"] ?? null,
      captions: captions.filter((caption) => caption.text !== ""),
    };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new CaptionsError(`${error.message} (line ${error.line})`);
  }
}

function plainText(node: VTTNode): string {
  return node.type === "text" ? node.data : node.children.map(plainText).join("");
}
