/**
 * Numbers the triggers that an endpoint makes for one delivery, by target and in order, so that a
 * repeated delivery triggers the same runs. A refused trigger keeps its number: otherwise the next
 * trigger would be found in its place. Only a trigger of the same target with the same payload gets
 * the number again.
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

/** The number of refused triggers that are remembered, the latest ones. */
const MOST_REFUSED = 16;

export class DeliveryTurns {
  readonly #turns = new Turns();
  readonly #refused: Refused[] = [];

  /** Returns the number of this trigger, from 0. */
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

  /** Records that the trigger with this number was refused, by all or by some tasks. */
  refused(target: string, nth: number, payload: unknown): void {
    const given = heldOf(payload);
    if (given === null) return;
    // A copy: the author may reuse the buffer for the next payload.
    this.#refused.push({ target, nth, payload: { ...given, bytes: given.bytes.slice() } });
    if (this.#refused.length > MOST_REFUSED) this.#refused.shift();
  }
}

/**
 * The bytes of a payload. Null for a stream, which cannot be sent twice, and for a value that is no
 * payload.
 */
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
