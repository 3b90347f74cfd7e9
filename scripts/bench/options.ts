/** The command line of `npm run bench`. */
import { parseOptions, UsageError } from "../../src/local/arguments.ts";
import type { Measure } from "./measure.ts";
import { MEASURES } from "./measures.ts";

export const USAGE = `usage: npm run bench [-- OPTION...]

Measures Peach, Cloudflare Workflows and the bare bound (an object, a row and a call in process per task) side by side on the
local runtime, and counts what a run costs at list price. What is measured, and how, is told in scripts/bench/measures.ts.

  --quick        fewer rounds, less work
  --only NAME    only this measure (may be repeated): ${[...MEASURES.map(({ name }) => name), "cost"].join(", ")}
  --rounds N     samples of each figure (default 5; 3 with --quick)
  --seconds N    how long the overload lasts (default 60)
  --url URL      measures Peach alone, as deployed at URL with the bench's peach.conf (not under overload)
  --token T      its API token (default: PEACH_API_TOKEN)
  --print-conf   prints the bench's peach.conf, for a deployment:
                 npm run --silent bench -- --print-conf > bench.conf
                 PEACH_CONF=bench.conf PEACH_PIPELINES=scripts/bench/worker/pipelines npx wrangler deploy
  --json         prints one JSON document instead of the table
  --help         this text

Exit code: 0 if it measured, whatever the figures are; 1 if something broke; 2 if it was called wrongly.`;

export interface BenchOptions {
  readonly task: "measure" | "help" | "print_conf";
  readonly quick: boolean;
  readonly rounds: number;
  /** Duration of an overload with the full amount of work. */
  readonly overloadMs: number;
  readonly measures: readonly Measure[];
  readonly cost: boolean;
  readonly deployed: { readonly url: string; readonly token: string } | null;
  readonly json: boolean;
}

const ROUNDS = { full: 5, quick: 3 } as const;
const MAX_ROUNDS = 100;
/** Default duration of an overload. */
const SECONDS = 60;
const MAX_SECONDS = 600;

/** Parses the options. Throws `UsageError` for impossible ones. */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): BenchOptions {
  const given = parseOptions(args, {
    quick: { type: "boolean" },
    only: { type: "string", multiple: true },
    rounds: { type: "string" },
    seconds: { type: "string" },
    url: { type: "string" },
    token: { type: "string" },
    "print-conf": { type: "boolean" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  const quick = given.quick === true;
  const deployed =
    given.url === undefined
      ? null
      : deployedAt(given.url, given.token ?? environment["PEACH_API_TOKEN"]);
  const only = given.only ?? null;
  return {
    task: given.help === true ? "help" : given["print-conf"] === true ? "print_conf" : "measure",
    quick,
    rounds:
      given.rounds === undefined
        ? ROUNDS[quick ? "quick" : "full"]
        : countOf("--rounds", given.rounds, MAX_ROUNDS),
    overloadMs:
      1_000 *
      (given.seconds === undefined ? SECONDS : countOf("--seconds", given.seconds, MAX_SECONDS)),
    measures: (only === null
      ? MEASURES
      : only.filter((name) => name !== "cost").map(measureNamed)
    ).filter(({ localOnly }) => deployed === null || localOnly !== true),
    // Counts do not depend on the machine; against a URL they are not wanted.
    cost: only === null ? deployed === null : only.includes("cost"),
    deployed,
    json: given.json === true,
  };
}

function measureNamed(name: string): Measure {
  const measure = MEASURES.find((candidate) => candidate.name === name);
  if (measure !== undefined) return measure;
  const known = [...MEASURES.map((candidate) => candidate.name), "cost"].join(", ");
  throw new UsageError(
    `--only takes the name of a measure (${known}), given ${JSON.stringify(name)}.`,
  );
}

function countOf(option: string, text: string, most: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= most) return count;
  throw new UsageError(
    `${option} takes a number from 1 to ${most}, given ${JSON.stringify(text)}.`,
  );
}

function deployedAt(
  text: string,
  token: string | undefined,
): { readonly url: string; readonly token: string } {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url takes an http(s) URL, given ${JSON.stringify(text)}.`);
  if (token === undefined || token === "")
    throw new UsageError("--url needs an API token: --token T, or PEACH_API_TOKEN.");
  return { url: url.href.replace(/\/+$/, ""), token };
}
