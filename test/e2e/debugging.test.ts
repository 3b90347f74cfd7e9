/** Work on a pipeline that fails: breakpoints in its file, and stacks that lead to it, in `npm run dev -- --inspect`. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { blockIn, page } from "../support/documents.ts";
import { Debugger } from "../support/debugger.ts";
import { Command } from "./command.ts";
import { Peach, taskOf } from "./peach.ts";

const WAIT = { timeout: 60_000, interval: 50 };
const TOKEN = "token-of-the-end-to-end-tests";
const CONF = `tasks:
  greet: {method: greet, retries: 0, timeout: 1s}
  broken: {method: broken, retries: 0}
  patient: {method: patient, retries: 0, timeout: 40s}
endpoints:
  hello: {method: hello}
`;
const PIPELINE = `interface Person {
  readonly name: string;
}

/** A comment, and types, that the bundle leaves out. */
function nameOf(person: Person | null): string {
  return person!.name.toUpperCase();
}

export const greet = async (person: Person): Promise<string> => {
  const spoken = \`Hello, \${nameOf(person)}\`;
  return spoken;
};

export async function broken(person: Person | null): Promise<string> {
  await Promise.resolve();
  return nameOf(person);
}

export const patient = broken;

export const hello = (): never => {
  throw new RangeError("no greeting today");
};
`;

let folder = "";
let command: Command;
let peach: Peach;
let inspectorPort = 0;
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "peach-debugging-")));
  mkdirSync(join(folder, "pipelines"));
  writeFileSync(join(folder, "peach.conf"), CONF);
  writeFileSync(join(folder, "pipelines/greeting.ts"), PIPELINE);
  inspectorPort = await freePort();
  const args = ["--port", "0", "--persist-to", join(folder, "state"), "--inspect", String(inspectorPort)];
  command = new Command("bin/dev", args, {
    PEACH_CONF: join(folder, "peach.conf"),
    PEACH_PIPELINES: join(folder, "pipelines"),
    PEACH_API_TOKEN: TOKEN,
  });
  await vi.waitFor(() => expect(command.stdout + command.stderr).toContain("One debugger at a time can attach."), WAIT);
  peach = new Peach({ url: /http:\/\/127\.0\.0\.1:\d+/.exec(command.stdout)?.[0] ?? "", token: TOKEN });
});
afterAll(async () => {
  command.kill("SIGTERM");
  await command.exit();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

describe("npm run dev -- --inspect", () => {
  it("npm run dev -- --inspect stops an attempt at a breakpoint in the pipeline's own file, and no timeout ends it there", async () => {
    const file = join(folder, "pipelines/greeting.ts");
    const line = PIPELINE.split("\n").indexOf("  return spoken;") + 1;
    using attached = await Debugger.attach(inspectorPort);
    await attached.breakAt(file, line);
    // The whole runtime stands still at a breakpoint: the answer may come only afterwards.
    const triggered = peach.trigger("greet", { name: "Ada" });
    const standing = await attached.stands();
    expect(standing).toMatchObject({ file, line });
    expect(await standing.evaluate("spoken")).toBe("Hello, ADA");
    expect(await standing.evaluate("person.name")).toBe("Ada");
    // Longer than the timeout in peach.conf: what passes is time, and nothing else tells of it.
    const since = Date.now();
    await expect.poll(() => Date.now() - since, WAIT).toBeGreaterThan(1_500);
    await attached.goOn();
    const run = await peach.finished((await triggered).run_id);
    expect(taskOf(run, "greet").attempts).toMatchObject([{ attempt: 1, status: "succeeded" }]);
  });

  it("npm run dev -- --inspect says what to do in VS Code and Chrome, with the launch.json that the guide shows", () => {
    expect(command.stdout).toContain(`add 127.0.0.1:${inspectorPort}`);
    const guide = blockIn(page("docs/guides/debugging.md"), "json");
    expect(command.stdout).toContain(guide.trim().replace("9229", String(inspectorPort)));
  });
});

describe("the terminal of npm run dev", () => {
  it("the terminal of npm run dev shows a failed attempt with its place and the command that tells more, and no requests", async () => {
    const { run_id } = await peach.trigger("broken", null);
    await peach.finished(run_id);
    await expect.poll(() => command.stdout, WAIT).toContain(`npm run peach -- show ${run_id}\n`);
    expect(command.stdout).toMatch(
      /^\d\d:\d\d:\d\d ✗ broken failed after \d+ ms \(attempt 1\): TypeError: Cannot read .* pipelines\/greeting\.ts:7:18$/m,
    );
    expect(command.stdout).not.toMatch(/GET \/api|"audit"/);
  });
});

describe("the stack of a failed attempt", () => {
  it.each(["broken", "patient"])(
    "the stack of a failed attempt of %s leads to file, line and column of the pipeline, relative to the project",
    async (task) => {
      const { run_id } = await peach.trigger(task, null);
      const [attempt] = taskOf(await peach.finished(run_id), task).attempts;
      expect(attempt?.error?.stack).toBe(
        [
          "TypeError: Cannot read properties of null (reading 'name')",
          "    at nameOf (pipelines/greeting.ts:7:18)",
          "    at broken (pipelines/greeting.ts:17:10)",
        ].join("\n"),
      );
    },
  );

  it("the stack of an endpoint's error stands in the log, and in no answer", async () => {
    const answer = await peach.call("/hello");
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("greeting.ts");
    await expect
      .poll(() => command.stdout, WAIT)
      .toMatch(
        /endpoint "hello" failed .*\n +RangeError: no greeting today\n +at hello \(pipelines\/greeting\.ts:23:9\)\n/,
      );
  });
});
