/** The live feed of all runs, from one stream that is open while a component uses it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunSummary } from "../../contract/run-lists.ts";
import { batchByFrame } from "./batch.ts";
import { type Connection, openStream } from "./stream.ts";

/** The state of the feed's connection. */
export const feedConnection = signal<Connection>("connecting");

/**
 * Follows the feed while the component is shown. `onRuns` receives changed runs, at most once per
 * frame. `onFresh` is called when changes may have been missed: the caller reads its list again.
 * Both must be stable functions, since a new one opens a new stream.
 */
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
