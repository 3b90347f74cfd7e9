/** What a task triggers. */
export interface Triggering {
  readonly task: string;
  readonly large: boolean;
  /** A key of its author's. */
  readonly key?: string;
  /** Whether each attempt triggers another one. */
  readonly isFresh?: boolean;
}

/** What the method of a task does, whatever run it is in. */
export interface Behaviour {
  readonly workMs: number;
  /** So many of its recorded attempts throw, or hang until their time is up. */
  readonly throws: number;
  readonly how: "error" | "retry_after" | "non_retryable" | "hang";
  /** So many of its attempts take their isolate down. */
  readonly kills: number;
  /** Whether they do so only when somebody was told where to report to. */
  readonly killsLate: boolean;
  /** Of an `each` task, only the item of this index does; null: none. */
  readonly killsItem: number | null;
  readonly passesLarge: boolean;
  /** How long a text is that it passes besides; absent: there is none. */
  readonly passesLength?: number;
  /** The children that it chooses; null: all of them. */
  readonly chooses: readonly string[] | null;
  /** A child that gets something of its own. */
  readonly passesTo: string | null;
  readonly logs: boolean;
  /** What comes of an attempt of an external task: after how long, from how many, and of how many attempts a failure; null: nothing. */
  readonly reports: { readonly afterMs: number; readonly copies: number; readonly fails: number } | null;
  /** What it triggers, each with a content of its own, in an order that differs from attempt to attempt. */
  readonly triggers: readonly Triggering[];
  /** Whether it triggers only what was not processed yet, as a task that lists what there is to do. */
  readonly sweeps: boolean;
  /** Whether it returns without awaiting what it triggers. */
  readonly unawaited: boolean;
  /** The event that it emits; null: none. */
  readonly emits: string | null;
  /** How long it awaits what it triggers; null: not at all. */
  readonly awaitsMs: number | null;
  /** How it awaits them, all at once; null: one after the other, by their results. */
  readonly awaitsAll: "result" | "output" | null;
  /** How many steps it has before anything else, and whether what they come to is large. */
  readonly steps: number;
  readonly stepsLarge: boolean;
  /** So often it throws before each of its steps is done; absent: never. */
  readonly stumbles?: number;
  /** How many items the array has that it passes; null: it passes none. */
  readonly passesItems: number | null;
}
