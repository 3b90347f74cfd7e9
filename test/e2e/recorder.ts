/**
 * What tasks do, seen from outside: a server on loopback that keeps every report of a task with the time at which it came. It
 * outlives the runtimes under test, so that what happened before a kill and after it can be told apart.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { expect, vi } from "vitest";
import { z } from "zod";

const REACHED = { timeout: 20_000, interval: 20 };

const report = z.object({
  run: z.string(),
  task: z.string(),
  attempt: z.number(),
  event: z.string(),
  data: z.unknown(),
});

/** What a task reported. `at` is epoch milliseconds by this process' clock. */
export interface Report extends z.infer<typeof report> {
  readonly at: number;
  /** The header `traceparent` that the report came with. */
  readonly traceparent: string | null;
}

export class Recorder {
  readonly #server: Server;
  readonly #reports: Report[] = [];
  readonly #held = new Map<string, ServerResponse[]>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(400).end(String(error)));
    });
  }

  static async start(): Promise<Recorder> {
    const server = createServer();
    const recorder = new Recorder(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return recorder;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the recorder does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  /** All reports of an event, in the order in which they came. */
  reports(event: string): readonly Report[] {
    return this.#reports.filter((entry) => entry.event === event);
  }

  /** The reports of an event that one run made (and one task of it). */
  of(run: string, event: string, task?: string): readonly Report[] {
    return this.reports(event).filter((entry) => entry.run === run && (task === undefined || entry.task === task));
  }

  /** How many calls wait at this gate; those of a runtime that was killed do not. */
  waitingAt(gate: string): number {
    return this.#held.get(gate)?.length ?? 0;
  }

  /** Lets everybody through who waits at this gate. */
  open(gate: string): void {
    for (const response of this.#held.get(gate)?.splice(0) ?? []) response.end();
  }

  /** As soon as somebody waits at this gate: a task that has reported may still be on its way there. */
  async openOnceReached(gate: string): Promise<void> {
    await vi.waitFor(() => expect(this.waitingAt(gate), `at the gate ${gate}`).toBeGreaterThan(0), REACHED);
    this.open(gate);
  }

  /**
   * Resolves once all has been read that had come before the call. While this process is busy, a report waits in its socket, and
   * would get a time after that of its sender's death.
   */
  async drained(): Promise<void> {
    await fetch(`${this.url}/drained`, { method: "POST" });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://recorder");
    const [, call, name = ""] = pathname.split("/");
    if (call === "gates") {
      // Headers at once: a worker may have only six calls that wait for theirs.
      response.writeHead(200).flushHeaders();
      const held = this.#held.get(name) ?? [];
      this.#held.set(name, held);
      held.push(response);
      response.once("close", () => {
        if (held.includes(response)) held.splice(held.indexOf(response), 1);
      });
    } else if (call === "drained") {
      response.writeHead(204).end();
    } else if (call === "hang-up") {
      request.socket.destroy();
    } else {
      const at = Date.now();
      const header = request.headers["traceparent"];
      const traceparent = typeof header === "string" ? header : null;
      this.#reports.push({ ...report.parse(JSON.parse(await text(request))), at, traceparent });
      response.writeHead(204).end();
    }
  }
}
