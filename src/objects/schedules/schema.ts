import type { TableHistory } from "../../platform/tables.ts";

/**
 * The tables of the schedules object.
 *
 * `schedules`: one row for each schedule of the plan, which is all that a due time writes. `definition` and `state` are JSON of
 * `ScheduleDefinition` and `ScheduleState`; `position` is the place in peach.conf. `absent_since`: when it was found to be deployed no
 * more; null while it is.
 * `pauses`: tasks whose schedules are paused. Apart from the schedules, so that a deploy that changes a schedule, or takes it away
 * and brings it back, starts nothing that somebody has stopped.
 * `deployed`: the deployment that the schedules are of: the version of its plan, when it was made, when it was heard of last.
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

/** The first one brings version 1. */
export const TABLES: TableHistory = {
  what: "the schedules object",
  table: "schedules",
  migrations: [[CREATE_TABLES]],
};
