/**
 * The processes of one local runtime: `wrangler dev` on a state folder, behind its guard (guard.ts). Owns starting and ending
 * them, and their output; whether the worker answers is runtime.ts's question.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OutputFilter } from "./output.ts";
import { groupMembers, signalGroup, STATE_MARK } from "./process-group.ts";
import { dropClaim, endGroup, waitUntil, writeClaim, type StateFolder } from "./state-folder.ts";

const STOP_LIMIT_MS = 8_000;
const KEPT_LINES = 5_000;

const guardPath = fileURLToPath(new URL("guard.ts", import.meta.url));

/** The program and arguments by which Node serves the worker that the folder holds, at this port of 127.0.0.1. */
export type Serve = (folder: StateFolder, port: number) => string[];

export class RuntimeProcess {
  /** The last lines of output, unfiltered. */
  readonly logs: string[] = [];
  /** Resolves when the runtime has ended, by whomever. */
  readonly ended: Promise<void>;
  readonly #folder: StateFolder;
  readonly #url: string;
  readonly #guard: ChildProcess;
  readonly #group: number;
  #isOver = false;
  #isToldToEnd = false;

  /**
   * Starts it on a free state folder, and claims the folder. `onLine` is called with each line that is worth showing, `serve` says what
   * Node runs to serve the worker.
   */
  constructor(
    folder: StateFolder,
    port: number,
    onLine: (line: string) => void,
    serve: Serve = wranglerDev,
  ) {
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${port}`;
    this.#guard = spawnGuard(folder, serve(folder, port));
    // Without a process id there is no process; the `error` event says why, and nobody could go on.
    if (this.#guard.pid === undefined)
      throw new Error("The guard of the local runtime could not be started.");
    this.#group = this.#guard.pid;
    writeClaim(folder, { owner: process.pid, group: this.#group, url: this.#url });
    this.#readOutput(onLine);
    this.ended = new Promise((resolve) => {
      this.#guard.on("exit", () => {
        this.#isOver = true;
        // The guard takes its group along, unless it was killed alone.
        signalGroup(this.#group, "SIGKILL");
        resolve();
      });
    });
  }

  get url(): string {
    return this.#url;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Its living processes. */
  get pids(): readonly number[] {
    return groupMembers(this.#group);
  }

  /** Sends a signal to every process of it; resolves once they are gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#isToldToEnd = true;
    signalGroup(this.#group, signal);
    const limitMs = signal === "SIGKILL" ? 0 : STOP_LIMIT_MS;
    await waitUntil(() => groupMembers(this.#group).length === 0, limitMs);
    await endGroup(this.#group);
    dropClaim(this.#folder);
  }

  /** Ends it gracefully, within a few seconds. */
  async stop(): Promise<void> {
    this.#isToldToEnd = true;
    // Only the guard: it gives the runtime the time to end by itself.
    this.#guard.kill("SIGTERM");
    await waitUntil(() => this.#isOver, STOP_LIMIT_MS);
    await endGroup(this.#group);
    dropClaim(this.#folder);
  }

  /** Leaves it running when this process ends; returns the process id whose SIGTERM ends it. */
  leave(): number {
    writeClaim(this.#folder, { owner: null, group: this.#group, url: this.#url });
    this.#guard.stdin?.write("keep\n");
    this.#guard.unref();
    return this.#group;
  }

  #readOutput(onLine: (line: string) => void): void {
    const filter = new OutputFilter();
    let rest = "";
    const read = (chunk: Buffer): void => {
      const text = chunk.toString();
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.logs.push(...lines);
      this.logs.splice(0, this.logs.length - KEPT_LINES);
      // What the bundler says when it is told to end is worth nothing.
      if (!this.#isToldToEnd) filter.push(text).forEach(onLine);
    };
    for (const output of [this.#guard.stdout, this.#guard.stderr]) output?.on("data", read);
  }
}

/** What serves it for people. */
export function wranglerDev(folder: StateFolder, port: number): string[] {
  const require = createRequire(import.meta.url);
  const wrangler = join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
  const args = [
    "--config",
    folder.configPath,
    "--ip",
    "127.0.0.1",
    "--port",
    String(port),
    "--inspector-port",
    "0",
  ];
  return [
    wrangler,
    "dev",
    ...args,
    "--persist-to",
    folder.root,
    "--show-interactive-dev-session=false",
  ];
}

function spawnGuard(folder: StateFolder, served: readonly string[]): ChildProcess {
  return spawn(process.execPath, [guardPath, folder.logPath, process.execPath, ...served], {
    cwd: dirname(folder.configPath),
    // A group of its own: neither Ctrl-C in the terminal nor a signal to our group reaches it.
    detached: true,
    // None of ours: whoever reads our output would wait for the end of a runtime that is left running.
    stdio: ["pipe", "pipe", "pipe"],
    env: runtimeEnvironment(folder),
  });
}

function runtimeEnvironment(folder: StateFolder): NodeJS.ProcessEnv {
  // Not the settings of a test runner or of a deployment that happens to surround us.
  const {
    NODE_ENV: _nodeEnv,
    NODE_OPTIONS: _nodeOptions,
    VITEST: _vitest,
    CLOUDFLARE_ENV: _cloudflareEnv,
    ...environment
  } = process.env;
  return {
    ...environment,
    [STATE_MARK]: folder.root,
    // Traces are written to SQLite too: they would make every hop two to three times slower.
    X_LOCAL_OBSERVABILITY: "false",
    X_LOCAL_EXPLORER: "false",
    // Nothing is fetched from, or sent to, the network, and nothing is written outside the state folder.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_WRITE_LOGS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_REGISTRY_PATH: folder.registryFolder,
  };
}
