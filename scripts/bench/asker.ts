/**
 * A client that times requests one at a time over kept connections, with little garbage, and tells
 * the client's stalls from the server's time. `fetch` makes more garbage and longer stalls.
 */
import { Agent, request as ask } from "node:http";
import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { CpuClock } from "./cpu-clock.ts";
import type { TimedRequest } from "./slow-requests.ts";

/** An answer with status 200. */
export interface Answer {
  readonly text: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The client. `close` ends the connections. */
export class Asker {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #clock = new CpuClock(["self"]);
  readonly #collections: PerformanceEntry[] = [];
  readonly #observer = new PerformanceObserver((list) => {
    this.#collections.push(...list.getEntries());
  });

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Asks once. Rejects unless the answer is 200. */
  ask(url: string, method = "GET", body = ""): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = ask(url, { agent: this.#agent, method }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (text += chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          if (answer.statusCode === 200) resolve({ text, headers: answer.headers });
          else reject(new Error(`${url} answered ${answer.statusCode}: ${text}`));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Times a request. `server` reads the processes of the server. */
  async time(
    url: string,
    server: CpuClock,
  ): Promise<Omit<TimedRequest, "nth"> & { readonly answer: Answer }> {
    const before = [this.#clock.read(), server.read()] as const;
    const atMs = performance.now();
    const answer = await this.ask(url);
    const ms = performance.now() - atMs;
    const after = [this.#clock.read(), server.read()] as const;
    return {
      answer,
      atMs,
      ms,
      clientMs: after[0].waitMs - before[0].waitMs,
      machineMs: after[1].waitMs - before[1].waitMs,
      computedMs: after[1].busyMs - before[1].busyMs,
    };
  }

  /** Adds the client's garbage collections to the requests during which they ran. */
  withCollections<R extends TimedRequest>(requests: readonly R[]): R[] {
    return requests.map((request) => {
      const collected = this.#collections
        .filter(
          ({ startTime }) => startTime >= request.atMs && startTime < request.atMs + request.ms,
        )
        .reduce((sum, { duration }) => sum + duration, 0);
      return { ...request, clientMs: request.clientMs + collected };
    });
  }

  close(): void {
    this.#observer.disconnect();
    this.#agent.destroy();
    this.#clock.close();
  }
}
