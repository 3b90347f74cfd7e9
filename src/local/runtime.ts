/**
 * Starts the local runtime. A single runtime at a time uses a state folder. The runtime never
 * outlives this process (guard.ts), and needs no account and no network. The state survives a
 * SIGKILL of all processes at any time.
 */
import { createServer } from "node:net";
import { buildProject, type BuildOptions, type BuildResult, type BuiltProject } from "./build.ts";
import { randomToken } from "./dev-vars.ts";
import { RuntimeProcess, type RuntimeEnd, type Serve } from "./runtime-process.ts";
import { RuntimeStartError } from "./start-error.ts";
import { freeStateFolder, openStateFolder, type StateFolder } from "./state-folder.ts";

/** Options of a start. */
export interface RuntimeOptions extends BuildOptions {
  /** The state folder; one runtime at a time uses it. */
  readonly persistTo: string;
  /** The port on 127.0.0.1. 0 stands for a free one and is the default. */
  readonly port?: number;
  /** Variables and secrets of the worker. Without a PEACH_API_TOKEN a random one is made. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program that serves the worker; default: `wrangler dev`. */
  readonly serve?: Serve;
  /**
   * The port on 127.0.0.1 for a debugger. The plan then has `patientTimeouts`, since time goes on
   * while an attempt stands at a breakpoint.
   */
  readonly inspectorPort?: number;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
  /** Called with each line of output that is worth showing. */
  readonly onOutput?: (line: string) => void;
}

/** A started runtime. */
export interface LocalRuntime {
  /** The address on 127.0.0.1, without a final slash. */
  readonly url: string;
  /** The API token with all scopes. */
  readonly token: string;
  /** The project as it was compiled at the start. */
  readonly project: BuiltProject;
  /** The living processes of the runtime. */
  readonly pids: readonly number[];
  /** The last lines of its output, unfiltered. */
  readonly logs: readonly string[];
  /** Resolves when the runtime has ended, for whatever reason. */
  readonly ended: Promise<RuntimeEnd>;
  /**
   * Compiles again; the runtime restarts with the result. With any problem the last good version
   * keeps running.
   */
  rebuild(env: Readonly<Record<string, string>>): Promise<BuildResult>;
  /** Sends a signal to every process, and resolves once they are gone. The state stays. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends the runtime gracefully, within a few seconds. The state stays. */
  stop(): Promise<void>;
  /** Lets the runtime outlive this process. Returns the process id whose SIGTERM ends it. */
  leave(): number;
}

export { RuntimeStartError };

/** The time to become ready after the start. */
const READY_LIMIT_MS = 60_000;
/** The time to serve a new version. */
const TAKE_OVER_LIMIT_MS = 20_000;
const PROBE_MS = 100;
/** The number of output lines in the message about a failed start. */
const SHOWN_LINES = 30;
/** A range below the ports that systems use for outgoing connections. */
const FREE_PORTS = { first: 20_000, count: 10_000, tries: 100 } as const;
/** Output of wrangler after a process of workerd has died. */
const CRASHED = /Workers runtime crashed unexpectedly/;
/** Output after which the runtime cannot become ready. */
const HOPELESS = /Build failed with \d+ error|Address already in use/;

/**
 * Builds the project and starts the runtime. Resolves when `GET /healthz` answers 200. Otherwise
 * rejects with `RuntimeStartError` and leaves no process behind.
 */
export async function startRuntime(options: RuntimeOptions): Promise<LocalRuntime> {
  const folder = openStateFolder(options.persistTo);
  const token = options.env?.["PEACH_API_TOKEN"] ?? randomToken();
  const rebuild = (env: Readonly<Record<string, string>>): Promise<BuildResult> =>
    buildProject(
      folder,
      { ...options, patientTimeouts: options.inspectorPort !== undefined },
      { ...env, PEACH_API_TOKEN: token },
    );

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

/** Options of the process. */
export type LaunchOptions = Pick<
  RuntimeOptions,
  "port" | "serve" | "inspectorPort" | "signal" | "onOutput"
>;

/**
 * Starts the worker of the configuration in the state folder. Resolves when `GET /healthz` answers
 * 200. Otherwise rejects with `RuntimeStartError` and leaves no process behind.
 */
export async function launch(folder: StateFolder, options: LaunchOptions): Promise<RuntimeProcess> {
  await claimable(folder);
  const port = await usablePort(options.port ?? 0, "--port");
  const { inspectorPort } = options;
  if (inspectorPort !== undefined) await usablePort(inspectorPort, "--inspect");
  const shown: string[] = [];
  const show = options.onOutput ?? ((line) => shown.push(line));
  const runtime = new RuntimeProcess(
    folder,
    port,
    (line) => {
      show(line);
      if (CRASHED.test(line)) void endIfDeaf(runtime);
    },
    { serve: options.serve, inspectorPort },
  );
  const whyNot = await untilHealthy(runtime, options.signal);
  if (whyNot === null) return runtime;
  await runtime.kill("SIGKILL");
  throw new RuntimeStartError(
    [`The local runtime ${whyNot}.`, ...shown.slice(-SHOWN_LINES)].join("\n").trimEnd(),
  );
}

/** Ends the rest of a dead owner's runtime. Refuses a folder that is in use. */
async function claimable(folder: StateFolder): Promise<void> {
  const claim = await freeStateFolder(folder);
  if (claim === null) return;
  throw new RuntimeStartError(
    `The state folder ${folder.root} is in use by the runtime at ${claim.url}.\n` +
      `End that one (kill ${claim.owner ?? claim.group}), or choose another folder with --persist-to.`,
  );
}

/** Returns the port, or a free one for 0. Refuses a port that is in use. */
async function usablePort(port: number, option: string): Promise<number> {
  if (port === 0) return freePort();
  const fault = await faultOfPort(port);
  if (fault === null) return port;
  throw new RuntimeStartError(
    `Port ${port} cannot be used (${fault}). End the program that listens there, or choose another with ${option}.`,
  );
}

/**
 * Finds a free port. Ports that the system would assign are not used: outgoing connections get such
 * ports too, and the runtime listens only a second or two later.
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

/** Tries to listen on a port. Returns the error code, or null if it is free. */
function faultOfPort(port: number): Promise<string | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => resolve("code" in error ? String(error.code) : String(error)));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(null)));
  });
}

/**
 * Ends a runtime that does not answer after a crash. Wrangler starts the process of workerd again.
 * After a crash of the listening process alone, the new process never reaches the worker.
 */
async function endIfDeaf(runtime: RuntimeProcess): Promise<void> {
  const end = Date.now() + TAKE_OVER_LIMIT_MS;
  while (Date.now() < end && !runtime.isOver) {
    await new Promise((wake) => setTimeout(wake, PROBE_MS));
    if (await isHealthy(runtime.url)) return;
  }
  runtime.giveUp();
}

/** Waits until the worker answers. Returns null, or the reason why it never will. */
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
 * Waits until the runtime serves this version of the conf. Returns false after some seconds. The
 * first request also registers the schedules of a new version.
 */
export async function untilServing(url: string, version: string): Promise<boolean> {
  const end = Date.now() + TAKE_OVER_LIMIT_MS;
  while (Date.now() < end) {
    if ((await servedVersion(url)) === version) return true;
    await new Promise((wake) => setTimeout(wake, PROBE_MS));
  }
  return false;
}

/** Asks the runtime for the version of the conf that it serves; null without an answer. */
async function servedVersion(url: string): Promise<unknown> {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    const health: unknown = await answer.json();
    return typeof health === "object" && health !== null && "conf_version" in health
      ? health.conf_version
      : null;
  } catch {
    // The runtime is restarting.
    return null;
  }
}

/** Asks the runtime if it is ready. */
async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    // The runtime does not listen yet.
    return false;
  }
}
