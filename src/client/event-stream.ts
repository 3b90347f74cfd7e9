/**
 * Reads server-sent events with `fetch`, which unlike `EventSource` can send a token. A stream that
 * breaks or is silent for too long is opened again with the id of the last event, so that no event
 * is lost.
 */
import type { Connection } from "./connection.ts";
import { pause, unexpectedAnswer } from "./connection.ts";
import { PeachConnectionError } from "./errors.ts";

/** An event as received. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** The position of the stream after the event; null if unchanged. */
  readonly id: string | null;
}

/** The fields between two blank lines. A block without data only moves the position. */
interface Block extends Omit<ServerEvent, "data"> {
  readonly data: string | null;
}

export interface StreamRequest {
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** The id after which the stream begins. */
  readonly lastEventId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The silence after which a connection counts as dead: three times the interval of the server's
 * heartbeats, which is 15 seconds.
 */
const SILENCE_LIMIT_MS = 45_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Yields the events, also across broken connections. Ends when the server has no more events (204)
 * or the caller stops. Rejects with the reason of an aborted signal, or with `PeachError` if the
 * stream is refused.
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
    if (answer.headers.get("Content-Type")?.startsWith("text/event-stream") !== true)
      throw unexpectedAnswer(answer, await answer.text().catch(() => ""));
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

/**
 * Parses the blocks of a body, as the HTML standard defines them. Rejects with
 * `PeachConnectionError` when the body breaks or is silent for too long.
 */
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
      // Text after the last blank line is an incomplete event.
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // A chunk may end within a line break, so a final \r waits for the next chunk.
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
    // A caller that stops early closes the connection.
    await reader.cancel().catch(() => {});
  }
}

/** A block before its first field. Each line of `data` ends with a line break. */
const NO_FIELDS: Block = { event: "message", data: null, id: null };

/** Adds the field of a line. Comments and unknown fields are ignored. */
function withField(fields: Block, line: string): Block {
  const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
  if (name === "event") return { ...fields, event: value };
  if (name === "data") return { ...fields, data: `${fields.data ?? ""}${value}\n` };
  if (name === "id") return { ...fields, id: value };
  return fields;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Reads a chunk, or rejects after this much silence. */
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
