/**
 * Statuses as word, shape and colour. Each alone is enough, so that colour blindness hides nothing.
 */
import type { JSX } from "preact";
import type { AttemptStatus, RunStatus, TaskStatus } from "../../domain/statuses.ts";
import { Icon, type IconName } from "./icon.tsx";

/** A status of a run, a task or an attempt. */
export type AnyStatus = TaskStatus | RunStatus | AttemptStatus;

/** The shape of each status. */
const ICONS: Readonly<Record<AnyStatus, IconName>> = {
  pending: "dot",
  queued: "clock",
  running: "play",
  retrying: "retry",
  waiting: "pause",
  suspended: "pause",
  succeeded: "check",
  failed: "cross",
  timed_out: "clock",
  lost: "cross",
  skipped: "skip",
  cancelled: "ban",
};

/** The word of a status, such as `timed out`. */
export function statusWord(status: AnyStatus): string {
  return status.replace("_", " ");
}

/** The shape of a status in its colour. The word stands beside it. */
export function StatusIcon({
  status,
  size = 14,
}: {
  readonly status: AnyStatus;
  readonly size?: number;
}): JSX.Element {
  return (
    <span class={`status-icon s-${status}`}>
      <Icon name={ICONS[status]} size={size} />
    </span>
  );
}

/** The shape and word of a status on a tinted background. */
export function StatusPill({ status }: { readonly status: AnyStatus }): JSX.Element {
  return (
    <span class={`pill s-${status}`}>
      <Icon name={ICONS[status]} size={12} />
      {statusWord(status)}
    </span>
  );
}

/** The mark of a run that was not final by the `late_after` of the task. */
export function LateMark(): JSX.Element {
  return (
    <span class="pill s-retrying late-mark" title="Not final by the late_after of its task">
      <Icon name="clock" size={12} />
      late
    </span>
  );
}
