/** The documents of several runs, a few at a time. Those of final runs are read once. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunSummary } from "../../contract/run-lists.ts";
import type { RunDocument } from "../../contract/run.ts";
import { get } from "../api.ts";

const AT_ONCE = 6;
/** Final runs that were read, by id and time of their end. A retried run ends at another time. */
const known = new Map<string, RunDocument>();
const MAX_KNOWN = 300;

/** Reads the documents while the component is shown. A run that cannot be read is left out. */
export function useRunDocuments(runs: readonly RunSummary[]): readonly RunDocument[] {
  const documents = useSignal<ReadonlyMap<string, RunDocument>>(new Map());
  const keys = runs.map(keyOf).join(" ");
  useEffect(() => {
    const aborter = new AbortController();
    const queue = [...runs];
    const read = async (): Promise<void> => {
      for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
        try {
          const document =
            known.get(keyOf(run)) ??
            (await get<RunDocument>(`/runs/${encodeURIComponent(run.run_id)}`, aborter.signal));
          if (document.finished_at !== null) remember(keyOf(run), document);
          documents.value = new Map(documents.value).set(run.run_id, document);
        } catch {
          if (aborter.signal.aborted) return;
        }
      }
    };
    for (let count = 0; count < AT_ONCE; count += 1) void read();
    return () => aborter.abort();
  }, [keys, documents]);
  return runs.flatMap(({ run_id }) => documents.value.get(run_id) ?? []);
}

/** Identifies a run in one state. */
function keyOf({ run_id, status, finished_at: at }: RunSummary): string {
  return `${run_id} ${status} ${at ?? ""}`;
}

/** Keeps a document; the oldest of too many leaves. */
function remember(key: string, document: RunDocument): void {
  known.set(key, document);
  for (const oldest of known.keys()) {
    if (known.size <= MAX_KNOWN) break;
    known.delete(oldest);
  }
}
