/**
 * Listeners over WebSockets, which the platform holds while the object sleeps: a page that is open on a run that waits costs a short
 * look with each `ping`. They are found again when the object wakes, before anything is told. What they have heard, they
 * say themselves when they come back after a break; kept with each is only by what its listener was let in.
 *
 * Whether they still are is asked before anything is told, and with each `ping`, which is answered with `pong`. Who is not let in any more
 * (a token that was deleted or has expired, a session that is over) is told nothing, and is closed instead. What is known of tokens
 * and sessions is at most five seconds old. What happens waits for that, in order, and costs the run nothing.
 *
 * Messages are JSON arrays of `{id, event, data}`, the events of `event-stream.ts`.
 */
import type { Credential } from "../../domain/identity.ts";
import { standingOf, type Standing } from "../identity/standing-client.ts";
import type { Audience, AudienceMember, Batch } from "./subscribers.ts";
import type { Beginning } from "./sse-subscribers.ts";

/** What a WebSocket's close says: the run has ended, or the listener did not take what it was sent. */
const NORMAL = 1_000;

/** Nobody knows how much of what was sent a listener has taken, so more than this is not sent at once. Characters. */
const MOST_AT_ONCE = 1_000_000;

/** What it says to who hears no more: the codes are those that the IANA lists for 401, and for "try again later". */
const CLOSES = {
  ended: { code: 3_000, reason: "the token or session has ended" },
  long: { code: 1_013, reason: "there is more: come again with the last id" },
  unknown: { code: 1_013, reason: "it cannot be found out now who listens" },
} as const;

export class SocketAudience {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #audience: Audience;
  readonly #members = new Map<WebSocket, SocketListener>();

  /** With the listeners that have slept through it. */
  constructor(ctx: DurableObjectState, env: Env, audience: Audience) {
    this.#ctx = ctx;
    this.#env = env;
    this.#audience = audience;
    for (const socket of ctx.getWebSockets()) this.#join(socket, this.#listenerOn(socket));
  }

  /**
   * The answer to an upgrade; `first` is sent at once, then what `replay` has, then what is new. It closes behind the end of the run, and
   * where `replay` is long: who comes again goes on behind it.
   * `credential`: by what the listener was let in just now, as JSON; null: the worker is older than this and does not say.
   */
  open({ first, replay }: Beginning, credential: string | null): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    server.serializeAttachment(credential);
    const listener = this.#listenerOn(server);
    this.#begin(listener, first, replay);
    if (!listener.isClosing) this.#join(server, listener);
    return new Response(null, { status: 101, webSocket: client });
  }

  #begin(listener: SocketListener, first: Batch, replay: Beginning["replay"]): void {
    let length = 0;
    for (let batch: Batch | null = first; batch !== null; batch = replay?.next() ?? null) {
      if (length > MOST_AT_ONCE) return listener.dismiss("long");
      listener.begin(batch);
      length += batch.message.length;
      if (batch.hasEnd) return listener.close();
    }
  }

  /** The listener wants to know whether it is still heard. */
  pinged(socket: WebSocket): void {
    this.#members.get(socket)?.pong();
  }

  /** The listener has gone. */
  closed(socket: WebSocket): void {
    this.#leave(socket);
    socket.close(NORMAL);
  }

  #listenerOn(socket: WebSocket): SocketListener {
    const written: string | null = socket.deserializeAttachment();
    const credential: Credential | null = written === null ? null : JSON.parse(written);
    return new SocketListener(socket, {
      standing: async () => (credential === null ? "unknown" : standingOf(this.#env, credential)),
      isOver: () => this.#leave(socket),
    });
  }

  #join(socket: WebSocket, listener: SocketListener): void {
    this.#members.set(socket, listener);
    this.#audience.join(listener);
  }

  #leave(socket: WebSocket): void {
    const listener = this.#members.get(socket);
    if (listener !== undefined) this.#audience.leave(listener);
    this.#members.delete(socket);
  }
}

interface AroundListener {
  /** Whether it is still let in. Never rejects. */
  readonly standing: () => Promise<Standing>;
  /** Nothing is to be told to it any more. */
  readonly isOver: () => void;
}

class SocketListener implements AudienceMember {
  readonly isPinged = false;
  readonly #socket: WebSocket;
  readonly #around: AroundListener;
  /** Whether nothing more is said on it. */
  isClosing = false;
  /** Ends when everything before has been sent: what is told keeps its order. */
  #sent = Promise.resolve();

  constructor(socket: WebSocket, around: AroundListener) {
    this.#socket = socket;
    this.#around = around;
  }

  /** What it is told as it comes: it was let in just now. */
  begin(batch: Batch): void {
    if (batch.events.length > 0) this.#send(batch.message);
  }

  hear({ events, message }: Batch): boolean {
    if (events.length > 0) this.#tell(message);
    return true;
  }

  ping(): boolean {
    return true;
  }

  pong(): void {
    this.#tell("pong");
  }

  close(): void {
    this.isClosing = true;
    this.#next(() => this.#close(NORMAL));
  }

  #tell(message: string): void {
    this.#next(async () => {
      const standing = await this.#around.standing();
      if (standing === "let_in") return this.#send(message);
      this.#around.isOver();
      this.dismiss(standing);
    });
  }

  /** Closes it at once, and says why. */
  dismiss(why: keyof typeof CLOSES): void {
    const { code, reason } = CLOSES[why];
    this.isClosing = true;
    this.#close(code, reason);
  }

  #next(work: () => void | Promise<void>): void {
    this.#sent = this.#sent.then(work);
  }

  #send(message: string): void {
    try {
      this.#socket.send(message);
    } catch {
      // It has gone, and nobody has said so yet.
      this.#around.isOver();
    }
  }

  #close(code: number, reason?: string): void {
    try {
      this.#socket.close(code, reason);
    } catch {
      // It was closed already.
    }
  }
}
