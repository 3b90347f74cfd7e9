/**
 * The task directory: root tasks that have a catalog object, also tasks that left peach.conf. One
 * object; each task registers once.
 */
import { DurableObject } from "cloudflare:workers";
import { Tables } from "../tables.ts";
import type { DirectoryRpc } from "./catalog-rpc.ts";
import { DIRECTORY_TABLES } from "./schema.ts";

const ENLIST = "INSERT INTO tasks (task) VALUES (?) ON CONFLICT (task) DO NOTHING";
const READ = "SELECT task FROM tasks ORDER BY task";

export class DirectoryObject extends DurableObject<Env> implements DirectoryRpc {
  readonly #tables = new Tables(this.ctx.storage, DIRECTORY_TABLES);

  async enlist(task: string): Promise<void> {
    this.#tables.make();
    this.ctx.storage.sql.exec(ENLIST, task);
  }

  async tasks(): Promise<readonly string[]> {
    if (!this.#tables.areThere()) return [];
    return this.ctx.storage.sql
      .exec<{ task: string }>(READ)
      .toArray()
      .map(({ task }) => task);
  }
}
