/** A server of HTTP for a test: it notes what it is asked, and answers what the test says. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Answered {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Begins the answer and never ends it. */
  readonly hangs?: boolean;
}

export class FakeHttp {
  readonly url: string;
  readonly asked: Asked[] = [];
  answer: (asked: Asked) => Answered = () => ({});
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async open(): Promise<FakeHttp> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => void chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const asked = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
        fake.asked.push(asked);
        const { status = 200, headers: given = {}, body = "", hangs = false } = fake.answer(asked);
        response.writeHead(status, given);
        if (hangs) response.write(" ");
        else response.end(body);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a server has no port");
    const fake = new FakeHttp(server, address.port);
    return fake;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
