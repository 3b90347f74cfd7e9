/** The runs of all tasks as they are created and change, from one stream that is open while somebody watches it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunSummary } from "../documents.ts";
import { batchByFrame } from "./batch.ts";
import { type Connection, openStream } from "./stream.ts";

/** How the connection of the feed stands. */
export const feedConnection = signal<Connection>("connecting");

/** `onRuns` gets what changed, at most once a frame; `onFresh` says that things may have been missed: read them anew. */
export function useFeed(onRuns: (runs: readonly RunSummary[]) => void, onFresh: () => void): void {
  useEffect(() => {
    const take = batchByFrame<RunSummary>(onRuns);
    const stream = openStream("/runs/feed", {
      on: { run: (text) => take(JSON.parse(text)), reset: onFresh },
      onFresh,
    });
    const stop = stream.connection.subscribe((connection) => (feedConnection.value = connection));
    return () => {
      stop();
      stream.close();
    };
  }, [onRuns, onFresh]);
}
