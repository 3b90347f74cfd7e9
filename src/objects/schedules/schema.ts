import type { TableHistory } from "../tables.ts";

/**
 * Tables of the schedules object.
 *
 * `schedules`: a row per schedule of the plan, which is the only row that a due time writes.
 * `definition` and `state` are JSON of `ScheduleDefinition` and `ScheduleState`; `position` is the
 * place in peach.conf. `absent_since`: time since when the schedule is not deployed; null while
 * deployed.
 *
 * `pauses`: tasks whose schedules are paused. A table of its own, so that a paused schedule stays
 * paused when a deploy changes the schedule, or removes the schedule and brings it back.
 *
 * `deployed`: the deployment of the schedules: version of its plan, time of creation, time of the
 * last announcement.
 */
const CREATE_TABLES = `
  CREATE TABLE schedules (
    task TEXT NOT NULL,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    definition TEXT NOT NULL,
    state TEXT NOT NULL,
    absent_since INTEGER,
    CONSTRAINT schedule_is_known_by_task_and_id PRIMARY KEY (task, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pauses (
    task TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE deployed (
    one INTEGER PRIMARY KEY CONSTRAINT there_is_one_deployment CHECK (one = 1),
    version TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT`;

/** Migrations, from version 1 on. */
export const TABLES: TableHistory = {
  what: "the schedules object",
  table: "schedules",
  migrations: [[CREATE_TABLES]],
};
