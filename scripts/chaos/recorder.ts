/** The recorder outside: a server on loopback that survives the kills and writes down what every attempt tells it, in order. */
import { createWriteStream, type WriteStream } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { REPORT, type Report } from "./history.ts";

const KEEP_ALIVE_MS = 3_600_000;

export class Recorder {
  /** In the order in which they came. */
  readonly reports: Report[] = [];
  readonly #server: Server;
  readonly #file: WriteStream;
  readonly #onReport: (report: Report) => void;

  private constructor(server: Server, file: WriteStream, onReport: (report: Report) => void) {
    this.#server = server;
    this.#file = file;
    this.#onReport = onReport;
  }

  /** `path`: a file that takes the reports too, one JSON a line, to look into afterwards. */
  static async start(path: string, onReport: (report: Report) => void): Promise<Recorder> {
    const server = createServer();
    // A connection that is closed just when a task takes it up again is that task's failure.
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    const recorder = new Recorder(server, createWriteStream(path), onReport);
    server.on("request", (request, response) => {
      recorder.#take(request).then(
        () => response.writeHead(204).end(),
        (error: unknown) => response.writeHead(400).end(String(error)),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return recorder;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the recorder does not listen");
    return `http://127.0.0.1:${address.port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await new Promise<void>((closed) => this.#file.end(closed));
  }

  async #take(request: IncomingMessage): Promise<void> {
    this.add(REPORT.parse(JSON.parse(await text(request))));
  }

  /** Writes down what was done for a task from outside, as if the task had told it. */
  add(report: Report): void {
    this.reports.push(report);
    this.#file.write(`${JSON.stringify({ at: Date.now(), ...report })}\n`);
    this.#onReport(report);
  }
}
