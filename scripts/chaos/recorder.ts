/**
 * The recorder: a server on loopback that survives the kills and writes down every report in order.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { REPORT, type Report } from "./history.ts";

const KEEP_ALIVE_MS = 3_600_000;
const DRAIN_LIMIT_MS = 60_000;

export class Recorder {
  /** Reports in the order of arrival. */
  readonly reports: Report[] = [];
  readonly #server: Server;
  readonly #file: WriteStream;
  readonly #onReport: (report: Report) => void;
  readonly #connections = new Set<Socket>();
  /** Reports in progress. */
  readonly #coming = new Set<Promise<void>>();

  private constructor(server: Server, file: WriteStream, onReport: (report: Report) => void) {
    this.#server = server;
    this.#file = file;
    this.#onReport = onReport;
  }

  /** `path`: a file that also takes the reports, as one JSON a line, for later inspection. */
  static async start(path: string, onReport: (report: Report) => void): Promise<Recorder> {
    const server = createServer();
    // Closing a connection just as a task reuses it would fail the task.
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    const recorder = new Recorder(server, createWriteStream(path), onReport);
    server.on("connection", (socket) => {
      recorder.#connections.add(socket);
      socket.once("close", () => recorder.#connections.delete(socket));
    });
    server.on("request", (request, response) => {
      const coming = recorder
        .#take(request)
        .then(
          () => void response.writeHead(204).end(),
          (error: unknown) => void response.writeHead(400).end(String(error)),
        )
        .finally(() => recorder.#coming.delete(coming));
      recorder.#coming.add(coming);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return recorder;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string")
      throw new Error("the recorder does not listen");
    return `http://127.0.0.1:${address.port}/`;
  }

  /**
   * Resolves when all reports of a dead sender are written down. The system closes the connections
   * of an ended process after its sent data, however long a busy machine takes to read. Rejects if
   * some stay open.
   */
  async drained(): Promise<void> {
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error("a dead runtime has connections to the recorder")),
      DRAIN_LIMIT_MS,
    );
    const closing = Array.from(
      this.#connections,
      (socket) => new Promise((closed) => socket.once("close", closed)),
    );
    await Promise.race([Promise.all(closing), overdue]).finally(() => clearTimeout(timer));
    await Promise.all(this.#coming);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await new Promise<void>((closed) => this.#file.end(closed));
  }

  async #take(request: IncomingMessage): Promise<void> {
    this.add(REPORT.parse(JSON.parse(await text(request))));
  }

  /** Writes down an action from outside for a task, as if the task had reported it. */
  add(report: Report): void {
    this.reports.push(report);
    this.#file.write(`${JSON.stringify({ at: Date.now(), ...report })}\n`);
    this.#onReport(report);
  }
}
