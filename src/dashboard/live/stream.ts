/**
 * A stream of server-sent events that stays open. The browser reconnects and sends the id of the
 * last event: no event is missed.
 *
 * The browser gives up when the worker answers with an error, or with 204 (nothing follows).
 * `onBroken` then reads the current state, and unless it closes the stream, a new one is opened.
 */
import { type Signal, signal } from "@preact/signals";

/** The state of a connection. `live`: the page is up to date. `ended`: nothing more will come. */
export type Connection = "connecting" | "live" | "reconnecting" | "ended";

/** An open stream. */
export interface Stream {
  readonly connection: Signal<Connection>;
  close(): void;
}

/** Callbacks of a stream of server-sent events. */
export interface StreamOptions {
  /** Handlers by event name; each receives the data of the event. */
  readonly on: Readonly<Record<string, (data: string) => void>>;
  /** The name of the event that ends the stream. */
  readonly end?: string;
  /**
   * Called when a connection is open that does not continue the last one: the shown data may be
   * old.
   */
  readonly onFresh?: () => void;
  /**
   * Called before each new attempt after a refusal. Until a connection is open, data has to be read
   * by other calls.
   */
  readonly onBroken?: () => void;
}

/** The first delay before a new attempt. It doubles up to the longest one. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Opens the stream at this path below /api/v1. */
export function openStream(path: string, { on, end, onFresh, onBroken }: StreamOptions): Stream {
  const connection = signal<Connection>("connecting");
  let source: EventSource | null = null;
  let waitMs = FIRST_WAIT_MS;
  let timer: number | undefined;

  const close = (): void => {
    connection.value = "ended";
    window.clearTimeout(timer);
    source?.close();
    source = null;
  };
  const connect = (): void => {
    const opened = new EventSource(`/api/v1${path}`);
    source = opened;
    // The browser's own reconnections continue after the last event, so only the first is fresh.
    let isFirst = true;
    opened.addEventListener("open", () => {
      waitMs = FIRST_WAIT_MS;
      connection.value = "live";
      if (isFirst) onFresh?.();
      isFirst = false;
    });
    opened.addEventListener("error", () => {
      if (connection.value === "ended") return;
      connection.value = "reconnecting";
      // The browser still tries by itself.
      if (opened.readyState !== EventSource.CLOSED) return;
      onBroken?.();
      timer = window.setTimeout(connect, waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    });
    for (const [name, handle] of Object.entries(on))
      opened.addEventListener(name, (event) => handle(String(event.data)));
    if (end !== undefined) opened.addEventListener(end, close);
  };
  connect();
  return { connection, close };
}
