/** Times and durations: relative, with the exact time in a tooltip and for screen readers. */
import type { JSX } from "preact";
import { formatDuration, formatExact, formatRelative } from "../format.ts";
import { now } from "../live/clock.ts";

/** A time relative to now, such as `3 m ago`. It follows the clock. */
export function Time({ at }: { readonly at: string }): JSX.Element {
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={formatExact(time)}>
      {formatRelative(time, now.value)}
    </time>
  );
}

/** The duration between two times. A null end is now; a null start has no duration. */
export function Duration({
  from,
  to,
}: {
  readonly from: string | null;
  readonly to: string | null;
}): JSX.Element {
  if (from === null) return <span class="muted">–</span>;
  const end = to === null ? now.value : Date.parse(to);
  const title = `${formatExact(Date.parse(from))} – ${to === null ? "now" : formatExact(end)}`;
  return <span title={title}>{formatDuration(end - Date.parse(from))}</span>;
}
