/**
 * Which limits with a key a task has just now, for `GET /limits`: one object a task. The limit objects tell it when the first
 * attempt comes and when the last has gone; it may lag, and nothing else depends on it.
 */
import { DurableObject } from "cloudflare:workers";
import type { LimitKind } from "../core/limit.ts";
import type { LimitListRpc, ListedLimit } from "./limit-list-rpc.ts";

const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS listed (
    kind TEXT NOT NULL CONSTRAINT kind_is_known CHECK (kind IN ('concurrency', 'rate_limit')),
    key TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID`;
const PUT = "INSERT INTO listed (kind, key) VALUES (?, ?) ON CONFLICT DO NOTHING";
const DELETE = "DELETE FROM listed WHERE kind = ? AND key = ?";
const READ = "SELECT kind, key FROM listed ORDER BY kind, key LIMIT ?";

export class LimitListObject extends DurableObject<Env> implements LimitListRpc {
  async note(kind: LimitKind, key: string, isThere: boolean): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec(CREATE_TABLE);
    sql.exec(isThere ? PUT : DELETE, kind, key);
    if (!isThere && sql.exec(READ, 1).toArray().length === 0) await this.ctx.storage.deleteAll();
  }

  async list(most: number): Promise<readonly ListedLimit[]> {
    this.ctx.storage.sql.exec(CREATE_TABLE);
    return this.ctx.storage.sql.exec<{ kind: LimitKind; key: string }>(READ, most).toArray();
  }
}
