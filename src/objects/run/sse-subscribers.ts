/**
 * One listener over HTTP: server-sent events in a stream of bytes. It begins with the run as it is, or, for who has heard up to some
 * position of the journal, with every change after it, read as fast as they are taken; then it joins the audience.
 *
 * What a listener has not taken is held for it, up to a bound. Beyond that the stream ends after what it holds; its reader comes
 * back with the position that it has come to, and misses nothing.
 */
import type { Batch, AudienceMember, Audience } from "./subscribers.ts";
import type { Replay } from "./event-backfill.ts";

/** What a listener hears before it joins the audience. */
export interface Beginning {
  readonly first: Batch;
  /** Null: nothing has been missed. */
  readonly replay: Replay | null;
}

const COMMENT = new TextEncoder().encode(":\n\n");

/** `first` is sent at once; after it, and after what `replay` has, comes what is new. The stream closes behind the end of the run. */
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

  /** A copy: the stream takes the buffer for itself. */
  #enqueue(bytes: Uint8Array): boolean {
    if (-(this.#controller.desiredSize ?? 0) > this.#audience.mostHeld) return false;
    this.#controller.enqueue(bytes.slice());
    return true;
  }
}

function end(controller: ReadableByteStreamController): void {
  controller.close();
  // A reader that brought its own buffer waits for an answer in it.
  controller.byobRequest?.respond(0);
}
