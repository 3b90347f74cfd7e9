import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The wrangler.toml of a folder for the pool: a copy, in a folder of its own. Wrangler binds what the .dev.vars and .env beside a
 * configuration hold, which here are a developer's.
 */
export function poolConfig(root: string): string {
  const folder = join(root, "node_modules/.cache/peach-pool");
  mkdirSync(folder, { recursive: true });
  const [config, whole] = [join(folder, "wrangler.toml"), join(folder, `${process.pid}.toml`)];
  writeFileSync(whole, readFileSync(join(root, "wrangler.toml")));
  renameSync(whole, config);
  return config;
}
