/**
 * A subscriber over HTTP: server-sent events in a stream of bytes. The stream starts with the whole
 * run. For a subscriber that names a position, the stream starts with all changes after the
 * position, read as fast as the subscriber takes them. Then the subscriber joins the live events.
 *
 * Unread events are buffered up to a limit. Beyond the limit the stream ends after the buffer; the
 * reader reconnects with its last position, and misses nothing.
 */
import type { Batch, Subscriber, SubscriberHub } from "./subscribers.ts";
import type { EventBackfill } from "./event-backfill.ts";

/** Events for a subscriber before the live events. */
export interface InitialEvents {
  readonly first: Batch;
  /** Null: the subscriber missed nothing. */
  readonly backfill: EventBackfill | null;
}

const COMMENT = new TextEncoder().encode(":\n\n");

/**
 * Sends `first` at once, then the events of `backfill`, then live events. The stream closes after
 * the end of the run.
 */
export function eventStream(
  hub: SubscriberHub,
  { first, backfill }: InitialEvents,
): ReadableStream<Uint8Array> {
  let backfilling = backfill;
  let subscriber: SseSubscriber | null = null;

  const send = (controller: ReadableByteStreamController, batch: Batch): void => {
    controller.enqueue(batch.bytes.slice());
    if (batch.hasEnd) end(controller);
  };
  const follow = (controller: ReadableByteStreamController): void => {
    backfilling = null;
    subscriber = new SseSubscriber(controller, hub);
    hub.join(subscriber);
  };

  return new ReadableStream({
    type: "bytes",
    start(controller) {
      if (first.events.length > 0) send(controller, first);
      if (backfilling === null && !first.hasEnd) follow(controller);
    },
    pull(controller) {
      const batch = backfilling?.next() ?? null;
      if (batch !== null) send(controller, batch);
      else if (backfilling !== null) follow(controller);
    },
    cancel() {
      if (subscriber !== null) hub.leave(subscriber);
    },
  });
}

class SseSubscriber implements Subscriber {
  readonly needsPing = true;
  readonly #controller: ReadableByteStreamController;
  readonly #hub: SubscriberHub;

  constructor(controller: ReadableByteStreamController, hub: SubscriberHub) {
    this.#controller = controller;
    this.#hub = hub;
  }

  send({ bytes }: Batch): boolean {
    return this.#enqueue(bytes);
  }

  ping(): boolean {
    return this.#enqueue(COMMENT);
  }

  close(): void {
    end(this.#controller);
  }

  /** Enqueues a copy, because the stream takes over the buffer. */
  #enqueue(bytes: Uint8Array): boolean {
    if (-(this.#controller.desiredSize ?? 0) > this.#hub.maxBufferedBytes) return false;
    this.#controller.enqueue(bytes.slice());
    return true;
  }
}

function end(controller: ReadableByteStreamController): void {
  controller.close();
  // A reader with its own buffer waits for a response in the buffer.
  controller.byobRequest?.respond(0);
}
