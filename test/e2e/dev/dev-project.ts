/** A small project in a folder of its own, and the commands `npm run dev` that a test starts on it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import { Command } from "../command.ts";
import { Peach } from "../peach.ts";

export const TOKEN = "token-of-the-end-to-end-tests";
export const WAIT = { timeout: 30_000, interval: 50 };
/** As long as the command itself waits for its runtime. */
export const START = { timeout: 60_000, interval: 50 };
export const CONF = "tasks:\n  greet: {method: greet}\nendpoints:\n  hello: {method: hello}\n";
export const PIPELINE = 'export const greet = async () => "hi";\nexport const hello = async () => ({ version: 1 });\n';
const claim = z.object({ group: z.number() });

export interface Started {
  readonly command: Command;
  readonly peach: Peach;
  /** The process group of the runtime. */
  readonly group: number;
}

export class DevProject {
  readonly folder = mkdtempSync(join(tmpdir(), "peach-dev-test-"));
  readonly #commands: Command[] = [];

  constructor() {
    mkdirSync(join(this.folder, "pipelines"));
    this.write("peach.conf", CONF);
    this.write("pipelines/greeting.ts", PIPELINE);
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  /** The variables by which a command of the clone takes this project. */
  get env(): Record<string, string> {
    return {
      PEACH_CONF: join(this.folder, "peach.conf"),
      PEACH_PIPELINES: join(this.folder, "pipelines"),
      PEACH_API_TOKEN: TOKEN,
    };
  }

  get stateFolder(): string {
    return join(this.folder, "state");
  }

  dev(...args: string[]): Command {
    return this.devWith({}, args);
  }

  /** Starts it with these variables in place of the project's own, in this folder in place of the clone's. */
  devWith(env: Readonly<Record<string, string>>, args: readonly string[], cwd?: string): Command {
    const all = ["--persist-to", this.stateFolder, ...args];
    const command = new Command("bin/dev", all, { ...this.env, ...env }, cwd);
    this.#commands.push(command);
    return command;
  }

  /** Starts it on this port (0: a free one) and waits until it says that it is ready. */
  ready(port: string): Promise<Started> {
    return this.#ready(this.dev("--port", port));
  }

  /** The same on a free port, with these variables, in this folder. */
  readyWith(env: Readonly<Record<string, string>>, cwd?: string): Promise<Started> {
    return this.#ready(this.devWith(env, ["--port", "0"], cwd));
  }

  async #ready(command: Command): Promise<Started> {
    await expect.poll(() => command.stdout + command.stderr, START).toContain("(logs one browser in, once)");
    const { group } = claim.parse(JSON.parse(readFileSync(join(this.stateFolder, "runtime/claim.json"), "utf8")));
    return { command, peach: peachOf(command.stdout), group };
  }

  async close(): Promise<void> {
    for (const command of this.#commands) command.kill("SIGKILL");
    await Promise.all(this.#commands.map((command) => command.exit()));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The API at the address in the output of the command. */
export function peachOf(output: string): Peach {
  const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
  return new Peach({ url, token: TOKEN });
}

/** What the endpoint `hello` answers, which tells the version of the pipeline. */
export async function hello(peach: Peach): Promise<unknown> {
  return (await peach.call("/hello")).json();
}
