/** Triggers of a pipeline in words. */
import type { JSX } from "preact";
import type { DeployedSchedule } from "../../contract/schedules.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { CronWords } from "../parts/cron-words.tsx";
import { Icon } from "../parts/icon.tsx";
import { Time } from "../parts/time.tsx";
import { triggersPath } from "../routes.ts";

/**
 * Lists what starts the pipeline: schedules with their next due time, uploads, and events. The last
 * entry is the API, by which any task can be triggered.
 *
 * A paused schedule says so in place of the next due time.
 */
export function PipelineTriggers({
  root,
  schedules,
}: {
  readonly root: DeployedTask;
  /** The schedules of this task only. */
  readonly schedules: readonly DeployedSchedule[];
}): JSX.Element {
  const { r2, events } = root.on;
  return (
    <ul class="sources" aria-label="What triggers it">
      {schedules.map((schedule) => (
        <li key={schedule.cron + schedule.timezone} class="source">
          <Icon name="clock" size={14} />
          <a href={triggersPath("schedules")}>
            <CronWords cron={schedule.cron} timezone={schedule.timezone} />
          </a>
          {schedule.paused ? (
            <span class="pill s-waiting">paused</span>
          ) : (
            schedule.next[0] !== undefined && (
              <span>
                next <Time at={schedule.next[0].utc} />
              </span>
            )
          )}
        </li>
      ))}
      {r2.map(({ bucket, prefix, suffix }) => (
        <li key={`${bucket}/${prefix}*${suffix}`} class="source">
          <Icon name="upload" size={14} /> when an object comes to{" "}
          <code>
            {bucket}/{prefix}*{suffix}
          </code>
        </li>
      ))}
      {events.map((event) => (
        <li key={event} class="source">
          <Icon name="event" size={14} /> on the event <code>{event}</code>
        </li>
      ))}
      <li class="source">
        <Icon name="triggers" size={14} />{" "}
        {schedules.length + r2.length + events.length === 0
          ? "by the API, endpoints and other tasks"
          : "and by the API"}
      </li>
    </ul>
  );
}
