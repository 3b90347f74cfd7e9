import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { DevProject, TOKEN, WAIT } from "./dev-project.ts";

const ROOT = join(import.meta.dirname, "../../..");

let project: DevProject;
beforeEach(() => {
  project = new DevProject();
});
afterEach(() => project.close());

/** What the command and the lines that it suggests need of a clone. */
const OF_CLONE = ["node_modules", "package.json", "sample", "scripts", "wrangler.toml"];
const ENTRY = join("src", "index.ts");

/**
 * A folder that stands for the clone: the secrets that the command makes for the example are put there, where no other runtime looks
 * for a change.
 */
function makeClone(): string {
  const folder = join(project.folder, "clone");
  mkdirSync(join(folder, "src"), { recursive: true });
  const sources = readdirSync(join(ROOT, "src")).map((name) => join("src", name));
  for (const name of [...OF_CLONE, ...sources])
    // The bundler knows the entry by its path, which of a link is the place that it leads to.
    if (name === ENTRY) copyFileSync(join(ROOT, name), join(folder, name));
    else symlinkSync(join(ROOT, name), join(folder, name));
  return folder;
}

/** Types a line in this folder, as a person would. Rejects with its output if it fails. */
async function typed(line: string, cwd: string): Promise<void> {
  const env = { ...process.env, PEACH_API_TOKEN: TOKEN, npm_config_loglevel: "error" };
  await promisify(execFile)("sh", ["-c", line], { cwd, env, timeout: 60_000 });
}

describe("npm run dev", () => {
  it.each([
    ["the template webhook", "templates/webhook/peach.conf", "templates/webhook/src/pipelines", 1],
    ["the template blank", "templates/blank/peach.conf", "templates/blank/src/pipelines", 1],
    // The template transcription is this example.
    ["the example", "peach.conf.example", "src/pipelines", 2],
  ])("npm run dev suggests commands that work as printed: %s", async (_, conf, pipelines, count) => {
    const clone = makeClone();
    const env = { PEACH_CONF: join(ROOT, conf), PEACH_PIPELINES: join(ROOT, pipelines) };
    const { command, peach } = await project.readyWith(env, clone);
    const [, block = ""] = /\nTry\n((?: {2}.+\n)+)/.exec(command.stdout) ?? [];
    const lines = block.trimEnd().split("\n");
    expect(lines).toHaveLength(count);
    for (const line of lines) await typed(line, clone);
    const runs = z.object({ runs: z.array(z.object({ run_id: z.string() })) });
    const listed = async (): Promise<readonly { readonly run_id: string }[]> =>
      runs.parse(await (await peach.call("/api/v1/runs")).json()).runs;
    await expect.poll(listed, WAIT).not.toEqual([]);
    for (const { run_id } of await listed())
      expect(await peach.finished(run_id)).toMatchObject({ status: "succeeded" });
  });
});
