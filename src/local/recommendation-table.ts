import { styleText } from "node:util";
import * as z from "zod";

/** The answer of `GET /recommendations` in the example. */
export const servedView = z.object({
  recommendations: z.array(z.object({ id: z.string(), title: z.string(), score: z.number() })),
});

/** The part of the output of task `recommend` that the endpoint does not serve. */
export const passedView = z.object({ transcript_excerpt: z.string() });

export type RecommendationsView = z.infer<typeof servedView> & z.infer<typeof passedView>;

const BAR_WIDTH = 20;

/**
 * Renders the transcript and a line per programme, best first, with a bar in proportion to its
 * score.
 */
export function renderRecommendations({
  transcript_excerpt,
  recommendations,
}: RecommendationsView): string {
  const best = Math.max(...recommendations.map(({ score }) => score));
  const width = Math.max(0, ...recommendations.map(({ title }) => title.length));
  const lines = recommendations.map(({ title, score }, index) => {
    const bar = "█".repeat(Math.max(1, Math.round((score / best) * BAR_WIDTH))).padEnd(BAR_WIDTH);
    return `  ${index + 1}  ${title.padEnd(width)}  ${styleText("cyan", bar)}  ${score.toFixed(1).padStart(6)}`;
  });
  return [
    styleText("bold", "What was said"),
    ...wrap(transcript_excerpt, 90).map((line) => `  ${line}`),
    "",
    styleText("bold", "Recommended"),
    ...(lines.length === 0 ? ["  Nothing in the catalogue fits."] : lines),
  ].join("\n");
}

function wrap(text: string, width: number): string[] {
  return text.match(new RegExp(`\\S(?:.{0,${width - 2}}\\S)?(?=\\s|$)|\\S+`, "g")) ?? [];
}
