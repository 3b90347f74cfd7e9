import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { groupMembers } from "../../src/local/process-group.ts";
import { Command } from "./command.ts";
import { Peach } from "./peach.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOKEN = "token-of-the-end-to-end-tests";
/** Where the command puts secrets that it makes for the example. They are of no use after the tests. */
const DEV_VARS = join(ROOT, ".dev.vars");
const hadDevVars = existsSync(DEV_VARS);
const WAIT = { timeout: 30_000, interval: 50 };
const CONF = "tasks:\n  greet: {method: greet}\nendpoints:\n  hello: {method: hello}\n";
const PIPELINE = 'export const greet = async () => "hi";\nexport const hello = async () => ({ version: 1 });\n';
const claim = z.object({ group: z.number() });

let folder = "";
let commands: Command[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-dev-test-"));
  mkdirSync(join(folder, "pipelines"));
  write("peach.conf", CONF);
  write("pipelines/greeting.ts", PIPELINE);
});
afterEach(async () => {
  for (const command of commands) command.kill("SIGKILL");
  await Promise.all(commands.map((command) => command.exit()));
  commands = [];
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  if (!hadDevVars) rmSync(DEV_VARS, { force: true });
});

function write(path: string, text: string): void {
  writeFileSync(join(folder, path), text);
}

function dev(...args: string[]): Command {
  return devWith(TOKEN, {}, ...args);
}

function devWith(token: string, files: Readonly<Record<string, string>>, ...args: string[]): Command {
  const command = new Command("bin/dev", ["--persist-to", join(folder, "state"), ...args], {
    PEACH_CONF: join(folder, "peach.conf"),
    PEACH_PIPELINES: join(folder, "pipelines"),
    PEACH_API_TOKEN: token,
    ...files,
  });
  commands.push(command);
  return command;
}

/** Types a line in the folder of the project, as a person would. Rejects with its output if it fails. */
async function typed(line: string): Promise<void> {
  const env = { ...process.env, PEACH_API_TOKEN: TOKEN, npm_config_loglevel: "error" };
  await promisify(execFile)("sh", ["-c", line], { cwd: ROOT, env, timeout: 60_000 });
}

/** The command in a terminal of its own, which Python opens. */
function inTerminal(args: readonly string[]): {
  readonly output: string;
  readonly exit: Promise<number | null>;
  press(key: string): void;
} {
  const program = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const child = spawn("python3", ["-c", program, process.execPath, join(ROOT, "src/cli/bin/dev.ts"), ...args], {
    cwd: ROOT,
    env: {
      ...process.env,
      PEACH_CONF: join(folder, "peach.conf"),
      PEACH_PIPELINES: join(folder, "pipelines"),
      PEACH_API_TOKEN: TOKEN,
      NO_COLOR: "1",
    },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  // Its end hangs the terminal up, which ends the command.
  onTestFinished(() => void child.kill("SIGKILL"));
  return {
    get output() {
      return output;
    },
    exit,
    press: (key) => child.stdin.write(key),
  };
}

/** Starts it on this port (0: a free one) and waits until it says that it is ready. */
async function ready(
  port: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ command: Command; peach: Peach; group: number }> {
  const command = devWith(TOKEN, files, "--port", port);
  await expect.poll(() => command.stdout + command.stderr, WAIT).toContain("(logs one browser in, once)");
  const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(command.stdout) ?? [];
  const { group } = claim.parse(JSON.parse(readFileSync(join(folder, "state/runtime/claim.json"), "utf8")));
  return { command, peach: new Peach({ url, token: TOKEN }), group };
}

async function hello(peach: Peach): Promise<unknown> {
  return (await peach.call("/hello")).json();
}

describe("npm run dev", () => {
  it("npm run dev is ready when /healthz answers, says what there is, and ends all it started at SIGTERM", async () => {
    const { command, peach, group } = await ready("0");
    expect((await peach.call("/healthz")).status).toBe(200);
    expect(command.stdout).toContain(`any method ${peach.url}/hello`);
    expect(command.stdout).toContain(`npm run peach -- trigger greet --watch --url ${peach.url}\n`);
    // The link is what stays in sight: nothing is printed after it.
    expect(command.stdout).toMatch(/\/dashboard\/login#[\w-]{20} {2}\(logs one browser in, once\)\n$/);
    // The token is nothing for a terminal, which is recorded and scrolled back.
    expect(command.stdout).not.toMatch(/Bearer|token=/i);
    expect(groupMembers(group)).not.toEqual([]);
    command.kill("SIGTERM");
    expect(await command.exit()).toBe(0);
    expect(groupMembers(group)).toEqual([]);
    expect(command.stderr).toBe("");
  });

  it("npm run dev leaves nothing running at SIGKILL, and goes on where it was on the same port and state", async () => {
    const { command, peach, group } = await ready("0");
    const { run_id } = await peach.trigger("greet");
    await peach.finished(run_id);
    command.kill("SIGKILL");
    expect(await command.exit()).toBe("SIGKILL");
    await expect.poll(() => groupMembers(group), WAIT).toEqual([]);

    const again = await ready(new URL(peach.url).port);
    expect(again.peach.url).toBe(peach.url);
    expect(await again.peach.run(run_id)).toMatchObject({ status: "succeeded" });
  });

  it("npm run dev takes changes over, and keeps the last good version serving while they are broken", async () => {
    const { command, peach } = await ready("0");
    expect(await hello(peach)).toEqual({ version: 1 });

    write("pipelines/greeting.ts", PIPELINE.replace("1", "2"));
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 2 });

    write("peach.conf", CONF.replace("tasks", "taks"));
    await expect.poll(() => command.stderr, WAIT).toContain("did you mean `tasks`?");
    expect(await hello(peach)).toEqual({ version: 2 });

    write("peach.conf", CONF);
    write("pipelines/greeting.ts", `import { nothing } from "zod";\n${PIPELINE.replace("1", "nothing")}`);
    await expect.poll(() => command.stderr, WAIT).toContain('No matching export in "node_modules/zod/index.js"');
    expect(await hello(peach)).toEqual({ version: 2 });

    write("pipelines/greeting.ts", PIPELINE.replace("1", "3"));
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 3 });
  });

  it("npm run dev takes over what is saved while it still starts", async () => {
    const command = dev("--port", "0");
    // The runtime is launched after the build, so that the build knows nothing of this change.
    await expect.poll(() => existsSync(join(folder, "state/runtime/claim.json")), WAIT).toBe(true);
    write("pipelines/greeting.ts", PIPELINE.replace("1", "2"));
    await expect.poll(() => command.stdout, WAIT).toContain("Taken over.");
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(command.stdout) ?? [];
    const peach = new Peach({ url, token: TOKEN });
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 2 });
  });

  it("npm run dev serves the last good version while a file throws when it is loaded, or never ends loading", async () => {
    const { command, peach, group } = await ready("0");
    const members = groupMembers(group);

    write("pipelines/greeting.ts", `const languages: string[] = [];\nlanguages[0]!.toUpperCase();\n${PIPELINE}`);
    await expect.poll(() => command.stderr, WAIT).toContain("Not taken over");
    expect(command.stderr).toMatch(
      /^pipelines\/greeting\.ts:2:15: the file throws when it is loaded: TypeError: Cannot read properties of undefined/m,
    );
    expect(command.stderr).toContain("  2 | languages[0]!.toUpperCase();\n    |               ^");
    expect(await hello(peach)).toEqual({ version: 1 });

    write("pipelines/greeting.ts", PIPELINE);
    await expect.poll(() => command.stdout, WAIT).toContain("All is as in the running version again.");

    write("pipelines/greeting.ts", `let turns = 0;\nwhile (turns >= 0) turns = (turns + 1) % 7;\n${PIPELINE}`);
    await expect.poll(() => command.stderr, WAIT).toContain("the files take longer than 10 s to load");
    expect(command.stderr).toMatch(/^pipelines\/greeting\.ts:2:\d+: the files take longer/m);
    expect(await hello(peach)).toEqual({ version: 1 });

    write("pipelines/greeting.ts", PIPELINE.replace("1", "2"));
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 2 });
    expect(groupMembers(group).filter((pid) => members.includes(pid))).not.toEqual([]);
  });

  it.each([
    ["the template webhook", "templates/webhook/peach.conf", "templates/webhook/src/pipelines", 1],
    ["the template blank", "templates/blank/peach.conf", "templates/blank/src/pipelines", 1],
    // The template transcription is this example.
    ["the example", "peach.conf.example", "src/pipelines", 2],
  ])("npm run dev suggests commands that work as printed: %s", async (_, conf, pipelines, count) => {
    const { command, peach } = await ready("0", {
      PEACH_CONF: join(ROOT, conf),
      PEACH_PIPELINES: join(ROOT, pipelines),
    });
    const [, block = ""] = /\nTry\n((?: {2}.+\n)+)/.exec(command.stdout) ?? [];
    const lines = block.trimEnd().split("\n");
    expect(lines).toHaveLength(count);
    for (const line of lines) await typed(line);
    const runs = z.object({ runs: z.array(z.object({ run_id: z.string() })) });
    const listed = async (): Promise<readonly { readonly run_id: string }[]> =>
      runs.parse(await (await peach.call("/api/v1/runs")).json()).runs;
    await expect.poll(listed, WAIT).not.toEqual([]);
    for (const { run_id } of await listed())
      expect(await peach.finished(run_id)).toMatchObject({ status: "succeeded" });
  });

  it("npm run dev takes keys in a terminal: the last failure, a link that logs in, and the end", async () => {
    write("pipelines/greeting.ts", PIPELINE.replace('"hi"', '{ throw new Error("no greeting today"); }'));
    write("peach.conf", CONF.replace("method: greet", "method: greet, retries: 0"));
    const terminal = inTerminal(["--persist-to", join(folder, "state"), "--port", "0"]);
    await expect.poll(() => terminal.output, WAIT).toContain("Keys: o opens the dashboard");
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(terminal.output) ?? [];
    const peach = new Peach({ url, token: TOKEN });
    const { run_id } = await peach.trigger("greet");
    await peach.finished(run_id);
    await expect
      .poll(() => peach.call("/api/v1/runs?status=failed").then((answer) => answer.text()), WAIT)
      .toContain(run_id);
    terminal.press("f");
    await expect.poll(() => terminal.output, WAIT).toContain("greet failed: Error: no greeting today");
    const before = terminal.output.length;
    terminal.press("l");
    await expect.poll(() => terminal.output.slice(before), WAIT).toMatch(/\/dashboard\/login#[\w-]{20}\r\n/);
    const [, code] = /login#([\w-]{20})\r\n/.exec(terminal.output.slice(before)) ?? [];
    const login = await peach.call("/dashboard/login", {
      method: "POST",
      headers: { "X-Peach-Dashboard": "1", Origin: url },
      body: JSON.stringify({ code }),
    });
    expect(login.status).toBe(200);
    terminal.press("q");
    expect(await terminal.exit).toBe(0);
  });

  it("npm run dev binds a bucket that wrangler.toml does not have", async () => {
    write("peach.conf", CONF.replace("greet}", "greet, on: {r2: {bucket: my-bucket, prefix: in/}}}"));
    const { peach } = await ready("0");
    const stored = await peach.call("/dev/r2/my-bucket/in/a.txt", { method: "PUT", body: "a" });
    const { will_trigger } = z
      .object({ will_trigger: z.array(z.object({ run_id: z.string() })) })
      .parse(await stored.json());
    const [run] = will_trigger;
    await expect.poll(async () => (await peach.call(`/api/v1/runs/${run?.run_id}`)).status, WAIT).toBe(200);
    expect(await peach.finished(run?.run_id ?? "")).toMatchObject({ status: "succeeded", trigger: { source: "r2" } });
  });

  it("npm run dev refuses a state folder and a port that are in use, and a peach.conf that is broken", async () => {
    const { peach } = await ready("0");
    const second = dev("--port", "0");
    expect(await second.exit()).toBe(1);
    expect(second.stderr).toMatch(/The state folder .* is in use by the runtime at http.*--persist-to\.\n$/s);

    const { port } = new URL(peach.url);
    const third = dev("--port", port, "--persist-to", join(folder, "other"));
    expect(await third.exit()).toBe(1);
    expect(third.stderr).toContain(`Port ${port} cannot be used (EADDRINUSE).`);
    expect((await peach.call("/healthz")).status).toBe(200);

    write("peach.conf", "tasks: []\n");
    const fourth = dev("--persist-to", join(folder, "other"));
    expect(await fourth.exit()).toBe(1);
    expect(fourth.stderr).toContain("peach.conf:1:8");
  });

  it("npm run dev refuses a token that the worker would refuse, and says what to do", async () => {
    const command = devWith("x".repeat(23), {});
    expect(await command.exit()).toBe(1);
    expect(command.stderr).toContain("PEACH_API_TOKEN has fewer than 24 characters, so the worker refuses it");
  });

  it("npm run dev refuses options that it does not have", async () => {
    const command = dev("--prot", "1");
    expect(await command.exit()).toBe(2);
    expect(command.stderr).toMatch(/^Unknown option '--prot'\.\n\nusage: /);
  });
});
