/**
 * The processes of a local runtime: `wrangler dev` on a state folder, behind its guard (guard.ts).
 * Owns starting and ending them, and their output. runtime.ts checks if the worker answers.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import { IS_CLONE, PACKAGE_ROOT } from "../compiler/project-paths.ts";
import { PROJECT_FOLDER } from "./build.ts";
import { OutputFilter } from "./output.ts";
import { groupMembers, signalGroup, STATE_MARK } from "./process-group.ts";
import { dropClaim, endGroup, waitUntil, writeClaim, type StateFolder } from "./state-folder.ts";
import { wranglerProgram } from "./wrangler-program.ts";

/** The time for a graceful end, before the rest is killed. */
const STOP_LIMIT_MS = 8_000;
/** The number of output lines to keep. */
const KEPT_LINES = 5_000;

const guardPath = join(PACKAGE_ROOT, IS_CLONE ? "src/local/guard.ts" : "dist/guard.js");

/**
 * Returns the arguments by which Node serves the worker in the folder, at this port of 127.0.0.1.
 */
export type Serve = (folder: StateFolder, port: number) => string[];

/** The end of a runtime. `isDeaf`: processes lived, but gave no answers. */
export interface RuntimeEnd {
  readonly isDeaf: boolean;
}

/** A running runtime. */
export class RuntimeProcess {
  /** The last lines of its output, unfiltered. */
  readonly logs: string[] = [];
  /** Resolves when the runtime has ended, for whatever reason. */
  readonly ended: Promise<RuntimeEnd>;
  readonly #folder: StateFolder;
  readonly #url: string;
  readonly #guard: ChildProcess;
  readonly #group: number;
  #isOver = false;
  #isToldToEnd = false;
  #isDeaf = false;

  /**
   * Starts the runtime on a free state folder and claims the folder. `onLine` receives each line of
   * output that is worth showing; `serve` chooses the program that serves the worker. With
   * `inspectorPort` a debugger may attach.
   */
  constructor(
    folder: StateFolder,
    port: number,
    onLine: (line: string) => void,
    {
      serve,
      inspectorPort,
    }: { serve?: Serve | undefined; inspectorPort?: number | undefined } = {},
  ) {
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${port}`;
    const served = serve?.(folder, port) ?? wranglerDev(folder, port, inspectorPort);
    this.#guard = spawnGuard(folder, served, inspectorPort !== undefined);
    // Without a process id there is no process. The `error` event would give the reason, but no
    // work is possible.
    if (this.#guard.pid === undefined)
      throw new Error("The guard of the local runtime could not be started.");
    this.#group = this.#guard.pid;
    writeClaim(folder, { owner: process.pid, group: this.#group, url: this.#url });
    this.#readOutput(onLine);
    this.ended = new Promise((resolve) => {
      this.#guard.on("exit", () => {
        this.#isOver = true;
        // The guard kills the group at the end, unless the guard was killed.
        signalGroup(this.#group, "SIGKILL");
        resolve({ isDeaf: this.#isDeaf });
      });
    });
  }

  get url(): string {
    return this.#url;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The living processes of the runtime. */
  get pids(): readonly number[] {
    return groupMembers(this.#group);
  }

  /** Ends a runtime without answers, unless an end was requested. */
  giveUp(): void {
    if (this.#isToldToEnd || this.#isOver) return;
    this.#isDeaf = true;
    signalGroup(this.#group, "SIGKILL");
  }

  /** Sends a signal to every process, and resolves once they are gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#isToldToEnd = true;
    signalGroup(this.#group, signal);
    const limitMs = signal === "SIGKILL" ? 0 : STOP_LIMIT_MS;
    await waitUntil(() => groupMembers(this.#group).length === 0, limitMs);
    await endGroup(this.#group);
    dropClaim(this.#folder);
  }

  /** Ends the runtime gracefully, within a few seconds. */
  async stop(): Promise<void> {
    this.#isToldToEnd = true;
    // The signal goes to the guard only, which gives the runtime time to end.
    this.#guard.kill("SIGTERM");
    await waitUntil(() => this.#isOver, STOP_LIMIT_MS);
    await endGroup(this.#group);
    dropClaim(this.#folder);
  }

  /** Lets the runtime outlive this process. Returns the process id whose SIGTERM ends it. */
  leave(): number {
    writeClaim(this.#folder, { owner: null, group: this.#group, url: this.#url });
    this.#guard.stdin?.write("keep\n");
    this.#guard.unref();
    return this.#group;
  }

  /** Keeps the last lines of the output, and passes lines on until the requested end. */
  #readOutput(onLine: (line: string) => void): void {
    const filter = new OutputFilter();
    let rest = "";
    const read = (chunk: Buffer): void => {
      const text = chunk.toString();
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.logs.push(...lines);
      this.logs.splice(0, this.logs.length - KEPT_LINES);
      // Messages during a requested end are of no use.
      if (!this.#isToldToEnd) filter.push(text).forEach(onLine);
    };
    for (const output of [this.#guard.stdout, this.#guard.stderr]) output?.on("data", read);
  }
}

/** The arguments of `wrangler dev`. A debugger attaches to `inspectorPort`; 0 is a free one. */
export function wranglerDev(folder: StateFolder, port: number, inspectorPort = 0): string[] {
  const wrangler = wranglerProgram(PROJECT_FOLDER);
  const args = [
    "--config",
    folder.configPath,
    "--ip",
    "127.0.0.1",
    "--port",
    String(port),
    "--inspector-port",
    String(inspectorPort),
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

/** Starts the guard in a process group of its own. */
function spawnGuard(
  folder: StateFolder,
  served: readonly string[],
  isInspected: boolean,
): ChildProcess {
  return spawn(process.execPath, [guardPath, folder.logPath, process.execPath, ...served], {
    cwd: dirname(folder.configPath),
    // In a group of its own, neither Ctrl-C in the terminal nor a signal to this group reaches it.
    detached: true,
    // Own pipes: a reader of this process's output would otherwise wait for a kept runtime to end.
    stdio: ["pipe", "pipe", "pipe"],
    env: runtimeEnvironment(folder, isInspected),
  });
}

/** Makes the environment of the runtime: private, offline, and bound to the state folder. */
function runtimeEnvironment(folder: StateFolder, isInspected: boolean): NodeJS.ProcessEnv {
  // Settings of a surrounding test runner or deployment are removed.
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
    // Traces would be written to SQLite and make every hop two to three times slower.
    X_LOCAL_OBSERVABILITY: "false",
    X_LOCAL_EXPLORER: "false",
    // Wrangler's inspector proxy makes a request of each line on the console. A task that logs in a
    // burst takes all file descriptors, and the runtime answers nobody any more. Wrangler leaves the
    // proxy out where an editor debugs.
    ...(!isInspected && { VSCODE_INSPECTOR_OPTIONS: "none" }),
    // No network access, and no files outside the state folder.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_WRITE_LOGS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_REGISTRY_PATH: folder.registryFolder,
  };
}
