/** The runtime under test: one state folder and one port, killed and restarted on request. */
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";

export interface Kill {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Time from the start of the next runtime until it answered. */
  readonly readyAfterMs: number;
  /** Cause of the kill: the seed's plan, or a poison item. */
  readonly by: "plan" | "poison";
}

export interface FixtureOptions {
  /**
   * Versions of peach.conf: each start after a planned kill takes the next one, so it is a deploy
   * as well.
   */
  readonly confPaths: readonly [string, ...string[]];
  readonly pipelinesDir: string;
  readonly persistTo: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
  /** Called after a kill. The runtime is started again when the promise resolves. */
  readonly onKilled: () => Promise<void>;
}

export class RuntimeFixture {
  readonly kills: Kill[] = [];
  readonly #options: FixtureOptions;
  readonly #port: number;
  #runtime: LocalRuntime;
  /** Resolves while the runtime is up. */
  #up = Promise.withResolvers<void>();
  #isUp = true;
  /** The restart in progress. */
  #restart: Promise<void> | null = null;
  #readyAt = Date.now();

  private constructor(options: FixtureOptions, runtime: LocalRuntime) {
    this.#options = options;
    this.#runtime = runtime;
    this.#port = Number(new URL(runtime.url).port);
    this.#up.resolve();
  }

  /** Resolves when the runtime is up. */
  static async start(options: FixtureOptions): Promise<RuntimeFixture> {
    return new RuntimeFixture(
      options,
      await startRuntime({ ...options, confPath: options.confPaths[0] }),
    );
  }

  get url(): string {
    return this.#runtime.url;
  }

  get token(): string {
    return this.#runtime.token;
  }

  /** Retention of runs. */
  get retentionMs(): number {
    return this.#runtime.project.plan.retentionMs;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Time of the last start. Epoch milliseconds. */
  get readyAt(): number {
    return this.#readyAt;
  }

  untilUp(): Promise<void> {
    return this.#up.promise;
  }

  /**
   * Kills all processes at once and restarts the runtime with the same state and port, with the
   * next version of peach.conf. Resolves when it is up. A concurrent call waits for the same
   * restart and kills nothing.
   */
  async killAndRestart(by: Kill["by"]): Promise<void> {
    this.#restart ??= this.#killAndRestart(by).finally(() => (this.#restart = null));
    await this.#restart;
  }

  async #killAndRestart(by: Kill["by"]): Promise<void> {
    this.#up = Promise.withResolvers<void>();
    this.#isUp = false;
    const at = Date.now();
    await this.#runtime.kill("SIGKILL");
    await this.#options.onKilled();
    const { token } = this.#runtime;
    const startedAt = Date.now();
    const env = { ...this.#options.env, PEACH_API_TOKEN: token };
    const { confPaths } = this.#options;
    // A poison item must not be deployed anew each time it kills: an attempt lost to a deploy is
    // nobody's fault.
    const deploys =
      this.kills.filter((kill) => kill.by === "plan").length + (by === "plan" ? 1 : 0);
    const confPath = confPaths[deploys % confPaths.length] ?? confPaths[0];
    this.#runtime = await startRuntime({ ...this.#options, confPath, env, port: this.#port });
    this.#readyAt = Date.now();
    this.kills.push({ at, readyAfterMs: this.#readyAt - startedAt, by });
    this.#isUp = true;
    this.#up.resolve();
  }

  async end(): Promise<void> {
    await this.#runtime.kill("SIGKILL");
  }
}
