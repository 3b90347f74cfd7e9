/**
 * The measured works and their tasks: one definition for Peach (as a peach.conf), for Cloudflare
 * Workflows and for the bare bound (as a function that calls one task after the other).
 */

/** The payload that a run carries from task to task. */
export interface Baton {
  /** The bench's name of the run. */
  readonly id: string;
  /**
   * The URL where the last task reports; null: no listener, the stamps are read from its output.
   */
  readonly report: string | null;
  /** Start times of the stamping tasks, in epoch milliseconds. */
  readonly stamps: readonly number[];
  /** Padding to the wanted payload size. */
  readonly pad: string;
}

/** Shapes of works. `stamps`: the positions of stamping tasks; the last task always reports. */
export type Shape =
  | {
      readonly kind: "chain";
      readonly tasks: number;
      readonly stamps: readonly number[];
      readonly dispatch?: "direct";
    }
  /**
   * A task, then `width` parallel tasks, then a task that reads all of them. Stamps: the first and
   * the last.
   */
  | { readonly kind: "fan"; readonly width: number; readonly dispatch?: "direct" }
  /**
   * A task, then one over `items` items, then a task that reads all outputs. Stamps: the first and
   * the last. `steps`: as many as a local Workflow finishes side by side in half a minute; of
   * 10,000, none was finished after five minutes.
   */
  | { readonly kind: "each"; readonly items: number; readonly steps: number }
  /** A chain whose tasks pass `BLOB_BYTES` bytes. Stamps: the first and the last. */
  | { readonly kind: "blobs"; readonly tasks: number };

export const WORKS = {
  solo: { kind: "chain", tasks: 1, stamps: [0] },
  solo_direct: { kind: "chain", tasks: 1, stamps: [0], dispatch: "direct" },
  chain_10: { kind: "chain", tasks: 10, stamps: [0, 9] },
  // Stamps after 10 hops, and 10 hops before the end.
  chain_100: { kind: "chain", tasks: 100, stamps: [0, 10, 89, 99] },
  fan_100: { kind: "fan", width: 100 },
  fan_1000: { kind: "fan", width: 1_000 },
  each: { kind: "each", items: 10_000, steps: 2_000 },
  diamond: { kind: "fan", width: 2 },
  diamond_direct: { kind: "fan", width: 2, dispatch: "direct" },
  blobs: { kind: "blobs", tasks: 5 },
} as const satisfies Readonly<Record<string, Shape>>;

export type WorkName = keyof typeof WORKS;

export const KILOBYTE = 1_024;

export const BLOB_BYTES = 10 * 1024 * 1024;

const HEADER_BYTES = 512;

/** The work of this name in a path or a payload; null if unknown. */
export function workNamed(name: string): WorkName | null {
  return isWork(name) ? name : null;
}

/** A task that records its time. */
export function stamp(baton: Baton): Baton {
  const now = Date.now();
  return { ...baton, stamps: [...baton.stamps, now] };
}

/** The last task: records its time, then reports to the bench. */
export async function finish(baton: Baton): Promise<Baton> {
  const stamped = stamp(baton);
  if (stamped.report !== null) {
    const answer = await fetch(stamped.report, {
      method: "POST",
      body: JSON.stringify({ id: stamped.id, stamps: stamped.stamps }),
    });
    await answer.body?.cancel();
  }
  return stamped;
}

/** `BLOB_BYTES` bytes with the baton in front. */
export function blobOf(baton: Baton): Uint8Array {
  const blob = new Uint8Array(BLOB_BYTES);
  blob.set(new TextEncoder().encode(JSON.stringify(baton).padEnd(HEADER_BYTES)));
  return blob;
}

export function batonOf(blob: Uint8Array): Baton {
  return parseBaton(new TextDecoder().decode(blob.subarray(0, HEADER_BYTES)));
}

/**
 * Parses a baton. The one mapping of this text, which only `blobOf` and the bench's own triggers
 * write.
 */
export function parseBaton(text: string): Baton {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(text) as Baton;
}

function isWork(name: string): name is WorkName {
  return Object.hasOwn(WORKS, name);
}
