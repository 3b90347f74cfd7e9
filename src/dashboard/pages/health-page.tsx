/**
 * The page Health: the backlog of the queues and the delay of schedules, which show if work is
 * piling up.
 *
 * API calls:
 * - `GET /health`, every three seconds.
 *
 * The worker's status is its own opinion; the other cards are figures behind it.
 */
import type { JSX } from "preact";
import type { Health } from "../../contract/health.ts";
import { formatBytes, formatCount, formatDuration } from "../format.ts";
import { Icon } from "../parts/icon.tsx";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Read } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";

/** The interval between reads. */
const REFRESH_MS = 3_000;
/** The delay from which schedules are shown as late. */
const LATE_MS = 60_000;

/** Shows the health of the deployment, read again every three seconds. */
export function HealthPage(): JSX.Element {
  usePageTitle("Health");
  const health = useGet<Health>("/health", REFRESH_MS);
  return (
    <>
      <h1>Health</h1>
      <Read from={health} lines={6} label="the health">
        {(data) => <Health {...data} />}
      </Read>
    </>
  );
}

/** Cards for the worker, the schedules and each queue. A dash stands for an unknown value. */
function Health({ status, queues, schedules }: Health): JSX.Element {
  const isWell = status === "ok";
  const isLate = (schedules.lag_ms ?? 0) > LATE_MS;
  return (
    <div class="cards">
      <article class="card stat">
        <h2>Worker</h2>
        <p class={`stat-value ${isWell ? "good" : "fault"}`}>
          <Icon name={isWell ? "check" : "cross"} size={22} /> {status}
        </p>
        <p class="muted small">as it says of itself</p>
      </article>
      <article class="card stat">
        <h2>Schedules</h2>
        <p class={`stat-value ${isLate ? "fault" : ""}`}>
          {schedules.lag_ms === null ? "–" : formatDuration(schedules.lag_ms)}
        </p>
        <p class="muted small">how late the next one is</p>
      </article>
      {queues.map((queue) => (
        <article key={queue.name} class="card stat">
          <h2 class="ellipsis">{queue.name}</h2>
          <p class="stat-value">
            {queue.backlog_count === null ? "–" : formatCount(queue.backlog_count)}
          </p>
          <p class="muted small">
            {queue.backlog_count === null
              ? "its backlog is not known here"
              : `messages waiting, ${formatBytes(queue.backlog_bytes ?? 0)}`}
            {queue.oldest_message_at !== null && (
              <>
                , the oldest <Time at={queue.oldest_message_at} />
              </>
            )}
          </p>
        </article>
      ))}
    </div>
  );
}
