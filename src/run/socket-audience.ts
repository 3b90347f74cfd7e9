/**
 * Listeners over WebSockets, which the platform holds while the object sleeps: a page that is open on a run that waits costs nothing.
 * They are found again when the object wakes, before anything is told. Nothing is kept for them here: what they have heard, they
 * say themselves when they come back after a break.
 *
 * Messages are JSON arrays of `{id, event, data}`, the events of `event-stream.ts`. `ping` is answered with `pong` by the platform,
 * without waking anybody.
 */
import type { Audience, AudienceMember, Batch } from "./audience.ts";
import type { Beginning } from "./event-stream.ts";

/** What a WebSocket's close says: the run has ended, or the listener did not take what it was sent. */
const NORMAL = 1_000;

export class SocketAudience {
  readonly #ctx: DurableObjectState;
  readonly #audience: Audience;
  readonly #members = new Map<WebSocket, SocketListener>();

  /** With the listeners that have slept through it. */
  constructor(ctx: DurableObjectState, audience: Audience) {
    this.#ctx = ctx;
    this.#audience = audience;
    for (const socket of ctx.getWebSockets()) this.#join(socket);
  }

  /** The answer to an upgrade; `first` is sent at once, then what `replay` has, then what is new. It closes behind the end of the run. */
  open({ first, replay }: Beginning): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#ctx.acceptWebSocket(server);
    const listener = new SocketListener(server);
    let last = first;
    for (let batch: Batch | null = first; batch !== null; batch = last.hasEnd ? null : (replay?.next() ?? null)) {
      listener.hear(batch);
      last = batch;
    }
    if (last.hasEnd) listener.close();
    else this.#join(server, listener);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The listener has gone. */
  closed(socket: WebSocket): void {
    const listener = this.#members.get(socket);
    if (listener !== undefined) this.#audience.leave(listener);
    this.#members.delete(socket);
    socket.close(NORMAL);
  }

  #join(socket: WebSocket, listener = new SocketListener(socket)): void {
    this.#members.set(socket, listener);
    this.#audience.join(listener);
  }
}

class SocketListener implements AudienceMember {
  readonly isPinged = false;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  hear({ events, message }: Batch): boolean {
    if (events.length === 0) return true;
    try {
      this.#socket.send(message);
      return true;
    } catch {
      // It has gone, and nobody has said so yet.
      return false;
    }
  }

  ping(): boolean {
    return true;
  }

  close(): void {
    try {
      this.#socket.close(NORMAL);
    } catch {
      // It was closed already.
    }
  }
}
