/** The commands of the documents, typed as they stand there, in a copy of the project; only port and run id are those of the test. */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { blockIn, page, sectionUnder } from "../support/documents.ts";
import { Peach, taskOf } from "./peach.ts";

const ROOT = join(import.meta.dirname, "../..");
const SOON = { timeout: 60_000, interval: 100 };
const TUTORIAL = ["docs/tutorial.md", "## The steps"] as const;
const started = z.object({ runs: z.array(z.object({ run_id: z.string(), task: z.string() })) });

let folder = "";
let dev: ChildProcess;
let port = 0;
let output = "";

/** What `npm run` finds here is the copy's, and nothing of the surroundings chooses another. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PEACH_|npm_|AUDIO_)/.test(name)));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "peach-tutorial-"));
  const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
  const deleted = execFileSync("git", ["ls-files", "-z", "--deleted"], { cwd: ROOT, encoding: "utf8" }).split("\0");
  for (const path of execFileSync("git", listed, { cwd: ROOT, encoding: "utf8" }).split("\0")) {
    if (path === "" || path === "peach.conf" || path.startsWith("test/") || deleted.includes(path)) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  port = await freePort();
  const [, command = ""] = /Start it with `([^`]+)`/.exec(sectionUnder(...TUTORIAL)) ?? [];
  // A group of its own: npm's processes end with it.
  dev = spawn("bash", ["-c", here(command)], { cwd: folder, env: environment(), detached: true });
  for (const stream of [dev.stdout, dev.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return async () => {
    const ended = new Promise((resolve) => dev.once("close", resolve));
    process.kill(-(dev.pid ?? 0), "SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
});

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

/** The text with this test's port. */
function here(text: string): string {
  return text.replaceAll("8787", String(port));
}

/** What these lines print. */
async function typed(lines: string): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-euc", here(lines)], { cwd: folder, env: environment() });
  return stdout.trim();
}

/** The lines of a block that one types, and those that come back. */
function linesOf(block: string): { typed: string; printed: string[] } {
  const isTyped = (line: string): boolean => /^(curl|TOKEN=|npm)/.test(line);
  const lines = block.trim().split("\n");
  return { typed: lines.filter(isTyped).join("\n"), printed: lines.filter((line) => !isTyped(line)) };
}

/** The block behind these words of the tutorial. */
function step(words: string): { typed: string; printed: string[] } {
  return linesOf(blockIn(sectionUnder(...TUTORIAL).split(words)[1] ?? "", ""));
}

function peach(): Peach {
  const [, token = ""] = /^PEACH_API_TOKEN=(.*)$/m.exec(readFileSync(join(folder, ".dev.vars"), "utf8")) ?? [];
  return new Peach({ url: `http://127.0.0.1:${port}`, token });
}

/** Sends an article as the tutorial does: its run. */
async function send(article?: string): Promise<string> {
  const { typed: line, printed } = step("3. Start it");
  const answer = await typed(article === undefined ? line : line.replace(/"[^"]*"$/, JSON.stringify(article)));
  const [run] = started.parse(JSON.parse(answer)).runs;
  expect(answer.replace(run?.run_id ?? "", "run_…")).toBe(printed.join("\n"));
  return run?.run_id ?? "";
}

describe("the commands of the documents", () => {
  it("the commands of the documents sign a delivery to the webhook of the example, while npm run dev runs", async () => {
    await expect.poll(() => output, SOON).toContain("Ctrl-C ends it.");
    const answer = await typed(blockIn(page("docs/guides/webhook.md"), "sh"));
    expect(started.parse(JSON.parse(answer)).runs).toMatchObject([{ task: "audio_transcription" }]);
  });

  it("the commands of the documents upload a file as R2 would report it", async () => {
    const answer: unknown = JSON.parse(await typed(blockIn(page("docs/guides/upload.md"), "sh")));
    expect(answer).toMatchObject({ bucket: "uploads", key: "audio/interview.mp3" });
  });

  it("the commands of the documents make a pipeline that says what the tutorial says", async () => {
    const tutorial = sectionUnder(...TUTORIAL);
    writeFileSync(join(folder, "src/pipelines/article.ts"), blockIn(tutorial, "ts"));
    writeFileSync(join(folder, "peach.conf"), blockIn(tutorial, "yaml"));
    await expect.poll(async () => (await peach().call("/api/v1/tasks/teaser")).status, SOON).toBe(200);
    const run = await send();
    expect((await peach().finished(run, 60_000)).status).toBe("succeeded");
    const look = step("4. See the result");
    const printed = await typed(look.typed.replaceAll("run_…", run));
    expect(printed.endsWith(look.printed.join("\n")), printed).toBe(true);
    expect(printed).toContain(`"run_id":"${run}"`);
  });

  it("the commands of the documents show what is broken, while the last good version keeps running", async () => {
    const broken = blockIn(sectionUnder(...TUTORIAL), "yaml").replace("downstream: teaser", "downstream: teasr");
    writeFileSync(join(folder, "peach.conf"), broken);
    await expect.poll(() => output, SOON).toContain("did you mean `teaser`?");
    expect(output).toMatch(/peach\.conf:\d+:\d+/);
    const run = await peach().finished(await send("42"), 60_000);
    expect(taskOf(run, "split_words")).toMatchObject({ status: "failed", attempts: [{ attempt: 1 }] });
    expect(run.tasks.map(({ status }) => status)).toEqual(["failed", "skipped", "skipped", "skipped"]);
    writeFileSync(join(folder, "peach.conf"), blockIn(sectionUnder(...TUTORIAL), "yaml"));
  });

  it("the commands of the documents find the runtime that npm run dev has started, without being told where", async () => {
    const command = "npm run --silent peach -- trigger split_words --json-payload '\"Peaches and plums\"' --wait 1m";
    expect(await typed(command)).toMatch(/^status +succeeded$/m);
  });
});
