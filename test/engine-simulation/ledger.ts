/**
 * The ledger: what the code of tasks has really done, attempt by attempt. The checks compare the engine's records with
 * the ledger.
 */
import type { Running } from "../../src/testing/platform/platform.ts";

/** How the code of an attempt ended; `lost`: a helper that it called failed it. */
export type CodeEnd = "running" | "returned" | "threw" | "hangs" | "killed" | "lost" | "told";

export interface AttemptNote {
  readonly runId: string;
  readonly task: string;
  readonly item: number | null;
  readonly attempt: number;
  readonly life: Running;
  /** By the scheduler. */
  readonly begunAt: number;
  end: CodeEnd;
  endedAt: number | null;
  /** Whether it was told that nobody wants it any more. */
  isTold: boolean;
  /** Whether its invocation has died, and if so, whether nothing else ran in it then. */
  died: boolean;
  wasAlone: boolean;
  /** Before which of its steps it threw; null: before none. */
  stumbledAt: number | null;
  /** What it threw may be tried again. */
  retryable: boolean;
  /** What it triggered, by content. */
  readonly triggered: { readonly content: string; readonly task: string }[];
  /** What it had to trigger, and did not, since it found it processed. */
  readonly skipped: string[];
  chose: readonly string[] | null;
  /** Whose payload it has read; null: nobody's. */
  readonly group: string | null;
}

export class Ledger {
  readonly #notes = new Map<string, AttemptNote[]>();
  readonly #running = new Set<AttemptNote>();
  /** Those whose code was under way when their isolate died with them, by its name. */
  readonly #crashed = new Map<string, readonly AttemptNote[]>();
  /** Contents of triggers whose run has begun. */
  readonly processed = new Set<string>();
  /** What each step came to that was kept, by `run/place/name`. */
  readonly steps = new Map<string, string>();
  /** How often code of tasks has killed its worker. */
  kills = 0;

  /** The code of an attempt begins. */
  begin(note: AttemptNote): void {
    const key = keyOf(note.runId, note.task, note.item);
    const known = this.#notes.get(key);
    if (known === undefined) this.#notes.set(key, [note]);
    else known.push(note);
    this.#running.add(note);
    note.life.onDeath(() => {
      note.died = true;
      note.wasAlone = this.inLife(note.life).every((other) => other === note);
      // Code that hangs may have had its time-out: it is left out.
      const hasEnded = note.endedAt !== null && note.end !== "killed";
      if (note.life.isolate.alive || hasEnded) return;
      const victims = this.#crashed.get(note.life.isolate.name) ?? [];
      this.#crashed.set(note.life.isolate.name, [...victims, note]);
    });
  }

  ended(note: AttemptNote, end: CodeEnd, at: number): void {
    if (note.end !== "running") return;
    note.end = end;
    note.endedAt = at;
    if (end === "killed") this.kills += 1;
    if (end !== "hangs") this.#running.delete(note);
  }

  /** Whether another task, or item, of whatever run has died with the isolate in which this one was. Its own earlier attempt is none. */
  hadCompany(note: AttemptNote): boolean {
    const { life, runId, task, item } = note;
    const died = this.#crashed.get(life.isolate.name) ?? [];
    // It may have died alone there, before.
    if (!died.includes(note)) return false;
    return died.some((other) => other.runId !== runId || other.task !== task || other.item !== item);
  }

  /** What runs in this invocation. */
  inLife(life: Running): AttemptNote[] {
    return [...this.#running].filter((note) => note.life === life);
  }

  /** What runs in lives that go on. */
  running(): AttemptNote[] {
    return [...this.#running].filter(({ life }) => life.alive);
  }

  /** All attempts of this task, or item, whose code has begun. */
  of(runId: string, task: string, item: number | null): readonly AttemptNote[] {
    return this.#notes.get(keyOf(runId, task, item)) ?? [];
  }

  /** This one; the last, if it has begun twice. */
  find(runId: string, task: string, item: number | null, attempt: number): AttemptNote | undefined {
    return this.of(runId, task, item).findLast((note) => note.attempt === attempt);
  }

  /** The attempt that has recorded this step; undefined: none, as far as any attempt was given it. */
  stepBy(runId: string, place: string, name: string): number | undefined {
    const attempt = this.steps.get(`${runId}/${place}/${name}`)?.split(" by attempt ").at(-1);
    return attempt === undefined ? undefined : Number(attempt);
  }

  /** Another run of this id begins. */
  forget(runId: string): void {
    for (const key of this.#notes.keys()) if (key.startsWith(`${runId}/`)) this.#notes.delete(key);
    for (const key of this.steps.keys()) if (key.startsWith(`${runId}/`)) this.steps.delete(key);
  }
}

function keyOf(runId: string, task: string, item: number | null): string {
  return item === null ? `${runId}/${task}` : `${runId}/${task}/${item}`;
}
