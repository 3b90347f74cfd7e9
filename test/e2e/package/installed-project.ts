/** A user's project: Peach packed as `npm publish` would, and each command as a user types it. */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");

/** What packing does not read. */
const LEFT_OUT = new Set([".git", ".peach", "dist", "docs", "node_modules", "test"]);

export interface Answer {
  readonly code: number;
  readonly output: string;
}

/** A folder with the packed file, in which a user makes projects. */
export class UserFolder {
  readonly folder = mkdtempSync(join(tmpdir(), "peach-user-"));
  /** What was typed, and how long each took. */
  readonly times: { readonly typed: string; readonly ms: number }[] = [];
  readonly #started: ChildProcess[] = [];
  readonly #env = { ...environment(), npm_config_cache: this.#cache() };

  /** Makes the packed file, in a copy of the clone: what packing builds would change under other tests. */
  async pack(): Promise<void> {
    const copy = join(this.folder, ".clone");
    mkdirSync(copy);
    for (const name of readdirSync(ROOT))
      if (!LEFT_OUT.has(name)) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const { code, output } = await this.type(`npm pack --pack-destination ${this.folder}`, copy);
    if (code !== 0) throw new Error(output);
    rmSync(copy, { recursive: true });
  }

  project(name: string): string {
    return join(this.folder, name);
  }

  /** Runs a line as a shell does, here or in a project. */
  async type(typed: string, cwd = this.folder): Promise<Answer> {
    const startedAt = performance.now();
    const child = spawn("sh", ["-c", typed], { cwd, env: this.#env, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    const code = await new Promise<number>((done, reject) => {
      child.once("error", reject).once("close", (status) => done(status ?? 1));
    });
    this.times.push({ typed: typed.replaceAll(this.folder, "."), ms: performance.now() - startedAt });
    return { code, output: Buffer.concat(chunks).toString() };
  }

  /** Starts a line. The function that is returned presses Ctrl-C, and resolves when it has ended. */
  start(typed: string, cwd: string): () => Promise<void> {
    const child = spawn("sh", ["-c", typed], { cwd, env: this.#env, stdio: "ignore", detached: true });
    this.#started.push(child);
    return () => interrupted(child);
  }

  /** Gives a project the packages that another one has installed, and these of the clone. */
  share(from: string, to: string, ofClone: readonly string[] = []): void {
    const [installed, modules] = [join(this.project(from), "node_modules"), join(this.project(to), "node_modules")];
    mkdirSync(modules);
    for (const name of readdirSync(installed)) symlinkSync(join(installed, name), join(modules, name));
    for (const name of ofClone) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }

  async close(): Promise<void> {
    for (const child of this.#started) await interrupted(child);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A cache with what the machine's has; what `npm exec` installs goes with this folder. */
  #cache(): string {
    const [cache, own] = [process.env["npm_config_cache"] ?? join(homedir(), ".npm"), join(this.folder, ".npm")];
    mkdirSync(own);
    mkdirSync(join(cache, "_cacache"), { recursive: true });
    symlinkSync(join(cache, "_cacache"), join(own, "_cacache"));
    return own;
  }
}

async function interrupted(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((done) => child.once("exit", done));
  process.kill(-child.pid, "SIGINT");
  await ended;
}

/** The environment of a user: nothing of this clone on the PATH, nothing of npm or the test runner. */
function environment(): NodeJS.ProcessEnv {
  const ours = /^(NODE_OPTIONS|NODE_ENV|NODE_PATH|NODE|INIT_CWD|VITEST.*|npm_(?!config_).*|npm_config_local_prefix)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  const path = (env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return {
    ...env,
    PATH: path.join(delimiter),
    WRANGLER_SEND_METRICS: "false",
    CI: "1",
    NO_COLOR: "1",
    npm_config_yes: "true",
  };
}

/** Bytes of the files of a folder. A file that has several names counts once. */
export function bytesIn(folder: string): number {
  const sizes = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => statSync(join(parentPath, name)))
      .map(({ ino, size }) => [ino, size]),
  );
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
