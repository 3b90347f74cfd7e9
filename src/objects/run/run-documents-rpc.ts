/** Public documents about a run, in the form of the HTTP API. Times in ISO 8601. */
import type * as contract from "../../contract/run.ts";
import type { Item } from "../../contract/run-items.ts";
import type { RunId } from "../../domain/ids.ts";
import type { TaskStatus } from "../../domain/statuses.ts";
import type { LogLine } from "./settlement-rpc.ts";

/**
 * A document with branded ids. The run's object writes parsed ids; the contract has plain text, as
 * read by clients.
 */
type WithRunIds<T> = T extends readonly (infer Entry)[]
  ? readonly WithRunIds<Entry>[]
  : T extends object
    ? { readonly [Key in keyof T]: Key extends "run_id" ? RunId : WithRunIds<T[Key]> }
    : T;

/** The answer of `GET /api/v1/runs/{id}`. */
export type RunDocument = WithRunIds<contract.RunDocument>;

/** A task in the document of its run. */
export type TaskDocument = WithRunIds<contract.TaskOfRun>;

/** An attempt in the document of its task. */
export type AttemptDocument = contract.Attempt;

/** An item of an `each` task: `skipped` if the task has failed before the item started. */
export type ItemDocument = Item;

/** Filter and start of a page of items. */
export interface ItemQuery {
  /** Null: all. */
  readonly status: TaskStatus | null;
  readonly from: number;
  readonly limit: number;
}

/** A page of a task's items. */
export interface ItemPage {
  readonly items: readonly ItemDocument[];
  /** Index of the first item of the next page. */
  readonly next: number | null;
}

/** A page of log lines. */
export interface TaskLogs {
  readonly logs: readonly (Omit<LogLine, "at"> & {
    readonly at: string;
    readonly attempt: number;
  })[];
  /** Number of lines not kept, over all requested attempts. */
  readonly dropped: number;
  /** Start of the next page; null: no further page. */
  readonly next: LogPlace | null;
}

/** Place of a line; the first line has the number 0. */
export interface LogPlace {
  readonly attempt: number;
  readonly line: number;
}

/** Filter and start of a page of log lines. */
export interface LogQuery {
  /** Null: all attempts. */
  readonly attempt: number | null;
  /** Index of an item; absent: the task itself. */
  readonly item?: number | undefined;
  readonly from: LogPlace;
  readonly limit: number;
}
