/** Tiles of the page Now: what waits for a person, what is late, what is paused or given up. */
import type { JSX } from "preact";
import type { DeadLetterPage } from "../../contract/dead-letters.ts";
import type { Health } from "../../contract/health.ts";
import type { RunPage } from "../../contract/run-lists.ts";
import type { DeployedSchedule } from "../../contract/schedules.ts";
import type { RunStatistics } from "../../contract/statistics.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { formatCount, formatDuration } from "../format.ts";
import { waitingForPeople } from "../live/attention.ts";
import { now } from "../live/clock.ts";
import { Icon, type IconName } from "../parts/icon.tsx";
import { NO_FILTERS, runsPath, triggersPath } from "../routes.ts";

/** Data of the tiles; null is not read yet. */
export interface AttentionTilesProps {
  readonly statistics: RunStatistics | null;
  readonly tasks: readonly DeployedTask[] | null;
  readonly schedules: readonly DeployedSchedule[] | null;
  readonly health: Health | null;
  readonly letters: DeadLetterPage | null;
  /** The first open runs that are late. */
  readonly late: RunPage | null;
}

/**
 * The delay in milliseconds from which a schedule counts as late, and a queue as slow. A healthy
 * deployment starts due runs within seconds.
 */
const LATE_MS = 60_000;

/** A tile: a number with words, and a link to the page that explains the number. */
interface Tile {
  readonly icon: IconName;
  readonly name: string;
  /** The number of the tile as text; null before the first answer. */
  readonly value: string | null;
  /** A line below the name. A tile without a problem says what is in order. */
  readonly note: string;
  /** The page behind the number, already filtered. */
  readonly href: string;
  /** The tone of a tile that wants attention; null for a quiet one. */
  readonly tone: "failed" | "waiting" | "retrying" | null;
}

/**
 * Shows seven tiles, in the same order at all times, so that the eye finds a tile by its place. A
 * tile has a colour only while somebody has to act; quiet tiles are pale.
 */
export function AttentionTiles(props: AttentionTilesProps): JSX.Element {
  return (
    <ul class="tiles" aria-label="What wants attention">
      {tilesOf(props).map(({ icon, name, value, note, href, tone }) => (
        <li key={name}>
          <a class={`tile ${tone === null ? "is-quiet" : `s-${tone}`}`} href={href}>
            <Icon name={icon} size={16} />
            <strong>{value ?? "–"}</strong>
            <span class="tile-name">{name}</span>
            <span class="tile-note" title={note}>
              {note}
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/**
 * Makes the seven tiles, each with a link to the page behind the number.
 *
 * - Coloured: open approvals, dead letters, paused tasks, late runs, schedules behind, a queue
 *   whose oldest message is above `LATE_MS`.
 * - Never coloured: runs that wait for another run or a later attempt, since both go on without a
 *   person.
 */
function tilesOf(props: AttentionTilesProps): Tile[] {
  const { statistics, tasks, schedules, health, letters, late } = props;
  const people = statistics === null ? null : waitingForPeople(statistics);
  const others =
    statistics?.tasks.reduce((sum, { waiting }) => sum + waiting.run + waiting.time, 0) ?? 0;
  const paused = tasks?.filter((task) => task.paused !== null).map(({ task }) => task) ?? null;
  const behind = schedules?.filter(isBehind).map(({ task }) => task) ?? null;
  const dead = letters?.dead_letters.length ?? null;
  const oldest = health === null ? null : oldestMs(health);
  return [
    {
      icon: "inbox",
      name: "wait for you",
      value: countOf(people),
      note: people ? "approvals and completions" : "no approval is open",
      href: "/dashboard/approvals",
      tone: people ? "waiting" : null,
    },
    {
      icon: "pause",
      name: "wait by themselves",
      value: statistics === null ? null : formatCount(others),
      note: others > 0 ? "for another run, or a later attempt" : "no run waits",
      href: runsPath({ ...NO_FILTERS, statuses: ["waiting"] }),
      tone: null,
    },
    {
      icon: "dead-letters",
      name: "dead letters",
      value: dead === null ? null : `${dead}${(letters?.next_cursor ?? null) === null ? "" : "+"}`,
      note: dead ? (letters?.dead_letters[0]?.detail ?? "") : "everything was processed",
      href: "/dashboard/dead-letters",
      tone: dead ? "failed" : null,
    },
    {
      icon: "ban",
      name: "paused tasks",
      value: countOf(paused?.length ?? null),
      note: paused?.join(", ") || "no task is paused",
      href: triggersPath("tasks", paused?.[0]),
      tone: paused?.length ? "retrying" : null,
    },
    {
      icon: "clock",
      name: "late runs",
      value: late === null ? null : `${late.runs.length}${late.next_cursor === null ? "" : "+"}`,
      note: [...new Set(late?.runs.map(({ task }) => task))].join(", ") || "no open run is late",
      href: runsPath({ ...NO_FILTERS, late: true, statuses: ["queued", "running"] }),
      tone: late?.runs.length ? "retrying" : null,
    },
    {
      icon: "clock",
      name: "schedules behind",
      value: countOf(behind?.length ?? null),
      note: behind?.join(", ") || "every due time was met",
      href: triggersPath("schedules"),
      tone: behind?.length ? "retrying" : null,
    },
    {
      icon: "limits",
      name: "oldest in the queues",
      value: oldest === null ? (health === null ? null : "0 s") : formatDuration(oldest),
      note: oldest === null ? "nothing is piling up" : "has not been begun",
      href: "/dashboard/health",
      tone: oldest !== null && oldest > LATE_MS ? "failed" : null,
    },
  ];
}

/** Formats a count; null stays null. */
function countOf(value: number | null): string | null {
  return value === null ? null : formatCount(value);
}

/**
 * Tests for a schedule with due times that have not started a run for a minute. A paused schedule
 * is never behind: the pause has a tile.
 */
function isBehind({ paused, waiting }: DeployedSchedule): boolean {
  const [due] = waiting;
  return !paused && due !== undefined && now.value - Date.parse(due) > LATE_MS;
}

/** The age of the oldest message in milliseconds; null if no queue holds one. */
function oldestMs({ queues }: Health): number | null {
  const times = queues.flatMap(({ oldest_message_at: at }) => (at === null ? [] : Date.parse(at)));
  return times.length === 0 ? null : Math.max(0, now.value - Math.min(...times));
}
