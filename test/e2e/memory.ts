/**
 * What the worker of a runtime that Miniflare serves holds in memory: what is alive in its isolate, which workerd's inspector tells, and what the whole
 * process has resident, which Linux tells. The process holds more than the worker: the local runtime's own R2 lives in it, and
 * its allocator keeps what was freed. (One put of 64 MiB by a worker that does nothing else makes it grow by 105 MB.)
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { vi } from "vitest";
import { z } from "zod";
import { ResidentMemory, workerdsOf } from "../../scripts/resident-memory.ts";
import type { LocalRuntime } from "../../src/local/runtime.ts";

const LISTENS = "0A";
/** What an inspector offers. Miniflare names the worker among what it serves around it. */
const targets = z.array(z.object({ id: z.string(), webSocketDebuggerUrl: z.string() }));
const WORKER = "core:user:";
const answer = z.object({ id: z.number().optional(), result: z.record(z.string(), z.unknown()).optional() });
const heapUsage = z.object({ usedSize: z.number(), backingStorageSize: z.number() });

export class WorkerMemory {
  readonly #url: string;
  readonly resident: ResidentMemory;
  readonly #inspector: WebSocket;
  #lastId = 0;

  private constructor(url: string, resident: ResidentMemory, inspector: WebSocket) {
    this.#url = url;
    this.resident = resident;
    this.#inspector = inspector;
  }

  static async open({ url, pids }: Pick<LocalRuntime, "url" | "pids">): Promise<WorkerMemory> {
    const workerds = workerdsOf(pids);
    const addresses = await Promise.all(workerds.flatMap(listeningPorts).map(inspectorAt));
    const address = addresses.find((found) => found !== null);
    if (address === undefined) throw new Error("no process of the runtime has an inspector for the worker");
    // As developer tools of this machine say where they come from; others are refused.
    const inspector = new WebSocket(address, { headers: { Origin: "http://localhost" } });
    await new Promise((opened) => inspector.addEventListener("open", opened, { once: true }));
    return new WorkerMemory(url, new ResidentMemory(workerds), inspector);
  }

  /** Bytes that are alive in the isolate: after a garbage collection, on its heap and in its buffers. */
  async live(): Promise<number> {
    await this.#call("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize } = heapUsage.parse(await this.#call("Runtime.getHeapUsage"));
    return usedSize + backingStorageSize;
  }

  close(): void {
    this.#inspector.close();
  }

  async #call(method: string): Promise<unknown> {
    const id = (this.#lastId += 1);
    let answered: z.infer<typeof answer> | null = null;
    const listen = ({ data }: MessageEvent): void => {
      const message = answer.parse(JSON.parse(String(data)));
      if (message.id === id) answered = message;
    };
    this.#inspector.addEventListener("message", listen);
    this.#inspector.send(JSON.stringify({ id, method }));
    const { result } = await vi.waitFor(
      async () => {
        // An isolate that is idle does not look for messages.
        await (await fetch(`${this.#url}/healthz`)).body?.cancel();
        if (answered === null) throw new Error(`the inspector has not answered ${method}`);
        return answered;
      },
      { timeout: 20_000, interval: 5 },
    );
    this.#inspector.removeEventListener("message", listen);
    return result;
  }
}

/** TCP ports on which this process listens. */
function listeningPorts(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1]),
  );
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTENS && sockets.has(inode))
    .map(([, local]) => Number.parseInt(local?.split(":")[1] ?? "", 16));
}

/** Empty if the descriptor was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Where the inspector at this port offers the worker; null if there is none. */
async function inspectorAt(port: number): Promise<string | null> {
  try {
    const listed = await fetch(`http://127.0.0.1:${port}/json`, { signal: AbortSignal.timeout(2_000) });
    const offered = targets.parse(await listed.json());
    return offered.find(({ id }) => id.startsWith(WORKER))?.webSocketDebuggerUrl ?? null;
  } catch {
    return null;
  }
}
