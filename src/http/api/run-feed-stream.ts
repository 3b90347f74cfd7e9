/**
 * The live feed as server-sent events. The catalog is asked every second, so that nothing is kept awake, and nothing is owed to a
 * client that has gone; the id of an event is a time up to which all changes were told, by the clocks of the catalog.
 */
import type { Change } from "../../objects/catalog/catalog-rpc.ts";
import { describeSummary } from "./run-summary-document.ts";

/** Changes since a time; null: none, but the time to begin with. */
export type ReadChanges = (
  since: number | null,
) => Promise<{ readonly changes: readonly Change[]; readonly until: number }>;

/** Changes asked for at once, of each object. */
export const CHANGES_A_CALL = 500;
const PAUSE_MS = 1_000;
const COMMENT_AFTER_MS = 15_000;
/** A feed ends after that, well before the limits of an invocation; clients connect again. */
const FEED_MS = 900_000;
/** What changed longer ago is not told. */
const MOST_BEHIND_MS = 3_600_000;

/** The events from that time on; with null, from now on. Ends when the client goes, after a while, or when the catalog fails. */
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
        // At once, so that the client knows where it is.
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
        // Whoever is cut off in the middle hears all of them again.
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
