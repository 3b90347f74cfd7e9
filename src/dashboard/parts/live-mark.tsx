/** The live mark: tells if the page follows changes. */
import type { JSX } from "preact";
import type { Connection } from "../live/stream.ts";

const WORDS: Readonly<Record<Connection, string>> = {
  connecting: "connecting",
  live: "live",
  reconnecting: "reconnecting",
  ended: "ended",
};

/** A coloured dot and the state as a word, which screen readers announce. */
export function LiveMark({ connection }: { readonly connection: Connection }): JSX.Element {
  return (
    <span class={`live live-${connection}`} role="status">
      <span class="live-dot" aria-hidden="true" />
      {WORDS[connection]}
    </span>
  );
}
