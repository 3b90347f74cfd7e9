/**
 * `npm run bench:fresh`: times the way of interactions into recommendations on the local runtime,
 * with the example `collaborative_filtering`: from the first event sent to the first answer of the
 * endpoint with a new list.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { PACKAGE_ROOT } from "../../src/compiler/project-paths.ts";
import { parseOptions } from "../../src/local/arguments.ts";
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";
import { medianOf } from "./statistics.ts";

const USAGE = `usage: npm run bench:fresh [-- --events N --rounds N --json]

Sends N interactions (default 10000) of a thousand listeners to the example
collaborative_filtering, a hundred in a request, and asks for the recommendations of the listener
of the last one until they have changed. Three rounds; each adds to what was sent before.

The example waits until no event has come for 5 s (\`debounce\`), which is part of the time.

  --json   one JSON object: {events, rounds: [{total_ms, sent_ms, waited_ms, computed_ms,
           stored_ms, seen_ms}]}`;

const EXAMPLE = join(PACKAGE_ROOT, "templates", "collaborative_filtering");
const AT_ONCE = 100;
const LISTENERS = 1_000;
const ITEMS = 300;
const ASKED_EVERY_MS = 20;
const GIVEN_UP_AFTER_MS = 120_000;

/** The parts of a round, in the order of time. Milliseconds. */
interface Round {
  readonly total_ms: number;
  /** The time until the last request was answered. */
  readonly sent_ms: number;
  /** The time until the computation began, the debounce included. */
  readonly waited_ms: number;
  readonly computed_ms: number;
  readonly stored_ms: number;
  /** The time until an answer showed the new list. */
  readonly seen_ms: number;
}

/** Makes the events of a round, the last event of a new listener. */
function eventsOf(round: number, count: number): string[] {
  return Array.from({ length: count }, (_, nth) => {
    // Each listener plays items of one of ten genres; a step of a prime visits all of them.
    const listener = nth % LISTENERS;
    const item = (listener % 10) + 10 * ((nth * 7 + listener * 13 + round) % (ITEMS / 10));
    const user = nth === count - 1 ? lastListener(round) : `listener-${listener}`;
    return JSON.stringify({ user, item: `item-${item}` });
  });
}

const lastListener = (round: number): string => `last-${round}`;

/** Sends the events. Throws unless all are accepted. */
async function send(
  url: string,
  headers: Record<string, string>,
  events: readonly string[],
): Promise<void> {
  for (let from = 0; from < events.length; from += AT_ONCE) {
    const body = events.slice(from, from + AT_ONCE).join("\n");
    const answer = await fetch(`${url}/interactions`, { method: "POST", headers, body });
    const text = await answer.text();
    if (answer.status !== 202) throw new Error(`events were refused: ${answer.status} ${text}`);
  }
}

/**
 * Asks until the component answers for the listener. A trial bypasses the cache of the endpoint.
 */
async function untilServed(
  url: string,
  headers: Record<string, string>,
  user: string,
): Promise<void> {
  const path = `${url}/recommendations?user=${user}&component=history&debug=1`;
  const end = performance.now() + GIVEN_UP_AFTER_MS;
  while (performance.now() < end) {
    const answer = await fetch(path, { headers });
    await answer.body?.cancel();
    if (answer.status === 200 && !answer.headers.has("peach-fallback")) return;
    await new Promise((wake) => setTimeout(wake, ASKED_EVERY_MS));
  }
  throw new Error(`${user} has no recommendations after ${GIVEN_UP_AFTER_MS / 1_000} s`);
}

/** Sends the events of a round, and waits for the new recommendations. */
async function timeRound(
  { url, token }: LocalRuntime,
  round: number,
  count: number,
): Promise<Round> {
  const headers = { authorization: `Bearer ${token}` };
  const events = eventsOf(round, count);
  const startedAt = Date.now();
  await send(url, headers, events);
  const sentAt = Date.now();
  await untilServed(url, headers, lastListener(round));
  const seenAt = Date.now();
  const client = createClient({ url, token });
  const [newest] = (await client.runs.list({ limit: 1 })).runs;
  if (newest === undefined) throw new Error("there is no run");
  const { tasks } = await client.runs.get(newest.run_id);
  const [computation, storing] = tasks.map(({ task, attempts: [attempt] }) => {
    if (attempt === undefined || attempt.finished_at === null)
      throw new Error(`${task} has not ended`);
    return { from: Date.parse(attempt.started_at), to: Date.parse(attempt.finished_at) };
  });
  if (computation === undefined || storing === undefined) throw new Error("a task is missing");
  return {
    total_ms: seenAt - startedAt,
    sent_ms: sentAt - startedAt,
    waited_ms: computation.from - sentAt,
    computed_ms: computation.to - computation.from,
    stored_ms: storing.to - computation.to,
    seen_ms: seenAt - storing.to,
  };
}

/** Renders the rounds as a table. */
function renderRounds(events: number, rounds: readonly Round[]): string {
  const parts = ["total", "sent", "waited", "computed", "stored", "seen"] as const;
  const line = (what: string, cells: readonly string[]): string =>
    `${what.padEnd(10)} ${cells.map((cell) => cell.padStart(9)).join(" ")}`;
  const row = (what: string, valueOf: (part: (typeof parts)[number]) => number): string =>
    line(
      what,
      parts.map((part) => valueOf(part).toFixed(0)),
    );
  return [
    `${events} events to recommendations that follow from them`,
    line("ms", parts),
    ...rounds.map((one, index) => row(`round ${index + 1}`, (part) => one[`${part}_ms`])),
    row("median", (part) => medianOf(rounds.map((one) => one[`${part}_ms`]))),
  ].join("\n");
}

async function main(args: readonly string[]): Promise<void> {
  const given = parseOptions(args, {
    events: { type: "string" },
    rounds: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) return console.log(USAGE);
  const events = Number(given.events ?? "10000");
  const folder = mkdtempSync(join(tmpdir(), "peach-fresh-"));
  try {
    const runtime = await startRuntime({
      persistTo: folder,
      confPath: join(EXAMPLE, "peach.conf"),
      pipelinesDir: join(EXAMPLE, "src", "pipelines"),
    });
    try {
      const rounds: Round[] = [];
      for (let round = 1; round <= Number(given.rounds ?? "3"); round += 1)
        rounds.push(await timeRound(runtime, round, events));
      console.log(
        given.json === true ? JSON.stringify({ events, rounds }) : renderRounds(events, rounds),
      );
    } finally {
      await runtime.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main(process.argv.slice(2));
