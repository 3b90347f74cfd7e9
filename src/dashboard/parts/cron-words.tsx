/** A schedule in words. */
import type { JSX } from "preact";
import { cronInWords } from "../cron-words.ts";

/** A cron expression in words with its zone; the expression itself where words fail. */
export function CronWords({
  cron,
  timezone,
}: {
  readonly cron: string;
  readonly timezone: string;
}): JSX.Element {
  const words = cronInWords(cron);
  return (
    <span title={`${cron} ${timezone}`}>
      {words ?? <code>{cron}</code>}, {timezone}
    </span>
  );
}
