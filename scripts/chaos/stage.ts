/** The runtime under fire: one state folder and one port, killed and started again as often as told. */
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";

export interface Kill {
  /** Epoch milliseconds. */
  readonly at: number;
  /** From the start of the next runtime until it answered. */
  readonly readyAfterMs: number;
  /** By the plan of the seed, or by a poison item that ran. */
  readonly by: "plan" | "poison";
}

export interface StageOptions {
  /** Versions of peach.conf: each start after a kill of the plan takes the next one, so that it is a deploy as well. */
  readonly confPaths: readonly [string, ...string[]];
  readonly pipelinesDir: string;
  readonly persistTo: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
  /** It was killed, and is started again when this has resolved. */
  readonly onKilled: () => Promise<void>;
}

export class Stage {
  readonly kills: Kill[] = [];
  readonly #options: StageOptions;
  readonly #port: number;
  #runtime: LocalRuntime;
  /** Resolves while the runtime is up. */
  #up = Promise.withResolvers<void>();
  #isUp = true;
  /** What is under way of it, once it is being killed. */
  #restart: Promise<void> | null = null;
  #readyAt = Date.now();

  private constructor(options: StageOptions, runtime: LocalRuntime) {
    this.#options = options;
    this.#runtime = runtime;
    this.#port = Number(new URL(runtime.url).port);
    this.#up.resolve();
  }

  /** Resolves when it is up. */
  static async start(options: StageOptions): Promise<Stage> {
    return new Stage(options, await startRuntime({ ...options, confPath: options.confPaths[0] }));
  }

  get url(): string {
    return this.#runtime.url;
  }

  get token(): string {
    return this.#runtime.token;
  }

  /** How long its runs are kept. */
  get retentionMs(): number {
    return this.#runtime.project.plan.retentionMs;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** When it came up last. Epoch milliseconds. */
  get readyAt(): number {
    return this.#readyAt;
  }

  untilUp(): Promise<void> {
    return this.#up.promise;
  }

  /**
   * Kills every process of it at once and starts it again on the same state and port, with the next version of peach.conf. Resolves
   * when it is up. While that is under way another call waits for it, and kills nothing.
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
    // A poison is not deployed anew each time that it kills: what is lost to a deploy counts against nobody.
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
