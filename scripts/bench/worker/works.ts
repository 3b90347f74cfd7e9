/**
 * The work that is measured, and what its tasks do: one definition for Peach (which gets it as a peach.conf), for Cloudflare
 * Workflows and for the bare bound (which get it as a function that calls one task after the other).
 */

/** What a run carries from task to task. */
export interface Baton {
  /** The bench's own name of the run. */
  readonly id: string;
  /** Where the last task reports; null: nobody listens, the stamps are read from what it passed. */
  readonly report: string | null;
  /** Epoch milliseconds, one from each task that stamps: the time at the first line of its code. */
  readonly stamps: readonly number[];
  /** Brings the payload to its size. */
  readonly pad: string;
}

/** `stamps`: the positions that record their time; the last task always reports. */
export type Shape =
  | {
      readonly kind: "chain";
      readonly tasks: number;
      readonly stamps: readonly number[];
      readonly dispatch?: "direct";
    }
  /** One task, then `width` of them, then one that reads them all. The first and the last stamp. */
  | { readonly kind: "fan"; readonly width: number; readonly dispatch?: "direct" }
  /**
   * One task, then one over `items` items, then one that reads what they passed. The first and the last stamp. `steps`: as many as a
   * local Workflow does side by side in half a minute; of 10,000 it had done none after five minutes.
   */
  | { readonly kind: "each"; readonly items: number; readonly steps: number }
  /** A chain whose tasks pass `BLOB_BYTES` bytes; the first and the last stamp. */
  | { readonly kind: "blobs"; readonly tasks: number };

export const WORKS = {
  solo: { kind: "chain", tasks: 1, stamps: [0] },
  solo_direct: { kind: "chain", tasks: 1, stamps: [0], dispatch: "direct" },
  chain_10: { kind: "chain", tasks: 10, stamps: [0, 9] },
  // After 10 hops, and 10 hops before the end.
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

/** The name in a path or a payload, if it is one of the works. */
export function workNamed(name: string): WorkName | null {
  return isWork(name) ? name : null;
}

/** A task that records its time. */
export function stamp(baton: Baton): Baton {
  const now = Date.now();
  return { ...baton, stamps: [...baton.stamps, now] };
}

/** The last task: records its time, then tells the bench. */
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

/** `BLOB_BYTES` bytes that carry the baton in front. */
export function blobOf(baton: Baton): Uint8Array {
  const blob = new Uint8Array(BLOB_BYTES);
  blob.set(new TextEncoder().encode(JSON.stringify(baton).padEnd(HEADER_BYTES)));
  return blob;
}

export function batonOf(blob: Uint8Array): Baton {
  return parseBaton(new TextDecoder().decode(blob.subarray(0, HEADER_BYTES)));
}

/** The one mapping of what the bench sent: `blobOf` and the bench's own triggers alone write it. */
export function parseBaton(text: string): Baton {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(text) as Baton;
}

function isWork(name: string): name is WorkName {
  return Object.hasOwn(WORKS, name);
}
