/**
 * What happens to a run: over a WebSocket that the run's object need not stay awake for, and where none can be had (something in
 * between does not let it through) as server-sent events. After a break it goes on behind the last event that came.
 */
import { signal } from "@preact/signals";
import type { LogEvent, ProgressEvent, RunChange, RunDocument } from "../documents.ts";
import { type Connection, openStream, type Stream } from "./stream.ts";

export type RunEvent =
  | { readonly event: "run"; readonly data: RunDocument }
  | { readonly event: "change"; readonly data: RunChange }
  | { readonly event: "progress"; readonly data: ProgressEvent }
  | { readonly event: "log"; readonly data: LogEvent }
  | { readonly event: "end" };

export interface RunStreamOptions {
  readonly onEvent: (event: RunEvent) => void;
  /** Called before each new try after the worker has refused. */
  readonly onBroken: () => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** Without an answer the connection is dead. Whoever is logged out is closed instead of being answered. */
const PING_MS = 30_000;

/** Once a WebSocket could not be opened, this page tries no other. */
let areSocketsBlocked = false;

/** Opens the stream of this run. */
export function openRunStream(runId: string, options: RunStreamOptions): Stream {
  const path = `/runs/${encodeURIComponent(runId)}/events`;
  if (areSocketsBlocked) return openEventStream(path, options);
  const connection = signal<Connection>("connecting");
  const line = new SocketLine(path, options, connection);
  return { connection, close: () => line.close() };
}

function openEventStream(path: string, { onEvent, onBroken }: RunStreamOptions): Stream {
  return openStream(path, {
    end: "end",
    onBroken,
    on: {
      run: (text) => onEvent({ event: "run", data: JSON.parse(text) }),
      change: (text) => onEvent({ event: "change", data: JSON.parse(text) }),
      progress: (text) => onEvent({ event: "progress", data: JSON.parse(text) }),
      log: (text) => onEvent({ event: "log", data: JSON.parse(text) }),
    },
  });
}

/** A WebSocket, and the next one when it breaks. */
class SocketLine {
  readonly #path: string;
  readonly #options: RunStreamOptions;
  readonly #connection: { value: Connection };
  #socket: WebSocket | null = null;
  #fallback: Stream | null = null;
  #lastId: number | null = null;
  #waitMs = FIRST_WAIT_MS;
  #timer: number | undefined;
  #pinging: number | undefined;
  #isAnswered = true;
  #hasOpened = false;

  constructor(path: string, options: RunStreamOptions, connection: { value: Connection }) {
    this.#path = path;
    this.#options = options;
    this.#connection = connection;
    this.#connect();
  }

  close(): void {
    this.#connection.value = "ended";
    window.clearTimeout(this.#timer);
    window.clearInterval(this.#pinging);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#fallback?.close();
  }

  #connect(): void {
    const url = new URL(`/api/v1${this.#path}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (this.#lastId !== null) url.searchParams.set("after", String(this.#lastId));
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened(socket));
    socket.addEventListener("message", ({ data }) => this.#heard(String(data)));
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#broken();
    });
  }

  #opened(socket: WebSocket): void {
    this.#hasOpened = true;
    this.#waitMs = FIRST_WAIT_MS;
    this.#connection.value = "live";
    this.#isAnswered = true;
    window.clearInterval(this.#pinging);
    this.#pinging = window.setInterval(() => {
      if (!this.#isAnswered) return socket.close();
      this.#isAnswered = false;
      socket.send("ping");
    }, PING_MS);
  }

  #heard(text: string): void {
    this.#isAnswered = true;
    if (text === "pong") return;
    const events: readonly (RunEvent & { readonly id: number | null })[] = JSON.parse(text);
    for (const event of events) {
      this.#lastId = event.id ?? this.#lastId;
      if (event.event === "end") this.close();
      else this.#options.onEvent(event);
    }
  }

  #broken(): void {
    window.clearInterval(this.#pinging);
    if (this.#hasOpened) {
      this.#connection.value = "reconnecting";
      this.#options.onBroken();
      this.#timer = window.setTimeout(() => this.#connect(), this.#waitMs);
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
      return;
    }
    areSocketsBlocked = true;
    this.#fallback = openEventStream(this.#path, this.#options);
    this.#fallback.connection.subscribe((value) => (this.#connection.value = value));
  }
}
