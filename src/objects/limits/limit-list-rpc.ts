/** RPC of the object that lists the keyed limits of one task. */
import type { LimitKind } from "../../domain/limits/limit.ts";

export interface ListedLimit {
  readonly kind: LimitKind;
  readonly key: string;
}

export interface LimitListRpc {
  /** Notes that the limit is in use, or unused. */
  note(kind: LimitKind, key: string, isThere: boolean): Promise<void>;
  /** Returns at most this many limits, by kind and key. */
  list(most: number): Promise<readonly ListedLimit[]>;
}
