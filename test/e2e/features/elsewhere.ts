/** A server that is none of Cloudflare's: the store with an S3 API, and what else lies at an address. It keeps what it was asked. */
import { createServer, type Server } from "node:http";

export interface Asked {
  readonly path: string;
  readonly authorization: string;
}

export class Elsewhere {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  readonly #pages = new Map<string, { readonly body: string; readonly type: string }>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      const path = decodeURIComponent(request.url ?? "");
      this.asked.push({ path, authorization: request.headers.authorization ?? "" });
      const page = this.#pages.get(path);
      if (page === undefined) response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
      else response.writeHead(200, { "Content-Type": page.type, ETag: '"e1"' }).end(page.body);
    });
  }

  static async start(): Promise<Elsewhere> {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return new Elsewhere(server);
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the server does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Puts a page there: its address. */
  put(path: string, body: string, type: string): string {
    this.#pages.set(path, { body, type });
    return this.url + path;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}
