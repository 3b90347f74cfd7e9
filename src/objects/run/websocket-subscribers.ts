/**
 * Subscribers over WebSockets, which the platform holds while the object sleeps: an open page on a
 * waiting run costs a short wake-up for each `ping`. A waking object restores the subscribers
 * before any event is sent. A subscriber that reconnects names its own position. Only the
 * credential is stored with a socket.
 *
 * The credential is checked before each event, and at each `ping`, which is answered with `pong`. A
 * subscriber whose credential has ended (a deleted or expired token, a closed session) gets no
 * event, and is closed instead. Knowledge of tokens and sessions is at most five seconds old.
 * Events wait for the check, in order, and the run does not.
 *
 * Messages are JSON arrays of `{id, event, data}`, the events of `sse-subscribers.ts`.
 */
import type { Credential } from "../../domain/identity.ts";
import { standingOf, type Standing } from "../identity/standing-client.ts";
import type { SubscriberHub, Subscriber, Batch } from "./subscribers.ts";
import type { InitialEvents } from "./sse-subscribers.ts";

/** Close code for an ended run, or a subscriber that did not read fast enough. */
const NORMAL = 1_000;

/** Limit of characters sent at once: how much of the sent data a subscriber has read is unknown. */
const MAX_AT_ONCE = 1_000_000;

/** Close codes and reasons: the codes that the IANA lists for 401, and for "try again later". */
const CLOSES = {
  ended: { code: 3_000, reason: "the token or session has ended" },
  long: { code: 1_013, reason: "there is more: come again with the last id" },
  unknown: { code: 1_013, reason: "it cannot be found out now who listens" },
} as const;

export class WebSocketSubscribers {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #hub: SubscriberHub;
  readonly #members = new Map<WebSocket, WebSocketSubscriber>();

  /** Restores the subscribers from before the object slept. */
  constructor(ctx: DurableObjectState, env: Env, hub: SubscriberHub) {
    this.#ctx = ctx;
    this.#env = env;
    this.#hub = hub;
    for (const socket of ctx.getWebSockets()) this.#join(socket, this.#subscriberOn(socket));
  }

  /**
   * Answers an upgrade. Sends `first` at once, then the events of `backfill`, then live events.
   * Closes after the end of the run, and after a long `backfill`: the subscriber reconnects and
   * continues. `credential`: the credential that was just checked, as JSON; null: the worker is
   * older and does not send credentials.
   */
  open({ first, backfill }: InitialEvents, credential: string | null): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    server.serializeAttachment(credential);
    const subscriber = this.#subscriberOn(server);
    this.#begin(subscriber, first, backfill);
    if (!subscriber.isClosing) this.#join(server, subscriber);
    return new Response(null, { status: 101, webSocket: client });
  }

  #begin(subscriber: WebSocketSubscriber, first: Batch, backfill: InitialEvents["backfill"]): void {
    let length = 0;
    for (let batch: Batch | null = first; batch !== null; batch = backfill?.next() ?? null) {
      if (length > MAX_AT_ONCE) return subscriber.dismiss("long");
      subscriber.begin(batch);
      length += batch.message.length;
      if (batch.hasEnd) return subscriber.close();
    }
  }

  /** Answers a ping after a check of the credential. */
  pinged(socket: WebSocket): void {
    this.#members.get(socket)?.pong();
  }

  /** Removes a subscriber that is gone. */
  closed(socket: WebSocket): void {
    this.#leave(socket);
    socket.close(NORMAL);
  }

  #subscriberOn(socket: WebSocket): WebSocketSubscriber {
    const written: string | null = socket.deserializeAttachment();
    const credential: Credential | null = written === null ? null : JSON.parse(written);
    return new WebSocketSubscriber(socket, {
      standing: async () => (credential === null ? "unknown" : standingOf(this.#env, credential)),
      isOver: () => this.#leave(socket),
    });
  }

  #join(socket: WebSocket, subscriber: WebSocketSubscriber): void {
    this.#members.set(socket, subscriber);
    this.#hub.join(subscriber);
  }

  #leave(socket: WebSocket): void {
    const subscriber = this.#members.get(socket);
    if (subscriber !== undefined) this.#hub.leave(subscriber);
    this.#members.delete(socket);
  }
}

interface SocketHost {
  /** Checks the credential. Never rejects. */
  readonly standing: () => Promise<Standing>;
  /** Called when the subscriber must not get further events. */
  readonly isOver: () => void;
}

class WebSocketSubscriber implements Subscriber {
  readonly needsPing = false;
  readonly #socket: WebSocket;
  readonly #host: SocketHost;
  /** True once the connection is closing. */
  isClosing = false;
  /** Resolves when all earlier messages are sent: keeps the order. */
  #sent = Promise.resolve();

  constructor(socket: WebSocket, host: SocketHost) {
    this.#socket = socket;
    this.#host = host;
  }

  /** Sends an initial batch without a check: the credential was just checked. */
  begin(batch: Batch): void {
    if (batch.events.length > 0) this.#send(batch.message);
  }

  send({ events, message }: Batch): boolean {
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
      const standing = await this.#host.standing();
      if (standing === "let_in") return this.#send(message);
      this.#host.isOver();
      this.dismiss(standing);
    });
  }

  /** Closes the connection at once, with a reason. */
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
      // The connection is gone, and the close event has not arrived.
      this.#host.isOver();
    }
  }

  #close(code: number, reason?: string): void {
    try {
      this.#socket.close(code, reason);
    } catch {
      // The connection was closed already.
    }
  }
}
