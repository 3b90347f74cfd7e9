/**
 * Lists the keyed limits of a task that are in use, for `GET /limits`: one object per task. A limit
 * object reports its first attempt and its last. The list may lag, and nothing else depends on the
 * list.
 */
import { DurableObject } from "cloudflare:workers";
import type { LimitKind } from "../../domain/limits/limit.ts";
import { Tables } from "../tables.ts";
import type { LimitListRpc, ListedLimit } from "./limit-list-rpc.ts";
import { LIST_TABLES } from "../debounce/schema.ts";

const PUT = "INSERT INTO listed (kind, key) VALUES (?, ?) ON CONFLICT DO NOTHING";
const DELETE = "DELETE FROM listed WHERE kind = ? AND key = ?";
const READ = "SELECT kind, key FROM listed ORDER BY kind, key LIMIT ?";

export class LimitListObject extends DurableObject<Env> implements LimitListRpc {
  readonly #tables = new Tables(this.ctx.storage, LIST_TABLES);

  async note(kind: LimitKind, key: string, isThere: boolean): Promise<void> {
    if (isThere) this.#tables.put(PUT, kind, key);
    else if (this.#tables.areThere()) {
      this.#tables.rows(DELETE, kind, key);
      if (this.#tables.rows(READ, 1).length === 0) await this.#tables.deleteAll();
    }
  }

  async list(most: number): Promise<readonly ListedLimit[]> {
    return this.#tables.rows(READ, most).map(({ kind, key }) => ({
      kind: kind === "rate_limit" ? kind : "concurrency",
      key: String(key),
    }));
  }
}
