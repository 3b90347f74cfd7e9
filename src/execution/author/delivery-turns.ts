/**
 * Counts what an endpoint triggers for one delivery, by target and in order: sent again, it triggers the same. A number stays with its
 * trigger also when that was refused, for another one would then be found in its place; only the very same, made again, has it too.
 */
import { encodePayload } from "../../payloads/codec.ts";
import { Turns } from "./turns.ts";

interface Refused {
  readonly target: string;
  readonly nth: number;
  readonly payload: Kept;
}

interface Kept {
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** So many of those that were refused last are known again. */
const MOST_REFUSED = 16;

export class DeliveryTurns {
  readonly #turns = new Turns();
  readonly #refused: Refused[] = [];

  /** The number of this trigger, from 0. */
  take(target: string, payload: unknown): number {
    if (this.#refused.length > 0) {
      const given = heldOf(payload);
      const index = this.#refused.findIndex(
        (one) => one.target === target && isSame(one.payload, given),
      );
      const [again] = index < 0 ? [] : this.#refused.splice(index, 1);
      if (again !== undefined) return again.nth;
    }
    return this.#turns.take(target);
  }

  /** The trigger with this number was not accepted, or not by all. */
  refused(target: string, nth: number, payload: unknown): void {
    const given = heldOf(payload);
    if (given === null) return;
    // A copy: the author may fill the same buffer with the next one.
    this.#refused.push({ target, nth, payload: { ...given, bytes: given.bytes.slice() } });
    if (this.#refused.length > MOST_REFUSED) this.#refused.shift();
  }
}

/** Null of a stream, which nobody can send twice, and of what is no payload. */
function heldOf(payload: unknown): Kept | null {
  const encoded = encodePayload(payload);
  if (!encoded.ok) return null;
  const { kind, body } = encoded.value;
  return body instanceof Uint8Array ? { kind, bytes: body } : null;
}

function isSame({ kind, bytes }: Kept, other: Kept | null): boolean {
  if (other === null || kind !== other.kind || bytes.length !== other.bytes.length) return false;
  return bytes.every((byte, at) => byte === other.bytes[at]);
}
