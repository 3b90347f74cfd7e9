/**
 * A runtime of its own for a test file: a fixture's peach.conf and pipelines on the local runtime, a state folder that goes
 * with it, and the recorder that its tasks report to.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wranglerDev, type Serve } from "../../src/local/runtime-process.ts";
import { launch, startRuntime, type LaunchOptions, type LocalRuntime } from "../../src/local/runtime.ts";
import { openStateFolder } from "../../src/local/state-folder.ts";
import { Peach } from "./peach.ts";
import { Recorder } from "./recorder.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");
const SERVE = join(import.meta.dirname, "serve.ts");

/** Serves the worker by Miniflare (serve.ts), in a third of the time that wrangler takes to start, and without its proxy. */
export const byMiniflare: Serve = ({ configPath, root }, port) => [SERVE, configPath, String(port), root];

type StageRuntime = Pick<LocalRuntime, "url" | "token" | "pids" | "logs" | "kill">;

export class Stage {
  readonly recorder: Recorder;
  /** For files of the test; deleted with the stage. */
  readonly folder: string;
  readonly #options: LaunchOptions;
  #runtime: StageRuntime;

  private constructor(recorder: Recorder, folder: string, options: LaunchOptions, runtime: StageRuntime) {
    this.recorder = recorder;
    this.folder = folder;
    this.#options = options;
    this.#runtime = runtime;
  }

  /** Starts the fixture of this name; `conf` is the text of a peach.conf in place of the fixture's own, `vars` are variables beside the usual ones. */
  static open(fixture: string, conf?: string, vars: Readonly<Record<string, string>> = {}): Promise<Stage> {
    return Stage.#open(fixture, conf, vars, byMiniflare);
  }

  /** The same as people start it, by `wrangler dev`: for what its proxy or its death may change. */
  static openAsPeopleDo(fixture: string, vars: Readonly<Record<string, string>> = {}): Promise<Stage> {
    return Stage.#open(fixture, undefined, vars, wranglerDev);
  }

  static async #open(
    fixture: string,
    conf: string | undefined,
    vars: Readonly<Record<string, string>>,
    serve: Serve,
  ): Promise<Stage> {
    const recorder = await Recorder.start();
    const folder = mkdtempSync(join(tmpdir(), "peach-e2e-"));
    let confPath = join(FIXTURES, fixture, "peach.conf");
    if (conf !== undefined) {
      confPath = join(folder, "peach.conf");
      writeFileSync(confPath, conf);
    }
    const options: LaunchOptions = {
      serve,
      // For who looks for the reason of a failure.
      ...(process.env["PEACH_E2E_OUTPUT"] === "1" && { onOutput: (line) => console.log(line) }),
    };
    const runtime = await startRuntime({
      ...options,
      confPath,
      pipelinesDir: join(FIXTURES, fixture, "pipelines"),
      persistTo: join(folder, "state"),
      env: {
        RECORDER_URL: recorder.url,
        PEACH_API_TOKEN: "token-of-the-end-to-end-tests",
        PUSH_SECRET: "push",
        ...vars,
      },
    });
    return new Stage(recorder, folder, options, runtime);
  }

  get runtime(): StageRuntime {
    return this.#runtime;
  }

  get peach(): Peach {
    return new Peach(this.#runtime);
  }

  /** Kills every process of the runtime at once, as a power cut would. */
  async kill(): Promise<void> {
    await this.#runtime.kill("SIGKILL");
    await this.recorder.drained();
  }

  /** Starts what was built again on the same state. */
  async restart(): Promise<void> {
    const { token } = this.#runtime;
    const again = await launch(openStateFolder(join(this.folder, "state")), this.#options);
    this.#runtime = {
      url: again.url,
      token,
      logs: again.logs,
      get pids() {
        return again.pids;
      },
      kill: (signal) => again.kill(signal),
    };
  }

  async close(): Promise<void> {
    await this.#runtime.kill("SIGKILL");
    await this.recorder.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
