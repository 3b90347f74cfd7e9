/**
 * Streams changes of all runs as server-sent events. The stream polls the catalog every second: no
 * object has to stay awake, or to remember a client that has gone. The id of an event is a
 * watermark in the catalog's clock; all changes up to it were sent.
 */
import type { Change } from "../../objects/catalog/catalog-rpc.ts";
import { describeSummary } from "./run-summary-document.ts";

/** Reads changes since a watermark; with null, only the current watermark. */
export type ReadChanges = (
  since: number | null,
) => Promise<{ readonly changes: readonly Change[]; readonly until: number }>;

/** Changes requested per call, from each object of the catalog. */
export const CHANGES_A_CALL = 500;
const PAUSE_MS = 1_000;
/** Silence after which a comment is sent, so that proxies keep the connection. */
const COMMENT_AFTER_MS = 15_000;
/** Length of a feed, well below the limits of an invocation. Clients reconnect. */
const FEED_MS = 900_000;
/** Age of the oldest change that a reconnecting client still gets. */
const MOST_BEHIND_MS = 3_600_000;

/**
 * Streams events from a position; null starts now. Ends when the client disconnects, after
 * `FEED_MS`, or when the catalog fails.
 */
export function feedStream(
  read: ReadChanges,
  lastEventId: number | null,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const begunAt = Date.now();
  const isTooOld = lastEventId !== null && lastEventId < begunAt - MOST_BEHIND_MS;
  let since = isTooOld ? null : lastEventId;
  let isFirst = true;
  let saidAt = begunAt;
  const client = { isGone: false };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const say = (text: string): void => {
        saidAt = Date.now();
        controller.enqueue(encoder.encode(text));
      };
      if (isFirst) {
        isFirst = false;
        const { until } = since === null ? await read(null) : { until: since };
        since = until;
        // The first event is sent at once and tells the client its position.
        say(
          isTooOld ? `event: reset\nid: ${since}\ndata: {}\n\n` : `retry: 1000\nid: ${since}\n\n`,
        );
        return;
      }
      while (!client.isGone) {
        const { changes, until } = await read(since);
        const told = changes.map(
          ({ summary }) => `event: run\ndata: ${JSON.stringify(describeSummary(summary))}\n`,
        );
        // A client that is cut off within these events gets all of them again.
        since = until;
        if (told.length > 0) return say(`${told.join("\n")}id: ${until}\n\n`);
        if (Date.now() - begunAt > FEED_MS) return controller.close();
        if (Date.now() - saidAt > COMMENT_AFTER_MS) return say(`:\nid: ${until}\n\n`);
        await scheduler.wait(PAUSE_MS);
      }
    },
    cancel() {
      client.isGone = true;
    },
  });
}
