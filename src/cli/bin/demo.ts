/**
 * `npm run demo`: shows the main use from a fresh start. Starts the local runtime on a new state
 * folder, uploads the sample, shows the run until the recommendations are served, and removes
 * everything (with --keep, the runtime stays). In a project with `sample/<endpoint>.json`, sends
 * this delivery in place of the upload, and shows the passed values of the last tasks.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as z from "zod";
import {
  createClient,
  PeachError,
  type PeachClient,
  type RunDocument,
} from "../../client/client.ts";
import { parseOptions } from "../../local/arguments.ts";
import { exitCodeOf } from "../../local/exit-code.ts";
import { PROJECT_FOLDER } from "../../local/build.ts";
import { Display } from "../../local/display.ts";
import {
  passedView,
  renderRecommendations,
  servedView,
  type RecommendationsView,
} from "../../local/recommendation-table.ts";
import { RuntimeStartError, startRuntime, type LocalRuntime } from "../../local/runtime.ts";
import {
  findSampleDelivery,
  signedHeaders,
  type SampleDelivery,
} from "../../local/sample-delivery.ts";
import { randomSecret } from "../../local/secrets.ts";
import { followLive } from "../follow.ts";
import { failureLines } from "../run-view.ts";
import { durationText } from "../table.ts";

const USAGE = `usage: npm run demo [-- --keep] [-- --json]

Starts the local runtime, uploads a spoken sample, shows its run, and prints the programmes
recommended for it; in a project with sample/ENDPOINT.json, sends that as a signed delivery and prints
what the last tasks of its run have passed. Needs no account and no network.

  --keep  leaves the runtime running, and says how to reach and end it
  --json  prints one JSON document instead of all that
  --help  this text

PEACH_CONF (a file or a folder) and PEACH_PIPELINES (a folder) choose others than peach.conf and
src/pipelines.`;

const LIMIT_MS = 60_000;
const POLL_MS = 100;
/** The number of output lines that a failure shows. */
const OUTPUT_LINES = 20;
const BUCKET = "uploads";
const CAPTIONS = "glacier.vtt";
const AUDIO = "glacier.mp3";

/** The local runtime's answer to an upload. */
const stored = z.object({
  will_trigger: z.array(z.object({ run_id: z.string(), task: z.string() })),
});
/** The answer of an endpoint to a delivery. */
const delivered = z.object({
  runs: z.array(z.object({ run_id: z.string(), task: z.string() })),
});
const refusal = z.object({ detail: z.string(), hint: z.string() });

/** A failure of the demo for an expected reason. */
class DemoError extends Error {}

/** A runtime that was left running: how to reach and end it. */
interface Kept {
  readonly url: string;
  readonly token: string;
  /** The process whose SIGTERM ends the runtime. */
  readonly pid: number;
  readonly state_folder: string;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, {
    keep: { type: "boolean" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (options.help === true) {
    console.log(USAGE);
    return 0;
  }
  const json = options.json === true;
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => interrupted.abort());
  // The reader of the output has gone.
  process.stdout.on("error", () => interrupted.abort());
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(LIMIT_MS)]);
  const output: string[] = [];
  try {
    return await demonstrate(json, options.keep === true, signal, (line) => output.push(line));
  } catch (error) {
    const reason = interrupted.signal.aborted ? "It was told to end." : reasonOf(error, signal);
    if (reason === null) throw error;
    const last = output
      .filter((line) => line.trim() !== "" && !line.includes("[wrangler:info]"))
      .slice(-OUTPUT_LINES);
    if (json) console.log(JSON.stringify({ ok: false, error: reason, output: last }, null, 2));
    else
      console.error(
        [
          "",
          `The demo failed. ${reason}`,
          ...(last.length === 0 ? [] : ["", "The runtime's last output:", ...last]),
        ].join("\n"),
      );
    return 1;
  }
}

/**
 * Runs the steps of the demo. The state folder is removed in any case, unless the runtime stays.
 */
async function demonstrate(
  json: boolean,
  keep: boolean,
  signal: AbortSignal,
  onOutput: (line: string) => void,
): Promise<number> {
  const startedAt = Date.now();
  const stateFolder = mkdtempSync(join(tmpdir(), "peach-demo-"));
  let runtime: LocalRuntime | null = null;
  let kept: Kept | null = null;
  try {
    const display = new Display(json);
    const secrets: Record<string, string> = {};
    runtime = await display.step("Start the local runtime", async (line) => {
      const makeSecrets = (names: readonly string[]): Record<string, string> =>
        Object.assign(secrets, Object.fromEntries(names.map((name) => [name, randomSecret()])));
      const started = await startRuntime({ persistTo: stateFolder, signal, onOutput, makeSecrets });
      line.title = `Local runtime ready at ${started.url}`;
      return started;
    });
    const peach = createClient(runtime);
    const sample = findSampleDelivery(runtime.project.plan, PROJECT_FOLDER);
    const runId =
      sample === null
        ? await upload(display, runtime, peach, signal)
        : await deliver(display, runtime, sample, { ...process.env, ...secrets }, signal);
    const run = await showRun(display, peach, runId, signal);
    const shown =
      sample === null
        ? await served(display, runtime, peach, runId, signal)
        : { passed: await passedByLast(peach, run, signal) };

    if (keep)
      kept = {
        url: runtime.url,
        token: runtime.token,
        pid: runtime.leave(),
        state_folder: stateFolder,
      };
    const durationMs = Date.now() - startedAt;
    if (json)
      console.log(
        JSON.stringify({ ok: true, duration_ms: durationMs, run, ...shown, kept }, null, 2),
      );
    else console.log(summaryOf(shown, durationMs, kept));
    return 0;
  } finally {
    if (kept === null) {
      await runtime?.stop();
      rmSync(stateFolder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** Uploads the captions and then the audio, which triggers. Waits until the run exists. */
function upload(
  display: Display,
  runtime: LocalRuntime,
  peach: PeachClient,
  signal: AbortSignal,
): Promise<string> {
  return display.step(`Upload ${CAPTIONS} and ${AUDIO}`, async (line) => {
    const put = async (
      name: string,
      type: string,
    ): Promise<z.infer<typeof stored>["will_trigger"]> => {
      const body = readFileSync(join(PROJECT_FOLDER, "sample", name));
      const url = `${runtime.url}/dev/r2/${BUCKET}/audio/${name}`;
      const answer = await fetch(url, {
        method: "PUT",
        body,
        headers: { "Content-Type": type },
        signal,
      });
      if (answer.ok) return stored.parse(await answer.json()).will_trigger;
      const { detail, hint } = refusal.parse(await answer.json());
      throw new DemoError(`The upload of ${name} was refused. ${detail} ${hint}`);
    };
    await put(CAPTIONS, "text/vtt");
    const [run] = await put(AUDIO, "audio/mpeg");
    if (run === undefined) {
      const conf = basename(runtime.project.paths.confPath);
      throw new DemoError(
        `No task of ${conf} is triggered by the object ${BUCKET}/audio/${AUDIO}. Run the example with PEACH_CONF=peach.conf.example npm run demo.`,
      );
    }
    line.output = `waiting for the run ${run.run_id} of ${run.task}`;
    await untilRecorded(peach, run.run_id, signal);
    line.title = `Uploaded ${BUCKET}/audio/${AUDIO} and its captions, which triggered ${run.task} (${run.run_id})`;
    return run.run_id;
  });
}

/** Sends the sample with a signature. Returns the triggered run. */
function deliver(
  display: Display,
  runtime: LocalRuntime,
  { endpoint, url, secret, body }: SampleDelivery,
  secrets: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> {
  return display.step(`Send sample/${endpoint}.json to ${url}`, async (line) => {
    const headers = signedHeaders(body, secrets[secret] ?? "");
    const answer = await fetch(`${runtime.url}${url}`, { method: "POST", body, headers, signal });
    if (!answer.ok)
      throw new DemoError(
        `The endpoint ${endpoint} answered ${answer.status}: ${await answer.text()}`,
      );
    const [run] = delivered.parse(await answer.json()).runs;
    if (run === undefined) throw new DemoError(`The endpoint ${endpoint} has triggered no run.`);
    line.title = `Sent sample/${endpoint}.json to ${url}, which triggered ${run.task} (${run.run_id})`;
    return run.run_id;
  });
}

/** Reads the passed values of the tasks without downstream, by task. */
async function passedByLast(
  peach: PeachClient,
  run: RunDocument,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const last = run.tasks.filter(({ downstream }) => downstream.length === 0);
  const values = last.map(async ({ task }) => {
    const passed = await peach.runs.taskPayload(run.run_id, task, { signal });
    return [task, await passed.value()] as const;
  });
  return Object.fromEntries(await Promise.all(values));
}

/** Waits until the run exists: its message may still be on the way. */
async function untilRecorded(
  peach: PeachClient,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await peach.runs.get(runId, { signal });
      return;
    } catch (error) {
      if (!(error instanceof PeachError && error.code === "unknown_run")) throw error;
      await pause();
    }
  }
}

/** Shows the tasks of the run until all are final. Rejects if the run fails. */
async function showRun(
  display: Display,
  peach: PeachClient,
  runId: string,
  signal: AbortSignal,
): Promise<RunDocument> {
  await followLive(peach.runs.events(runId, { signal }), display);
  const run = await peach.runs.get(runId, { signal });
  if (run.status === "succeeded") return run;
  const failures = failureLines(run, { columns: null, colors: false });
  throw new DemoError([`The run ${runId} ${run.status}.`, ...failures].join("\n"));
}

/** Reads the served recommendations, and the transcript, which needs a token. */
function served(
  display: Display,
  { url }: LocalRuntime,
  peach: PeachClient,
  runId: string,
  signal: AbortSignal,
): Promise<RecommendationsView> {
  return display.step("GET /recommendations", async () => {
    const passed = await peach.runs.taskPayload(runId, "recommend", { signal });
    const { transcript_excerpt } = passedView.parse(await passed.value());
    for (;;) {
      const answer = await fetch(`${url}/recommendations`, { signal });
      if (answer.status === 200)
        return { transcript_excerpt, ...servedView.parse(await answer.json()) };
      await answer.body?.cancel();
      await pause();
    }
  });
}

function pause(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, POLL_MS));
}

/** The end of a demo: recommendations, or the passed values of the last tasks. */
type Shown = RecommendationsView | { readonly passed: Readonly<Record<string, unknown>> };

function summaryOf(shown: Shown, durationMs: number, kept: Kept | null): string {
  const how =
    kept === null
      ? []
      : [
          "",
          `The runtime goes on at ${kept.url}. To reach its API:`,
          `  curl ${kept.url}/api/v1/runs/RUN_ID -H "Authorization: Bearer ${kept.token}"`,
          "To end it and delete its state:",
          `  kill ${kept.pid} && rm -r ${kept.state_folder}`,
        ];
  return [
    "",
    "passed" in shown
      ? Object.entries(shown.passed)
          .map(([task, value]) => `${task} passed ${JSON.stringify(value)}`)
          .join("\n")
      : renderRecommendations(shown),
    "",
    `Done in ${durationText(durationMs)}.`,
    ...how,
  ].join("\n");
}

/** Explains an expected error; null for a bug. */
function reasonOf(error: unknown, signal: AbortSignal): string | null {
  if (
    error instanceof DemoError ||
    error instanceof RuntimeStartError ||
    error instanceof PeachError
  )
    return error.message;
  return signal.aborted ? `It did not finish within ${LIMIT_MS / 1_000} s.` : null;
}

process.exitCode = await exitCodeOf(main, USAGE);
// The pipes to a kept runtime would keep this process alive.
process.exit();
