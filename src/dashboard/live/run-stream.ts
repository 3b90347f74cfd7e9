/**
 * The events of a run: over a WebSocket, during which the run's object may hibernate, or over
 * server-sent events where a proxy blocks WebSockets. After a break the stream continues behind the
 * last event received.
 */
import { signal } from "@preact/signals";
import type { LogEvent, ProgressEvent, RunChange } from "../../contract/run-events.ts";
import type { RunDocument } from "../../contract/run.ts";
import { type Connection, openStream, type Stream } from "./stream.ts";

/**
 * An event of a run. `run` is the whole document, `change` a part of it, and `end` the last event.
 */
export type RunEvent =
  | { readonly event: "run"; readonly data: RunDocument }
  | { readonly event: "change"; readonly data: RunChange }
  | { readonly event: "progress"; readonly data: ProgressEvent }
  | { readonly event: "log"; readonly data: LogEvent }
  | { readonly event: "end" };

/** The callbacks of a stream. */
export interface RunStreamOptions {
  readonly onEvent: (event: RunEvent) => void;
  /** Called before each new attempt to connect, so that the page reads the run meanwhile. */
  readonly onBroken: () => void;
}

/** The first delay before a new attempt. It doubles up to the longest one. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/**
 * The interval of pings. A connection that has not answered by the next ping is dead. A user who
 * has logged out is disconnected and not answered.
 */
const PING_MS = 30_000;

/** True once a WebSocket could not be opened: this page then uses server-sent events only. */
let areSocketsBlocked = false;

/** Opens the stream of a run. */
export function openRunStream(runId: string, options: RunStreamOptions): Stream {
  const path = `/runs/${encodeURIComponent(runId)}/events`;
  if (areSocketsBlocked) return openEventStream(path, options);
  const connection = signal<Connection>("connecting");
  const line = new SocketLine(path, options, connection);
  return { connection, close: () => line.close() };
}

/** Opens the stream as server-sent events, which the browser reconnects itself. */
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

/** A WebSocket that is replaced by a new one when it breaks. */
class SocketLine {
  readonly #path: string;
  readonly #options: RunStreamOptions;
  readonly #connection: { value: Connection };
  #socket: WebSocket | null = null;
  /** Server-sent events, if the first WebSocket could not be opened. */
  #fallback: Stream | null = null;
  /** The id of the last event, sent as `after` on a reconnection. */
  #lastId: number | null = null;
  #waitMs = FIRST_WAIT_MS;
  #timer: number | undefined;
  #pinging: number | undefined;
  /** True if anything came since the last ping. */
  #isAnswered = true;
  /** True once a WebSocket was open. Before that, a failure means that WebSockets are blocked. */
  #hasOpened = false;

  constructor(path: string, options: RunStreamOptions, connection: { value: Connection }) {
    this.#path = path;
    this.#options = options;
    this.#connection = connection;
    this.#connect();
  }

  /**
   * Ends the stream. The field is cleared first, so that the close event starts no reconnection.
   */
  close(): void {
    this.#connection.value = "ended";
    window.clearTimeout(this.#timer);
    window.clearInterval(this.#pinging);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#fallback?.close();
  }

  /** Opens a WebSocket. Events of a replaced one are ignored. */
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

  /** Starts the pings and resets the delay. */
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

  /** Handles a message: a `pong`, or a JSON array of events. */
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

  /**
   * Schedules a reconnection, or falls back to server-sent events if no WebSocket was ever open.
   */
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
