/** The payloads of tasks and triggers in the simulated world. Each value names its origin and its owner. */
import { Dice } from "../../src/testing/ground/dice.ts";
import { GROUPS, type Group } from "./scenario.ts";

/** A value. `by`: who has made it; `content`: of what a task triggers, what this trigger is about. */
export interface Carried {
  readonly by: string;
  /** Null: nobody's, as of what is no payload of this world's clients and tasks. */
  readonly group: Group | null;
  readonly content?: string;
  readonly pad?: string;
}

/** What a task is called in texts: an item of it by its index. */
export function placeName(task: string, item: number | null): string {
  return item === null ? task : `${task}[${item}]`;
}

/** Who made what this attempt passes; only what the accepted attempt passed may be read. */
export function madeBy(runId: string, place: string, attempt: number, to: string): string {
  return `${runId} ${place} attempt ${attempt} to "${to}"`;
}

/** What who was asked by an external task says of a failure. */
export const AS_REPORTED = "as reported";

/** What a step of this attempt comes to. */
export function stepText(runId: string, place: string, name: string, attempt: number): string {
  return `${runId} ${place} ${name} by attempt ${attempt}`;
}

/** Whose something of this name is; the same always. */
export function groupOf(name: string): Group {
  return new Dice(0).fork(name).pick(GROUPS);
}

/** Too large to ride with the run's state, if `large`. */
export function padded(value: Carried, large: boolean): Carried {
  return large ? { ...value, pad: "x".repeat(500) } : value;
}

/** The value that this is, or null if it is none that tells where it is from. */
export function carriedIn(value: unknown): Carried | null {
  if (typeof value !== "object" || value === null) return null;
  if ("s3_uri" in value && "etag" in value)
    return { by: `object ${String(value.s3_uri)} ${String(value.etag)}`, group: null };
  if ("due_at" in value) return { by: `schedule ${String(value.due_at)}`, group: null };
  if (!("by" in value) || !("group" in value)) return null;
  const { by, group } = value;
  if (typeof by !== "string") return null;
  const content = "content" in value && typeof value.content === "string" ? { content: value.content } : {};
  return { by, group: GROUPS.find((one) => one === group) ?? null, ...content };
}
