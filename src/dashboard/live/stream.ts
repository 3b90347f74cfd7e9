/**
 * A stream of server-sent events that stays open: the browser connects again by itself and says what it had last, so that nothing
 * is missed. Where it gives up (the worker answered with an error, or with 204: nothing follows), `onBroken` finds out how things
 * stand, and unless it closes the stream, we begin anew.
 */
import { type Signal, signal } from "@preact/signals";

/** `live`: what is shown is what is. `ended`: nothing more will come. */
export type Connection = "connecting" | "live" | "reconnecting" | "ended";

export interface Stream {
  readonly connection: Signal<Connection>;
  close(): void;
}

export interface StreamOptions {
  /** Called with the data of each event of these names. */
  readonly on: Readonly<Record<string, (data: string) => void>>;
  /** The event after which the stream is over. */
  readonly end?: string;
  /** Called when a connection stands that does not follow on the last one: what was shown may be old. */
  readonly onFresh?: () => void;
  /** Called before each new try after the worker has refused: until one stands, what is shown has to be read otherwise. */
  readonly onBroken?: () => void;
}

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
