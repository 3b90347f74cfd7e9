/**
 * A subscriber over HTTP: server-sent events in a stream of bytes. The stream starts with the whole
 * run. For a subscriber that names a position, the stream starts with all changes after the
 * position, read as fast as the subscriber takes them. Then the subscriber joins the live events.
 *
 * Unread events are buffered up to a limit. Beyond the limit the stream ends after the buffer; the
 * reader reconnects with its last position, and misses nothing.
 */
import type { Batch, AudienceMember, Audience } from "./subscribers.ts";
import type { Replay } from "./event-backfill.ts";

/** Events for a subscriber before the live events. */
export interface Beginning {
  readonly first: Batch;
  /** Null: the subscriber missed nothing. */
  readonly replay: Replay | null;
}

const COMMENT = new TextEncoder().encode(":\n\n");

/**
 * Sends `first` at once, then the events of `replay`, then live events. The stream closes after the
 * end of the run.
 */
export function eventStream(
  audience: Audience,
  { first, replay }: Beginning,
): ReadableStream<Uint8Array> {
  let catchingUp = replay;
  let listener: StreamListener | null = null;

  const send = (controller: ReadableByteStreamController, batch: Batch): void => {
    controller.enqueue(batch.bytes.slice());
    if (batch.hasEnd) end(controller);
  };
  const follow = (controller: ReadableByteStreamController): void => {
    catchingUp = null;
    listener = new StreamListener(controller, audience);
    audience.join(listener);
  };

  return new ReadableStream({
    type: "bytes",
    start(controller) {
      if (first.events.length > 0) send(controller, first);
      if (catchingUp === null && !first.hasEnd) follow(controller);
    },
    pull(controller) {
      const batch = catchingUp?.next() ?? null;
      if (batch !== null) send(controller, batch);
      else if (catchingUp !== null) follow(controller);
    },
    cancel() {
      if (listener !== null) audience.leave(listener);
    },
  });
}

class StreamListener implements AudienceMember {
  readonly isPinged = true;
  readonly #controller: ReadableByteStreamController;
  readonly #audience: Audience;

  constructor(controller: ReadableByteStreamController, audience: Audience) {
    this.#controller = controller;
    this.#audience = audience;
  }

  hear({ bytes }: Batch): boolean {
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
    if (-(this.#controller.desiredSize ?? 0) > this.#audience.mostHeld) return false;
    this.#controller.enqueue(bytes.slice());
    return true;
  }
}

function end(controller: ReadableByteStreamController): void {
  controller.close();
  // A reader with its own buffer waits for a response in the buffer.
  controller.byobRequest?.respond(0);
}
