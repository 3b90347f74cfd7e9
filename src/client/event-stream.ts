/**
 * Server-sent events by `fetch`, which unlike `EventSource` can carry a token. A stream that breaks, or that is silent for too
 * long, is opened again with the id of the last event, so that nothing is missed.
 */
import type { Connection } from "./connection.ts";
import { pause } from "./connection.ts";
import { PeachConnectionError } from "./errors.ts";

/** One event as it came over the wire. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** Where the stream stands after it; null: as before. */
  readonly id: string | null;
}

/** What stands between two blank lines; without data it only tells where the stream stands. */
interface Block extends Omit<ServerEvent, "data"> {
  readonly data: string | null;
}

export interface StreamRequest {
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Only what comes after the event of this id. */
  readonly lastEventId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The server says something every 15 seconds; whoever is silent for three times as long is gone. */
const SILENCE_LIMIT_MS = 45_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * The events, across broken connections, until the server says that there will be no more (204), the caller leaves, or the signal is
 * aborted (it then rejects with its reason). Rejects with `PeachError` if the stream is refused.
 */
export async function* openEvents(
  connection: Connection,
  request: StreamRequest,
): AsyncGenerator<ServerEvent> {
  let { lastEventId } = request;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const answer = await connection.request({
      path: request.path,
      query: request.query ?? {},
      headers: {
        Accept: "text/event-stream",
        ...(lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId }),
      },
      signal: request.signal,
    });
    if (answer.status === 204) return;
    try {
      for await (const { event, data, id } of parseEvents(answer.body ?? new Blob([]).stream())) {
        lastEventId = id ?? lastEventId;
        if (data === null) continue;
        pauseMs = FIRST_PAUSE_MS;
        yield { event, data, id };
      }
    } catch (error) {
      request.signal?.throwIfAborted();
      if (!(error instanceof PeachConnectionError)) throw error;
    }
    await pause(pauseMs, request.signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** The blocks of a body, as the HTML standard reads them. Rejects with `PeachConnectionError` when the body breaks or falls silent. */
export async function* parseEvents(
  body: ReadableStream<Uint8Array>,
  silenceLimitMs = SILENCE_LIMIT_MS,
): AsyncGenerator<Block> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let fields = NO_FIELDS;
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, silenceLimitMs);
      // What stands after the last blank line is no event.
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // A line break may be cut in two: a last \r waits for what follows it.
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop() ?? "";
      for (const line of lines) {
        if (line !== "") {
          fields = withField(fields, line);
          continue;
        }
        if (fields.data !== null) yield { ...fields, data: fields.data.slice(0, -1) };
        else if (fields.id !== null) yield fields;
        fields = NO_FIELDS;
      }
    }
  } finally {
    // Whoever leaves early wants no more of it.
    await reader.cancel().catch(() => {});
  }
}

/** `data` ends with the line break of each of its lines. */
const NO_FIELDS: Block = { event: "message", data: null, id: null };

function withField(fields: Block, line: string): Block {
  const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
  if (name === "event") return { ...fields, event: value };
  if (name === "data") return { ...fields, data: `${fields.data ?? ""}${value}\n` };
  if (name === "id") return { ...fields, id: value };
  return fields;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function readWithin(reader: Reader, limitMs: number): ReturnType<Reader["read"]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new PeachConnectionError("The event stream", "it fell silent")),
      limitMs,
    );
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    throw error instanceof PeachConnectionError
      ? error
      : new PeachConnectionError("The event stream", error);
  } finally {
    clearTimeout(timer);
  }
}
