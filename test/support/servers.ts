/** Real servers of stores for a test, each on a free port with a folder of its own, until they are closed. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

/** Whether this machine has the program. */
export function hasProgram(name: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a server has no port");
  return address.port;
}

/** Whether something accepts connections at the port. */
async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.on("connect", () => resolve(true));
  socket.on("error", () => resolve(false));
  const open = await promise;
  socket.destroy();
  return open;
}

/** A server that can be killed, stopped for a while, and started again on what it had stored. */
export class StoreServer {
  readonly port: number;
  readonly #folder: string;
  readonly #command: readonly [string, ...string[]];
  #process: ChildProcess | null = null;

  private constructor(port: number, folder: string, command: readonly [string, ...string[]]) {
    this.port = port;
    this.#folder = folder;
    this.#command = command;
  }

  /** A Redis that has each write on disk before it answers. */
  static async redis(): Promise<StoreServer> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "peach-redis-"));
    const settings = { port, bind: "127.0.0.1", dir: folder, save: "", appendonly: "yes", appendfsync: "always" };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    return StoreServer.#started(new StoreServer(port, folder, ["redis-server", ...args]));
  }

  /** An InfluxDB 1, as Debian has it. */
  static async influx(): Promise<StoreServer> {
    const [port, rpc] = [await freePort(), await freePort()];
    const folder = mkdtempSync(join(tmpdir(), "peach-influx-"));
    const path = (name: string): string => JSON.stringify(join(folder, name));
    const config = [
      "reporting-disabled = true",
      `bind-address = "127.0.0.1:${rpc}"`,
      `[meta]\n  dir = ${path("meta")}`,
      `[data]\n  dir = ${path("data")}\n  wal-dir = ${path("wal")}`,
      `[http]\n  bind-address = "127.0.0.1:${port}"\n  log-enabled = false`,
      "[monitor]\n  store-enabled = false",
    ];
    writeFileSync(join(folder, "influxdb.conf"), config.join("\n"));
    return StoreServer.#started(new StoreServer(port, folder, ["influxd", "-config", join(folder, "influxdb.conf")]));
  }

  static async #started(server: StoreServer): Promise<StoreServer> {
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const [program, ...args] = this.#command;
    this.#process = spawn(program, args, { stdio: "ignore" });
    await vi.waitFor(
      async () => {
        if (!(await isOpen(this.port))) throw new Error(`${program} does not listen`);
      },
      { timeout: 30_000, interval: 50 },
    );
  }

  /** Kills it, as a power cut would. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    this.#process = null;
    const ended = once(process, "exit");
    process.kill("SIGKILL");
    await ended;
  }

  /** Lets it stand still while `work` runs: it keeps its connections and answers nothing. */
  async stopped<T>(work: () => Promise<T>): Promise<T> {
    this.#process?.kill("SIGSTOP");
    try {
      return await work();
    } finally {
      this.#process?.kill("SIGCONT");
    }
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
