/**
 * The schedules: next due times, pausing, and running one at once.
 *
 * API calls:
 * - `GET /schedules`, every ten seconds.
 * - `POST /schedules/TASK/pause` and `/resume`.
 * - `POST /tasks/TASK/trigger`: a run at once, by the API and not by the schedule.
 */
import type { JSX } from "preact";
import { post } from "../api.ts";
import type { AcceptedTrigger } from "../../contract/run.ts";
import type { DeployedSchedule } from "../../contract/schedules.ts";
import { formatPlural, formatWallClock } from "../format.ts";
import { serverNow } from "../live/clock.ts";
import { navigate } from "../location.ts";
import { ActionButton } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { useGet } from "../parts/load.ts";
import { Empty, Read } from "../parts/states.tsx";
import { CronWords } from "../parts/cron-words.tsx";
import { Time } from "../parts/time.tsx";
import { tell } from "../parts/toasts.tsx";
import { pipelinePath, runPath } from "../routes.ts";
import { mayOperate, mayTrigger } from "../session.ts";

/** The interval between reads. */
const REFRESH_MS = 10_000;

/** Shows a card per schedule, read again every ten seconds. */
export function SchedulesView(): JSX.Element {
  const schedules = useGet<{ readonly schedules: readonly DeployedSchedule[] }>(
    "/schedules",
    REFRESH_MS,
  );
  return (
    <Read from={schedules} lines={8} label="the schedules">
      {(data) =>
        data.schedules.length === 0 ? (
          <Empty icon="clock" title="No task has a schedule">
            <code>schedule: "0 3 * * *"</code> in peach.conf gives it one.
          </Empty>
        ) : (
          <div class="cards">
            {data.schedules.map((schedule) => (
              <Schedule
                key={`${schedule.task} ${schedule.cron} ${schedule.timezone}`}
                schedule={schedule}
                reload={schedules.reload}
              />
            ))}
          </div>
        )
      }
    </Read>
  );
}

/** A schedule with its next times, last run, and waiting and skipped due times. */
function Schedule({
  schedule,
  reload,
}: {
  readonly schedule: DeployedSchedule;
  readonly reload: () => void;
}): JSX.Element {
  const { task, cron, timezone, overlap, paused, next, last_run, skipped, waiting, waiting_for } =
    schedule;
  const isPaused = Boolean(paused);
  // The API pauses all schedules of a task at once.
  const toggle = async (): Promise<void> => {
    await post(`/schedules/${encodeURIComponent(task)}/${isPaused ? "resume" : "pause"}`);
    reload();
    tell(isPaused ? "It is due again." : "It is paused.");
  };
  // The payload is the one of a due run: the schedule's own, or the time and cron.
  const runNow = async (): Promise<void> => {
    const body = JSON.stringify(
      schedule.payload ?? { scheduled_time: new Date(serverNow()).toISOString(), cron },
    );
    const { run_id } = await post<AcceptedTrigger>(`/tasks/${encodeURIComponent(task)}/trigger`, {
      body,
      contentType: "application/json",
    });
    tell("The run has been accepted.");
    navigate(runPath(run_id));
  };
  return (
    <article class="card schedule">
      <header class="panel-head">
        <h2 class="ellipsis">
          <a href={pipelinePath(task)}>{task}</a>
        </h2>
        {isPaused && (
          <span class="pill s-waiting">
            <Icon name="pause" size={12} /> paused
          </span>
        )}
      </header>
      <p class="cron">
        <CronWords cron={cron} timezone={timezone} /> <code class="muted small">{cron}</code>{" "}
        <span class="muted small">overlap: {overlap.replaceAll("_", " ")}</span>
      </p>
      <ol class={`next-times ${isPaused ? "is-off" : ""}`} aria-label="The next times">
        {next.map(({ local, utc }) => (
          <li key={utc}>
            <span title={local}>{formatWallClock(local)}</span>{" "}
            <span class="muted">
              <Time at={utc} />
            </span>
          </li>
        ))}
      </ol>
      <p class="muted small">
        {last_run === null ? (
          "It has not started a run yet."
        ) : (
          <>
            Last: <a href={runPath(last_run.run_id)}>its run</a>, due <Time at={last_run.due_at} />.
          </>
        )}
        {waiting.length > 0 &&
          ` ${formatPlural(waiting.length, "due time")} waiting${waiting_for === "deploy" ? " for a deploy that has the task" : ""}.`}
        {skipped.count > 0 &&
          ` ${formatPlural(skipped.count, "due time")} skipped${skipped.last === null ? "" : `, last for ${skipped.last.reason}`}.`}
      </p>
      <footer class="form-foot">
        {mayOperate() && (
          <ActionButton icon={isPaused ? "play" : "pause"} action={toggle}>
            {isPaused ? "Resume" : "Pause"}
          </ActionButton>
        )}
        {mayTrigger(task) && (
          <ActionButton icon="triggers" action={runNow}>
            Run now
          </ActionButton>
        )}
      </footer>
    </article>
  );
}
