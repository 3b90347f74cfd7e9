/** A user's project: Peach packed as `npm publish` would, and installed as a user types it. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");

const CONF = `tasks:
  hello:
    method: hello
    downstream: shout
  shout:
    method: shout
endpoints:
  greet:
    method: greet
    auth: none
`;

/** What a user may write, and lint and format of Peach itself refuse: any, as, var, Buffer, no semicolons. */
const PIPELINE = `import { task, triggerTaskWithEvent } from "peach/task-helpers"
import { z } from 'zod'

export const hello = task({
    input: z.object({ name: z.string() }),
    output: z.object({ text: z.string() }),
    run: async (payload) => ({ text: 'hello ' + payload.name }),
})

export async function shout(payload: any) {
    var bytes = Buffer.from((payload as { text: string }).text.toUpperCase())
    return bytes.toString('utf8')
}

export async function greet() {
    const { runId } = await triggerTaskWithEvent('hello', { name: 'web' })
    return { runId }
}
`;

export interface Answer {
  readonly code: number;
  readonly output: string;
}

export class InstalledProject {
  readonly folder: string;
  readonly installMs: number;
  /** Of node_modules. */
  readonly installedBytes: number;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string, installMs: number) {
    this.folder = folder;
    this.installMs = installMs;
    this.installedBytes = bytesIn(join(folder, "node_modules"));
  }

  /** Packs and installs, once for all tests. Rejects with the output of npm if it fails. */
  static async open(): Promise<InstalledProject> {
    const folder = mkdtempSync(join(tmpdir(), "peach-project-"));
    await succeed("npm", ["pack", "--silent", "--pack-destination", folder], ROOT);
    const packed = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
    mkdirSync(join(folder, "src/pipelines"), { recursive: true });
    writeFileSync(join(folder, "peach.conf"), CONF);
    writeFileSync(join(folder, "src/pipelines/hello.ts"), PIPELINE);
    cpSync(join(ROOT, "src/index.ts"), join(folder, "src/index.ts"));
    const wrangler = readFileSync(join(ROOT, "templates/webhook/wrangler.toml"), "utf8");
    writeFileSync(join(folder, "wrangler.toml"), wrangler);
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest(packed), null, 2));
    const startedAt = performance.now();
    await succeed("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], folder);
    return new InstalledProject(folder, performance.now() - startedAt);
  }

  /** Runs `npx NAME ARGUMENT...` in the project. */
  run(name: string, ...args: readonly string[]): Promise<Answer> {
    return answerOf("npx", ["--no-install", name, ...args], this.folder);
  }

  /** Starts `peach ARGUMENT...` with the Node of the machine, until the project is closed. */
  start(...args: readonly string[]): void {
    const program = join(this.folder, "node_modules/.bin/peach");
    this.#children.push(spawn(program, args, { cwd: this.folder, env: environment(), stdio: "ignore" }));
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      const ended = new Promise((done) => child.once("exit", done));
      if (child.kill("SIGTERM")) await ended;
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What a user's package.json names, in the versions of this clone. */
function manifest(packed: string): object {
  const { devDependencies }: { devDependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  const { typescript, wrangler, zod } = devDependencies;
  return {
    name: "my-pipelines",
    private: true,
    type: "module",
    scripts: { build: "peach check && peach compile" },
    dependencies: { peach: `file:${packed}`, zod },
    devDependencies: { typescript, wrangler },
  };
}

/** The environment of a user: nothing of this clone on the PATH, and nothing of the test runner. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, VITEST: _vitest, NODE_ENV: _env, ...env } = process.env;
  const path = (env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.startsWith(ROOT));
  return { ...env, PATH: path.join(delimiter), WRANGLER_SEND_METRICS: "false", CI: "1" };
}

function answerOf(program: string, args: readonly string[], cwd: string): Promise<Answer> {
  return new Promise((done) => {
    const settings = { cwd, env: environment(), maxBuffer: 64 * 1024 ** 2 };
    const child = execFile(program, [...args], settings, (_error, stdout, stderr) =>
      done({ code: child.exitCode ?? 1, output: stdout + stderr }),
    );
  });
}

async function succeed(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await answerOf(program, args, cwd);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${output}`);
}

/** A file that has several names counts once. */
function bytesIn(folder: string): number {
  const sizes = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => statSync(join(parentPath, name)))
      .map(({ ino, size }) => [ino, size]),
  );
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
