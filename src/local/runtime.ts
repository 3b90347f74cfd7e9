/**
 * Starts the local runtime, one at a time on a state folder. It never outlives this process (guard.ts), needs no account and
 * no network, and its state survives a SIGKILL of everything, at any time.
 */
import { createServer } from "node:net";
import { buildProject, type BuildOptions, type BuildResult, type BuiltProject } from "./build.ts";
import { randomToken } from "./dev-vars.ts";
import { RuntimeProcess, type Serve } from "./runtime-process.ts";
import { freeStateFolder, openStateFolder, type StateFolder } from "./state-folder.ts";

export interface RuntimeOptions extends BuildOptions {
  /** The folder of its state; one runtime at a time uses it. */
  readonly persistTo: string;
  /** Default, and 0: a free one. */
  readonly port?: number;
  /** Variables and secrets of the worker. Without a PEACH_API_TOKEN a random one is made. */
  readonly env?: Readonly<Record<string, string>>;
  /** What serves the worker; default: `wrangler dev`. */
  readonly serve?: Serve;
  /** Gives a start up. */
  readonly signal?: AbortSignal;
  /** Called with each line of output that is worth showing. */
  readonly onOutput?: (line: string) => void;
}

export interface LocalRuntime {
  /** On 127.0.0.1, without a slash at its end. */
  readonly url: string;
  /** The API token with all rights. */
  readonly token: string;
  /** What was compiled when it started. */
  readonly project: BuiltProject;
  /** Its living processes. */
  readonly pids: readonly number[];
  /** The last lines of its output, unfiltered. */
  readonly logs: readonly string[];
  /** Resolves when it has ended, by whomever. */
  readonly ended: Promise<void>;
  /** Compiles again; the runtime takes the result over by itself. With any problem the last good version keeps running. */
  rebuild(env: Readonly<Record<string, string>>): Promise<BuildResult>;
  /** Sends a signal to every process of it; resolves once they are gone. The state stays. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends it gracefully, within a few seconds. The state stays. */
  stop(): Promise<void>;
  /** Leaves it running when this process ends; returns the process id whose SIGTERM ends it. */
  leave(): number;
}

/** A start that failed for a reason which the person who started it can change. */
export class RuntimeStartError extends Error {}

const READY_LIMIT_MS = 60_000;
const TAKE_OVER_LIMIT_MS = 20_000;
const PROBE_MS = 100;
const SHOWN_LINES = 30;
/** Below those that systems give to outgoing connections. */
const FREE_PORTS = { first: 20_000, count: 10_000, tries: 100 } as const;
/** Output which says that it will not come up by itself. */
const HOPELESS = /Build failed with \d+ error|Address already in use/;

/** Resolves when `GET /healthz` answers 200. Rejects with `RuntimeStartError`, and leaves nothing running. */
export async function startRuntime(options: RuntimeOptions): Promise<LocalRuntime> {
  const folder = openStateFolder(options.persistTo);
  const token = options.env?.["PEACH_API_TOKEN"] ?? randomToken();
  const rebuild = (env: Readonly<Record<string, string>>): Promise<BuildResult> =>
    buildProject(folder, options, { ...env, PEACH_API_TOKEN: token });

  const built = await rebuild(options.env ?? {});
  if (!built.ok) throw new RuntimeStartError(built.diagnostics);
  const runtime = await launch(folder, options);
  return {
    url: runtime.url,
    token,
    project: built.project,
    logs: runtime.logs,
    ended: runtime.ended,
    rebuild,
    get pids() {
      return runtime.pids;
    },
    kill: (signal) => runtime.kill(signal),
    stop: () => runtime.stop(),
    leave: () => runtime.leave(),
  };
}

/** What of the options concerns the process. */
export type LaunchOptions = Pick<RuntimeOptions, "port" | "serve" | "signal" | "onOutput">;

/**
 * Starts the worker that the configuration in the state folder describes. Resolves when its `GET /healthz` answers 200; rejects
 * with `RuntimeStartError`, and leaves nothing running.
 */
export async function launch(folder: StateFolder, options: LaunchOptions): Promise<RuntimeProcess> {
  await claimable(folder);
  const port = await usablePort(options.port ?? 0);
  const shown: string[] = [];
  const runtime = new RuntimeProcess(
    folder,
    port,
    options.onOutput ?? ((line) => shown.push(line)),
    options.serve,
  );
  const whyNot = await untilHealthy(runtime, options.signal);
  if (whyNot === null) return runtime;
  await runtime.kill("SIGKILL");
  throw new RuntimeStartError(
    [`The local runtime ${whyNot}.`, ...shown.slice(-SHOWN_LINES)].join("\n").trimEnd(),
  );
}

/** Ends what is left of a dead owner's runtime; refuses a folder that is in use. */
async function claimable(folder: StateFolder): Promise<void> {
  const claim = await freeStateFolder(folder);
  if (claim === null) return;
  throw new RuntimeStartError(
    `The state folder ${folder.root} is in use by the runtime at ${claim.url}.\n` +
      `End that one (kill ${claim.owner ?? claim.group}), or choose another folder with --persist-to.`,
  );
}

/** The port, or a free one for 0; refuses one on which somebody listens. */
async function usablePort(port: number): Promise<number> {
  if (port === 0) return freePort();
  const fault = await faultOfPort(port);
  if (fault === null) return port;
  throw new RuntimeStartError(
    `Port ${port} cannot be used (${fault}). End the program that listens there, or choose another with --port.`,
  );
}

/**
 * Not the one that the system would give: it gives such ports to outgoing connections as well, and the runtime listens only
 * after a second or two.
 */
async function freePort(): Promise<number> {
  let fault: string | null = null;
  for (let tries = 0; tries < FREE_PORTS.tries; tries += 1) {
    const port = FREE_PORTS.first + Math.floor(Math.random() * FREE_PORTS.count);
    fault = await faultOfPort(port);
    if (fault === null) return port;
  }
  throw new RuntimeStartError(`No free port was found (${fault}). Choose one with --port.`);
}

/** Why nobody can listen there; null if one can. */
function faultOfPort(port: number): Promise<string | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => resolve("code" in error ? String(error.code) : String(error)));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(null)));
  });
}

/** Null once it answers, else why it never will. */
async function untilHealthy(
  runtime: RuntimeProcess,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const end = Date.now() + READY_LIMIT_MS;
  while (Date.now() < end) {
    if (runtime.isOver) return "ended before it was ready";
    if (signal?.aborted === true) return "was told to end while it started";
    if (runtime.logs.some((line) => HOPELESS.test(line))) return "could not be built";
    if (await isHealthy(runtime.url)) return null;
    await new Promise((wake) => setTimeout(wake, PROBE_MS));
  }
  return `was not ready within ${READY_LIMIT_MS / 1_000} s`;
}

/**
 * Resolves once the runtime answers with this version of the conf: true, or false after a while. A first request is also what
 * tells a new version's schedules.
 */
export async function untilServing(url: string, version: string): Promise<boolean> {
  const end = Date.now() + TAKE_OVER_LIMIT_MS;
  while (Date.now() < end) {
    if ((await servedVersion(url)) === version) return true;
    await new Promise((wake) => setTimeout(wake, PROBE_MS));
  }
  return false;
}

async function servedVersion(url: string): Promise<unknown> {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    const health: unknown = await answer.json();
    return typeof health === "object" && health !== null && "conf_version" in health
      ? health.conf_version
      : null;
  } catch {
    // It is just starting again.
    return null;
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
