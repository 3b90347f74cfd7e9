/**
 * `npm run demo`: shows the main use from a fresh start. Starts the local runtime on a new state
 * folder, uploads the sample, shows the run until the recommendations are served, and removes
 * everything (with --keep, the runtime stays). A project with a sample of its own
 * (src/local/sample.ts) is shown with that in place of the upload: its run, the passed values of
 * the last tasks, and the answers to its queries.
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
import { wasInterrupted } from "../../local/interrupt.ts";
import { Display } from "../../local/display.ts";
import {
  passedView,
  servedView,
  type RecommendationsView,
} from "../../local/recommendation-table.ts";
import { RuntimeStartError, startRuntime, type LocalRuntime } from "../../local/runtime.ts";
import {
  deliveryHeaders,
  findSampleDelivery,
  findSampleUploads,
  sampleQueries,
  sampleType,
  type SampleDelivery,
  type SampleUploads,
} from "../../local/sample.ts";
import { randomSecret } from "../../local/secrets.ts";
import { followLive } from "../follow.ts";
import { type Answer, type Kept, summaryOf } from "../demo-summary.ts";
import { failureLines } from "../run-view.ts";

const USAGE = `usage: npm run demo [-- --keep] [-- --json]

Starts the local runtime, uploads a spoken sample, shows its run, and prints the programmes
recommended for it. In a project with a sample of its own, sends sample/ENDPOINT.json (or .ndjson) to that
endpoint, or uploads the files under sample/BUCKET/, and prints what the last tasks of its run have passed
and the answers to the queries in sample/ENDPOINT.query. Needs no account and no network.

  --keep  leaves the runtime running, and says how to reach and end it
  --json  prints one JSON document instead of all that
  --help  this text

PEACH_CONF (a file or a folder) and PEACH_PIPELINES (a folder) choose others than peach.conf and
src/pipelines.`;

const LIMIT_MS = 60_000;
const POLL_MS = 100;
/** The exit code after Ctrl-C, as shells expect. */
const INTERRUPTED = 130;
/** The number of output lines that a failure shows. */
const OUTPUT_LINES = 20;
/** The files of the spoken sample; the captions come first. */
const SPOKEN = { captions: "glacier.vtt", audio: "glacier.mp3" };

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
    if (await wasInterrupted(interrupted.signal)) {
      if (json) console.log(JSON.stringify({ ok: false, error: "It was told to end." }, null, 2));
      else console.error("\nEnded.");
      return INTERRUPTED;
    }
    const reason = reasonOf(error, signal);
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
    const { plan } = runtime.project;
    const delivery = findSampleDelivery(plan, PROJECT_FOLDER);
    const uploads = delivery === null ? findSampleUploads(plan, PROJECT_FOLDER) : null;
    const runId =
      delivery === null
        ? await upload(display, runtime, peach, uploads ?? spokenSample(), signal)
        : await deliver(display, runtime, delivery, { ...process.env, ...secrets }, peach, signal);
    const run = await showRun(display, peach, runId, signal);
    const shown =
      delivery === null && uploads === null
        ? await served(display, runtime, peach, runId, signal)
        : {
            passed: await passedByLast(peach, run, signal),
            answers: await answersTo(runtime, sampleQueries(plan, PROJECT_FOLDER), signal),
          };

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

/** The sample of the example of this repository. */
function spokenSample(): SampleUploads {
  const names = [SPOKEN.captions, SPOKEN.audio];
  const objects = names.map((name) => ({
    key: `audio/${name}`,
    file: join(PROJECT_FOLDER, "sample", name),
  }));
  return { bucket: "uploads", objects };
}

/** Uploads objects, the last of which triggers. Waits until the run exists. */
function upload(
  display: Display,
  runtime: LocalRuntime,
  peach: PeachClient,
  { bucket, objects }: SampleUploads,
  signal: AbortSignal,
): Promise<string> {
  const names = objects.map(({ key }) => basename(key)).join(" and ");
  return display.step(`Upload ${names}`, async (line) => {
    let runs: z.infer<typeof stored>["will_trigger"] = [];
    for (const { key, file } of objects) {
      const path = key.split("/").map(encodeURIComponent).join("/");
      const answer = await fetch(`${runtime.url}/dev/r2/${bucket}/${path}`, {
        method: "PUT",
        body: readFileSync(file),
        headers: { "Content-Type": sampleType(file) },
        signal,
      });
      if (!answer.ok) {
        const { detail, hint } = refusal.parse(await answer.json());
        throw new DemoError(`The upload of ${basename(file)} was refused. ${detail} ${hint}`);
      }
      runs = stored.parse(await answer.json()).will_trigger;
    }
    const [run] = runs;
    const last = objects.at(-1)?.key ?? "";
    if (run === undefined) {
      const conf = basename(runtime.project.paths.confPath);
      throw new DemoError(
        `No task of ${conf} is triggered by the object ${bucket}/${last}. Run the example with PEACH_CONF=peach.conf.example npm run demo.`,
      );
    }
    line.output = `waiting for the run ${run.run_id} of ${run.task}`;
    await untilRecorded(peach, run.run_id, signal);
    line.title = `Uploaded ${names} to ${bucket}, which triggered ${run.task} (${run.run_id})`;
    return run.run_id;
  });
}

/** Sends the sample as its sender does. Returns the triggered run when it exists. */
function deliver(
  display: Display,
  runtime: LocalRuntime,
  sample: SampleDelivery,
  secrets: Readonly<Record<string, string | undefined>>,
  peach: PeachClient,
  signal: AbortSignal,
): Promise<string> {
  const { file, body, endpoint } = sample;
  const { name, url } = endpoint;
  return display.step(`Send ${file} to ${url}`, async (line) => {
    const headers = deliveryHeaders(sample, secrets, runtime.token);
    const answer = await fetch(`${runtime.url}${url}`, { method: "POST", body, headers, signal });
    if (!answer.ok)
      throw new DemoError(`The endpoint ${name} answered ${answer.status}: ${await answer.text()}`);
    const [run] = delivered.parse(await answer.json()).runs;
    if (run === undefined) throw new DemoError(`The endpoint ${name} has triggered no run.`);
    line.output = `waiting for the run ${run.run_id} of ${run.task}`;
    await untilRecorded(peach, run.run_id, signal);
    line.title = `Sent ${file} to ${url}, which triggered ${run.task} (${run.run_id})`;
    return run.run_id;
  });
}

/** Asks what endpoints serve, by the path with its query. */
async function answersTo(
  { url }: LocalRuntime,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Record<string, Answer>> {
  const answers: Record<string, Answer> = {};
  for (const path of paths) {
    const answer = await fetch(`${url}${path}`, { signal });
    if (!answer.ok)
      throw new DemoError(`GET ${path} answered ${answer.status}: ${await answer.text()}`);
    answers[path] = {
      component: answer.headers.has("peach-fallback")
        ? "fallback"
        : answer.headers.get("peach-component"),
      value: await answer.json(),
    };
  }
  return answers;
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
  { url, token }: LocalRuntime,
  peach: PeachClient,
  runId: string,
  signal: AbortSignal,
): Promise<RecommendationsView> {
  // Which component a session gets is up to chance. A caller with a token may choose.
  const path = "/recommendations?component=best";
  const headers = { Authorization: `Bearer ${token}` };
  return display.step(`GET ${path}`, async () => {
    const passed = await peach.runs.taskPayload(runId, "recommend", { signal });
    const { transcript_excerpt } = passedView.parse(await passed.value());
    for (;;) {
      const answer = await fetch(`${url}${path}`, { headers, signal });
      // The fallback answers until the stored list can be read.
      if (answer.status === 200 && !answer.headers.has("peach-fallback"))
        return { transcript_excerpt, ...servedView.parse(await answer.json()) };
      await answer.body?.cancel();
      await pause();
    }
  });
}

function pause(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, POLL_MS));
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
