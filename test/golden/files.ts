/** What is recorded of a release, to be opened by every later one: as JSON, one file for each kind. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A folder a release. */
export const GOLDEN = import.meta.dirname;

export interface GoldenRow {
  readonly seq: number;
  readonly kind: string;
  readonly at: number;
  readonly entry: string | null;
  /** Base 64. */
  readonly data: string | null;
}

/** One run as its object has stored it, and what it was then. */
export interface GoldenJournal {
  readonly name: string;
  /** Statements. */
  readonly tables: readonly string[];
  readonly rows: readonly GoldenRow[];
  readonly document: unknown;
  /** As the catalog was told. */
  readonly summary: unknown;
  /** Whether something is due at some time, unless it is final. */
  readonly isDue: boolean;
}

/** What goes between isolates that may run different code. */
export interface GoldenMessages {
  /** Bodies of the run queue. */
  readonly queue: readonly unknown[];
  /** Answers to drivers, with the leases in them, by task, attempt and method. */
  readonly grants: readonly { readonly text: string; readonly leases: readonly string[] }[];
  /** Answers to triggers, with how they were taken. */
  readonly accepted: readonly { readonly text: string; readonly outcome: string; readonly leases: readonly string[] }[];
  /** What isolates say of their schedules. */
  readonly announcements: readonly unknown[];
}

/** A compiled plan, and what a run of each of its tasks covers. */
export interface GoldenPlan {
  readonly plan: unknown;
  readonly graphs: Readonly<Record<string, unknown>>;
}

export interface GoldenRelease {
  readonly journals: readonly GoldenJournal[];
  readonly messages: GoldenMessages;
  readonly plan: GoldenPlan;
}

export const FILES = ["journals", "messages", "plan"] as const satisfies (keyof GoldenRelease)[];

/** The releases that were recorded. */
export function releases(): string[] {
  return readdirSync(GOLDEN, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

export function readRelease(release: string): GoldenRelease {
  const read = (file: (typeof FILES)[number]): unknown =>
    JSON.parse(readFileSync(join(GOLDEN, release, `${file}.json`), "utf8"));
  const found: Record<string, unknown> = Object.fromEntries(FILES.map((file) => [file, read(file)]));
  // The one mapping of these files: `scripts/golden.ts` alone writes them, as JSON of this type.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return found as unknown as GoldenRelease;
}
