/** SQL about the windows that the idempotency keys of a debounced task are bound to. */
import { numberIn, Tables, textIn, type RowStorage } from "../tables.ts";
import type { KeyRequest } from "./debounce-rpc.ts";
import { KEY_TABLES } from "./schema.ts";

const READ = "SELECT window, bound_at FROM key_binding WHERE key_digest = ? AND until > ?";
const BIND = `
  INSERT INTO key_binding (key_digest, window, bound_at, until) VALUES (?, ?, ?, ?)
  ON CONFLICT (key_digest) DO UPDATE
  SET window = excluded.window, bound_at = excluded.bound_at, until = excluded.until`;
const FORGET = "DELETE FROM key_binding WHERE until <= ?";
const COUNT = "SELECT count(*) AS left FROM key_binding";

export class KeyStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, KEY_TABLES);
  }

  /** Binds the key, unless another window has it. Returns the window, and since when (epoch ms). */
  bind(
    { key, window, instead, keepMs }: KeyRequest,
    now: number,
  ): { readonly window: string; readonly boundAt: number } {
    const [row] = this.#tables.rows(READ, key, now);
    const bound = textIn(row, "window");
    if (row !== undefined && bound !== instead)
      return { window: bound, boundAt: numberIn(row, "bound_at") ?? 0 };
    this.#tables.put(BIND, key, window, now, now + keepMs);
    return { window, boundAt: now };
  }

  /** Removes expired keys. Returns true while keys remain. */
  forget(now: number): boolean {
    this.#tables.rows(FORGET, now);
    return Number(this.#tables.rows(COUNT)[0]?.["left"] ?? 0) > 0;
  }
}
