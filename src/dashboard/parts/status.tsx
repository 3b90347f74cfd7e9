/** Statuses: a word, a shape and a colour each, so that none of them alone has to be seen. */
import type { JSX } from "preact";
import type { AttemptStatus, RunStatus, TaskStatus } from "../../domain/statuses.ts";
import { Icon, type IconName } from "./icon.tsx";

export type AnyStatus = TaskStatus | RunStatus | AttemptStatus;

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

/** `timed out`. */
export function statusWord(status: AnyStatus): string {
  return status.replace("_", " ");
}

/** The shape of a status, in its colour. */
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

/** Shape and word on a tinted ground. */
export function StatusPill({ status }: { readonly status: AnyStatus }): JSX.Element {
  return (
    <span class={`pill s-${status}`}>
      <Icon name={ICONS[status]} size={12} />
      {statusWord(status)}
    </span>
  );
}
