/** An npm command of the project, run as its own process. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export class Command {
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | NodeJS.Signals | null>;

  /** Runs the command `name` (its file under src/cli, without `.ts`), in the clone or in this folder. */
  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>, cwd = ROOT) {
    this.#child = spawn(process.execPath, [join(ROOT, "src/cli", `${name}.ts`), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#exit = new Promise((resolve) => this.#child.on("close", (code, signal) => resolve(code ?? signal)));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the command could not be started");
    return this.#child.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit code, or the signal that ended it. */
  exit(): Promise<number | NodeJS.Signals | null> {
    return this.#exit;
  }
}
