import * as z from "zod";

/** A user played an item. */
export const interactionSchema = z.object({
  user: z.string().min(1).max(256),
  item: z.string().min(1).max(256),
  /** ISO 8601. */
  at: z.iso.datetime({ offset: true }).optional(),
});
export type Interaction = z.infer<typeof interactionSchema>;

/** Counts the lines that are no interaction. */
export interface Lines {
  good: number;
  bad: number;
}

/**
 * Reads interactions from NDJSON, one line at a time. A line that is no interaction is counted in
 * `lines` and left out; an empty line is left out.
 */
export async function* readInteractions(body: ReadableStream<Uint8Array>, lines: Lines): AsyncGenerator<Interaction> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) yield* interactionOf(line, lines);
  }
  yield* interactionOf(rest, lines);
}

function* interactionOf(line: string, lines: Lines): Generator<Interaction> {
  if (line.trim() === "") return;
  const parsed = interactionSchema.safeParse(jsonOf(line));
  lines[parsed.success ? "good" : "bad"] += 1;
  if (parsed.success) yield parsed.data;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
