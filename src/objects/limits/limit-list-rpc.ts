/** What others may call on the object that lists the limits with a key of one task. */
import type { LimitKind } from "../../domain/limits/limit.ts";

export interface ListedLimit {
  readonly kind: LimitKind;
  readonly key: string;
}

export interface LimitListRpc {
  /** There is something at this limit, or nothing any more. */
  note(kind: LimitKind, key: string, isThere: boolean): Promise<void>;
  /** At most so many, by kind and key. */
  list(most: number): Promise<readonly ListedLimit[]>;
}
