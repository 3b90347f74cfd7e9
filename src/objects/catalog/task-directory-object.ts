/**
 * The task directory: root tasks that have a catalog object, also tasks that left peach.conf. One
 * object; each task registers once.
 */
import { DurableObject } from "cloudflare:workers";
import { Tables } from "../tables.ts";
import type { TaskDirectoryRpc } from "./catalog-rpc.ts";
import { TASK_DIRECTORY_TABLES } from "./schema.ts";

const REGISTER = "INSERT INTO tasks (task) VALUES (?) ON CONFLICT (task) DO NOTHING";
const READ = "SELECT task FROM tasks ORDER BY task";

export class TaskDirectoryObject extends DurableObject<Env> implements TaskDirectoryRpc {
  readonly #tables = new Tables(this.ctx.storage, TASK_DIRECTORY_TABLES);

  async register(task: string): Promise<void> {
    this.#tables.put(REGISTER, task);
  }

  async tasks(): Promise<readonly string[]> {
    return this.#tables.rows(READ).map(({ task }) => String(task));
  }
}
