import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { CONF, DevProject, peachOf, PIPELINE, START, WAIT } from "./dev-project.ts";

const ROOT = join(import.meta.dirname, "../../..");

let project: DevProject;
beforeEach(() => {
  project = new DevProject();
});
afterEach(() => project.close());

/** The command in a terminal of its own, which Python opens. */
function inTerminal(args: readonly string[]): {
  readonly output: string;
  readonly exit: Promise<number | null>;
  press(key: string): void;
} {
  const program = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const child = spawn("python3", ["-c", program, process.execPath, join(ROOT, "src/cli/bin/dev.ts"), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...project.env, NO_COLOR: "1" },
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

describe("npm run dev", () => {
  it("npm run dev takes keys in a terminal: the last failure, a link that logs in, and the end", async () => {
    project.write("pipelines/greeting.ts", PIPELINE.replace('"hi"', '{ throw new Error("no greeting today"); }'));
    project.write("peach.conf", CONF.replace("method: greet", "method: greet, retries: 0"));
    const terminal = inTerminal(["--persist-to", project.stateFolder, "--port", "0"]);
    await expect.poll(() => terminal.output, START).toContain("Keys: o opens the dashboard");
    const peach = peachOf(terminal.output);
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
      headers: { "X-Peach-Dashboard": "1", Origin: peach.url },
      body: JSON.stringify({ code }),
    });
    expect(login.status).toBe(200);
    terminal.press("q");
    expect(await terminal.exit).toBe(0);
  });
});
