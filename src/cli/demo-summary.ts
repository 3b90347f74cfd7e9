/** The last lines of the demo: the results, and the way to a runtime that goes on. */
import { renderRecommendations, type RecommendationsView } from "../local/recommendation-table.ts";
import { durationText } from "./table.ts";

/** A runtime that was left running: how to reach and end it. */
export interface Kept {
  readonly url: string;
  readonly token: string;
  /** The process whose SIGTERM ends the runtime. */
  readonly pid: number;
  readonly state_folder: string;
}

/** The end of a demo: recommendations, or the passed values of the last tasks. */
export type Shown =
  | RecommendationsView
  | {
      readonly passed: Readonly<Record<string, unknown>>;
      readonly answers: Readonly<Record<string, Answer>>;
    };

/**
 * The answer of an endpoint, and the component or the fallback that gave it, if it has components.
 */
export interface Answer {
  readonly component: string | null;
  readonly value: unknown;
}

/** The longest value that is printed, in characters. */
const MAX_SHOWN = 400;

function shownLines({ passed, answers }: Extract<Shown, { passed: unknown }>): string[] {
  const asked = Object.entries(answers).flatMap(([path, { component, value }]) => [
    "",
    `GET ${path}${component === null ? "" : ` (by ${component})`}`,
    shortened(value),
  ]);
  return [
    ...Object.entries(passed).map(([task, value]) => `${task} passed ${shortened(value)}`),
    ...asked,
  ];
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)} …`;
}

export function summaryOf(shown: Shown, durationMs: number, kept: Kept | null): string {
  const how =
    kept === null
      ? [
          "",
          "See it in the dashboard: npm run dev, then what it suggests.",
          "Keep this runtime:       npm run demo -- --keep",
        ]
      : [
          "",
          `The runtime goes on at ${kept.url}. To reach its API:`,
          `  curl ${kept.url}/api/v1/runs/RUN_ID -H "Authorization: Bearer ${kept.token}"`,
          "To end it and delete its state:",
          `  kill ${kept.pid} && rm -r ${kept.state_folder}`,
        ];
  return [
    "",
    "passed" in shown ? shownLines(shown).join("\n") : renderRecommendations(shown),
    "",
    `Done in ${durationText(durationMs)}.`,
    ...how,
  ].join("\n");
}
