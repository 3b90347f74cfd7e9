import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseOptions, parsePort, UsageError } from "../../src/local/arguments.ts";
import { deriveConfig } from "../../src/local/derived-config.ts";
import { addDevVars, randomToken, readDevVars } from "../../src/local/dev-vars.ts";
import { randomSecret } from "../../src/local/secrets.ts";
import { OutputFilter } from "../../src/local/output.ts";
import { groupMembers, isAlive, parentOf, signalGroup, STATE_MARK } from "../../src/local/process-group.ts";
import { endGroup, freeStateFolder, openStateFolder, writeClaim, type Claim } from "../../src/local/state-folder.ts";
import { untilServing } from "../../src/local/runtime.ts";
import { watchProject } from "../../src/local/watch.ts";

const WAIT = { timeout: 5_000, interval: 20 };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-local-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the derived configuration", () => {
  const WRANGLER = `
name = "peach"
main = "src/index.ts"
compatibility_date = "2026-11-01"
[build]
command = "npm run compile"
[ai]
binding = "AI"
[vars]
MINE = "1"
[[r2_buckets]]
binding = "UPLOADS"
bucket_name = "uploads"
[triggers]
crons = ["*/5 * * * *"]
[dev]
host = "peach.example.org"
[[routes]]
pattern = "peach.example.org"
custom_domain = true
[env.production]
name = "peach-production"
`;

  it("the derived configuration is the same worker without what needs an account, never comes locally, or builds twice", () => {
    const vars = { PEACH_API_TOKEN: 'a"b\\n' };
    expect(deriveConfig(WRANGLER, { main: "/state/worker.js", buckets: { uploads: "UPLOADS" }, vars })).toEqual({
      name: "peach",
      main: "/state/worker.js",
      no_bundle: true,
      find_additional_modules: false,
      compatibility_date: "2026-11-01",
      vars: { MINE: "1", PEACH_API_TOKEN: 'a"b\\n', PEACH_LOCAL: "1" },
      r2_buckets: [{ binding: "UPLOADS", bucket_name: "uploads" }],
    });
  });

  it("the derived configuration is the same text in whatever order the variables come", () => {
    const derived = (vars: Readonly<Record<string, string>>): string =>
      JSON.stringify(deriveConfig(WRANGLER, { main: "/m", buckets: {}, vars }));
    // A secret that was just made comes last, and in the order of .dev.vars from then on.
    expect(derived({ PEACH_API_TOKEN: "t", A_SECRET: "s" })).toBe(derived({ A_SECRET: "s", PEACH_API_TOKEN: "t" }));
  });

  it("the derived configuration binds the buckets that wrangler.toml lacks", () => {
    const buckets = { uploads: "UPLOADS", "my-bucket": "MY_BUCKET" };
    expect(deriveConfig(WRANGLER, { main: "/m", buckets, vars: {} })["r2_buckets"]).toEqual([
      { binding: "UPLOADS", bucket_name: "uploads" },
      { binding: "MY_BUCKET", bucket_name: "my-bucket" },
    ]);
    expect(deriveConfig('name = "x"', { main: "/m", buckets: { b: "B" }, vars: {} })["r2_buckets"]).toEqual([
      { binding: "B", bucket_name: "b" },
    ]);
  });
});

describe("a runtime that starts again", () => {
  it("a runtime that starts again serves a version once its healthz names it, whatever it answers before", async () => {
    const answers = ["", "no JSON", "null", '{"conf_version":"old"}', '{"conf_version":"new"}'];
    const server = createServer((_, response) => response.end(answers.shift() ?? "nothing more was to be asked"));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    try {
      expect(await untilServing(`http://127.0.0.1:${port}`, "new")).toBe(true);
      expect(answers).toEqual([]);
    } finally {
      server.close();
    }
  });
});

describe(".dev.vars", () => {
  it(".dev.vars is made with a random token, for its owner only", () => {
    const path = join(folder, ".dev.vars");
    const { token, created, vars } = readDevVars(path, {});
    expect({ created, vars }).toEqual({ created: true, vars: { PEACH_API_TOKEN: token } });
    expect(token).toMatch(/^peach_[0-9a-f]{48}$/);
    expect(readFileSync(path, "utf8")).toBe(`PEACH_API_TOKEN=${token}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readDevVars(path, {})).toEqual({ vars, token, created: false });
    expect(randomToken()).not.toBe(token);
  });

  it(".dev.vars keeps the variables that are there", () => {
    const path = join(folder, ".dev.vars");
    writeFileSync(path, "# mine\nSECRET='a b'");
    const { token, vars } = readDevVars(path, {});
    expect(vars).toEqual({ SECRET: "a b", PEACH_API_TOKEN: token });
    expect(readFileSync(path, "utf8")).toBe(`# mine\nSECRET='a b'\nPEACH_API_TOKEN=${token}\n`);
  });

  it(".dev.vars is read with a byte order mark, and a folder in its place is named and left as it is", () => {
    const path = join(folder, ".dev.vars");
    writeFileSync(path, "\uFEFFPEACH_API_TOKEN=theirs\n");
    expect(readDevVars(path, {})).toMatchObject({ token: "theirs", created: false });
    rmSync(path);
    mkdirSync(path, { mode: 0o755 });
    expect(() => readDevVars(path, {})).toThrow(`${path} is a folder, and has to be a file`);
    expect(statSync(path).mode & 0o777).toBe(0o755);
  });

  it(".dev.vars that others on the machine could read is closed to them", () => {
    const path = join(folder, ".dev.vars");
    writeFileSync(path, "PEACH_API_TOKEN=theirs\n", { mode: 0o644 });
    expect(readDevVars(path, {}).token).toBe("theirs");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it(".dev.vars takes further variables at its end, each read as it was given", () => {
    const path = join(folder, ".dev.vars");
    writeFileSync(path, "A=1", { mode: 0o644 });
    const secret = randomSecret();
    addDevVars(path, { AUDIO_WEBHOOK_SECRET: secret });
    expect(readFileSync(path, "utf8")).toBe(`A=1\nAUDIO_WEBHOOK_SECRET=${secret}\n`);
    expect(readDevVars(path, { PEACH_API_TOKEN: "mine" }).vars).toMatchObject({ A: "1", AUDIO_WEBHOOK_SECRET: secret });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it(".dev.vars gives way to the tokens of the environment, and is not made then", () => {
    const path = join(folder, ".dev.vars");
    const environment = { PEACH_API_TOKEN: "mine", PEACH_API_TOKENS: "a:read:00", HOME: "/root" };
    const expected = {
      vars: { PEACH_API_TOKEN: "mine", PEACH_API_TOKENS: "a:read:00" },
      token: "mine",
      created: false,
    };
    expect(readDevVars(path, environment)).toEqual(expected);
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, "PEACH_API_TOKEN=theirs\n");
    expect(readDevVars(path, environment)).toEqual(expected);
    expect(readDevVars(path, { PEACH_API_TOKEN: "" }).token).toBe("theirs");
  });
});

describe("the output filter", () => {
  it("the output filter shows the worker's lines and wrangler's errors, whole, however they arrive in pieces", () => {
    const filter = new OutputFilter();
    const output = [
      "Your Worker has access to the following bindings:",
      "Binding                          Resource                  Mode",
      "env.RUNS (RunObject)             Durable Object            local",
      "",
      "⎔ Starting local server...",
      "[wrangler:info] Ready on http://127.0.0.1:1",
      "[wrangler:info] GET /healthz 200 OK (339ms)",
      "[wrangler:info] QUEUE peach-runs 1/1 (3ms)",
      "hello { a: 1 }",
      "",
      "",
      "\u001B[31m✘ [ERROR]\u001B[0m Build failed with 1 error:",
      "[wrangler:info] GET /recommendations 200 OK (4ms)",
      "env.X is what I log",
      "",
    ].join("\n");
    const shown = (output.match(/[^]{1,7}/g) ?? []).flatMap((piece) => filter.push(piece));
    expect(shown).toEqual([
      "hello { a: 1 }",
      "",
      "\u001B[31m✘ [ERROR]\u001B[0m Build failed with 1 error:",
      "[wrangler:info] GET /recommendations 200 OK (4ms)",
      "env.X is what I log",
    ]);
  });
});

describe("a command line", () => {
  const options = { port: { type: "string" }, keep: { type: "boolean" } } as const;

  it("a command line gives the options it has", () => {
    expect(parseOptions(["--port", "1", "--keep"], options)).toEqual({ port: "1", keep: true });
    expect(parseOptions([], options)).toEqual({});
  });

  it.each([
    [["--bogus"], "Unknown option '--bogus'."],
    [["file"], "Unexpected argument 'file'."],
    [["--port"], "Option '--port <value>' argument missing."],
    [["--keep=1"], "Option '--keep' does not take an argument."],
  ])("a command line with %j is refused", (args, reason) => {
    expect(() => parseOptions(args, options)).toThrow(new UsageError(reason));
  });

  it("a command line takes ports from 0 to 65535", () => {
    expect([parsePort("0"), parsePort("8787"), parsePort("65535")]).toEqual([0, 8787, 65_535]);
    for (const text of ["-1", "65536", "8e3", "", "http"]) expect(() => parsePort(text)).toThrow(UsageError);
  });
});

describe("a state folder", () => {
  /** A process group like a runtime's: its leader, which ends, and a member, which stays. */
  async function leftover(mark: string): Promise<number> {
    const leader = spawn("sh", ["-c", "sleep 60 & sleep 60"], {
      detached: true,
      env: { ...process.env, [STATE_MARK]: mark },
    });
    const group = await started(leader);
    await vi.waitFor(() => expect(groupMembers(group).length).toBeGreaterThanOrEqual(3), WAIT);
    leader.kill("SIGKILL");
    await vi.waitFor(() => expect(isAlive(group)).toBe(false), WAIT);
    return group;
  }

  /** The id of a process that has ended. */
  async function ended(): Promise<number> {
    const child = spawn("true");
    const pid = await started(child);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), WAIT);
    return pid;
  }

  const claimOf = (owner: number | null, group: number): Claim => ({ owner, group, url: "http://127.0.0.1:1" });

  it("a state folder that nobody uses is free", async () => {
    expect(await freeStateFolder(openStateFolder(folder))).toBeNull();
  });

  it("a state folder is freed of what a dead owner has left, though the group's leader is dead", async () => {
    const state = openStateFolder(folder);
    const group = await leftover(state.root);
    writeClaim(state, claimOf(await ended(), group));
    expect(await freeStateFolder(state)).toBeNull();
    expect(groupMembers(group)).toEqual([]);
  });

  it("a state folder does not touch a process group that is somebody else's by now", async () => {
    const state = openStateFolder(folder);
    const group = await leftover("/another/folder");
    writeClaim(state, claimOf(await ended(), group));
    expect(await freeStateFolder(state)).toBeNull();
    expect(groupMembers(group)).not.toEqual([]);
    await endGroup(group);
  });

  it("a state folder that was left running on purpose stays in use", async () => {
    const state = openStateFolder(folder);
    const group = await leftover(state.root);
    writeClaim(state, claimOf(null, group));
    expect(await freeStateFolder(state)).toEqual(claimOf(null, group));
    await endGroup(group);
    expect(await freeStateFolder(state)).toBeNull();
  });

  it("a state folder with a claim that cannot be read is free", async () => {
    const state = openStateFolder(folder);
    for (const text of ["", "{", "null", '{"owner": "x", "group": 1, "url": ""}']) {
      writeFileSync(state.claimPath, text);
      expect(await freeStateFolder(state)).toBeNull();
    }
  });
});

describe("processes", () => {
  it("processes know their parent", async () => {
    const child = spawn("sleep", ["60"]);
    const pid = await started(child);
    expect(parentOf(pid)).toBe(process.pid);
    child.kill("SIGKILL");
    await vi.waitFor(() => expect(parentOf(pid)).toBeNull(), WAIT);
    signalGroup(pid, "SIGKILL");
  });
});

describe("watching a project", () => {
  it("watching a project tells of a file that is replaced again and again, of new folders, of a peach.conf that becomes a folder or appears", async () => {
    const pipelinesDir = join(folder, "pipelines");
    mkdirSync(join(folder, "src"));
    mkdirSync(pipelinesDir);
    writeFileSync(join(pipelinesDir, "a.ts"), "0");
    const confPath = join(folder, "conf", "p.conf");
    mkdirSync(join(folder, "conf"));
    const onChange = vi.fn<() => Promise<void>>(async () => undefined);
    const stop = watchProject(
      { projectRoot: folder, confPath, pipelinesDir, wranglerPath: join(folder, "wrangler.toml") },
      onChange,
    );
    const expectChange = async (change: () => void): Promise<void> => {
      onChange.mockClear();
      change();
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(1), WAIT);
    };
    const replace = (path: string): void => {
      writeFileSync(join(folder, "new"), "1");
      renameSync(join(folder, "new"), path);
    };
    try {
      await expectChange(() => replace(join(pipelinesDir, "a.ts")));
      await expectChange(() => replace(join(pipelinesDir, "a.ts")));
      await expectChange(() => writeFileSync(join(pipelinesDir, "a.ts"), "2"));
      await expectChange(() => mkdirSync(join(pipelinesDir, "deep")));
      await expectChange(() => writeFileSync(join(pipelinesDir, "deep", "b.ts"), "1"));
      await expectChange(() => rmSync(join(pipelinesDir, "deep"), { recursive: true }));
      await expectChange(() => replace(confPath));
      await expectChange(() => {
        rmSync(confPath);
        mkdirSync(confPath);
      });
      await expectChange(() => writeFileSync(join(confPath, "tasks.yaml"), "tasks:"));
      await expectChange(() => replace(join(confPath, "tasks.yaml")));
      await expectChange(() => writeFileSync(join(folder, "peach.conf"), "x"));
    } finally {
      stop();
    }
  });
});

it("watching a project leaves out a folder of peach.conf that is not there", () => {
  const confPath = join(folder, "absent", "peach.conf");
  const paths = { projectRoot: folder, confPath, pipelinesDir: folder, wranglerPath: join(folder, "wrangler.toml") };
  const stop = watchProject(paths, async () => undefined);
  expect(stop()).toBeUndefined();
});

async function started(child: ChildProcess): Promise<number> {
  await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  if (child.pid === undefined) throw new Error("the process has no id");
  return child.pid;
}
