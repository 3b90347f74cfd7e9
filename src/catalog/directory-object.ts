/** Which root tasks have a catalogue, also those that peach.conf does not have any more. One object; each task tells it once. */
import { DurableObject } from "cloudflare:workers";
import type { DirectoryRpc } from "./catalog-rpc.ts";
import { CREATE_DIRECTORY } from "./schema.ts";

const ENLIST = "INSERT INTO tasks (task) VALUES (?) ON CONFLICT (task) DO NOTHING";
const READ = "SELECT task FROM tasks ORDER BY task";

export class DirectoryObject extends DurableObject<Env> implements DirectoryRpc {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(CREATE_DIRECTORY);
  }

  async enlist(task: string): Promise<void> {
    this.ctx.storage.sql.exec(ENLIST, task);
  }

  async tasks(): Promise<readonly string[]> {
    return this.ctx.storage.sql
      .exec<{ task: string }>(READ)
      .toArray()
      .map(({ task }) => task);
  }
}
