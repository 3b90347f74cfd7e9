/** The bench's listener on loopback: the last task of each run reports here, in every system. */
import { createServer, type Server } from "node:http";
import * as z from "zod";

const RUN_LIMIT_MS = 180_000;

const REPORT = z.object({ id: z.string(), stamps: z.array(z.number()) });

export class Recorder {
  readonly #server: Server;
  readonly #waiting = new Map<string, PromiseWithResolvers<readonly number[]>>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Recorder> {
    // Closing a connection with a report under way would lose the report, and the bound does not
    // retry.
    const server = createServer({ keepAliveTimeout: 2 * RUN_LIMIT_MS, requestTimeout: 0 });
    const recorder = new Recorder(server);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.writeHead(204).end();
        recorder.#take(Buffer.concat(chunks).toString());
      });
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
   * Resolves to the stamps of the run after its last task has reported; rejects after three
   * minutes. Call before triggering the run.
   */
  async stampsOf(id: string): Promise<readonly number[]> {
    const report = Promise.withResolvers<readonly number[]>();
    this.#waiting.set(id, report);
    const timer = setTimeout(() => {
      report.reject(
        new Error(`the run ${id} has not reported its end within ${RUN_LIMIT_MS / 1_000} s`),
      );
    }, RUN_LIMIT_MS);
    try {
      return await report.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /**
   * Resolves after the last task of the run has reported, without a time limit. Call before
   * triggering the run.
   */
  endOf(id: string): Promise<readonly number[]> {
    const report = Promise.withResolvers<readonly number[]>();
    this.#waiting.set(id, report);
    return report.promise.finally(() => this.#waiting.delete(id));
  }

  /** Forgets an id whose run was not started. */
  forget(id: string): void {
    this.#waiting.delete(id);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #take(text: string): void {
    const { id, stamps } = REPORT.parse(JSON.parse(text));
    this.#waiting.get(id)?.resolve(stamps);
  }
}
