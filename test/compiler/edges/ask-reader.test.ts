import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it, vi } from "vitest";
import { askReader } from "../../../src/compiler/edges/ask-reader.ts";

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it("the process that evaluates pipelines ends with the command that asked it, also in a file's endless loop", async () => {
  const folder = mkdtempSync(join(tmpdir(), "peach-reader-"));
  const noted = join(folder, "pid");
  const bundle = join(folder, "bundle.mjs");
  writeFileSync(
    bundle,
    `import { writeFileSync } from "node:fs";
     export const modules = { "a.ts": async () => { writeFileSync(${JSON.stringify(noted)}, String(process.pid)); for (;;); } };`,
  );
  const ask = {
    bundle: pathToFileURL(bundle).href,
    methods: [{ key: "a", file: "a.ts", exportName: "a" }],
    values: [],
  };
  const asker = pathToFileURL(resolve("src/compiler/edges/ask-reader.ts")).href;
  const program = `import { askReader } from ${JSON.stringify(asker)}; await askReader({ type: "schemas", ask: ${JSON.stringify(ask)} });`;
  const command = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" });
  let reader = 0;
  try {
    reader = await vi.waitFor(() => Number(readFileSync(noted, "utf8") || "no"), { timeout: 20_000 });
    expect(lives(reader)).toBe(true);
    command.kill("SIGKILL");
    await vi.waitFor(() => expect(lives(reader)).toBe(false), { timeout: 10_000, interval: 100 });
  } finally {
    command.kill("SIGKILL");
    if (reader > 0 && lives(reader)) process.kill(reader, "SIGKILL");
    rmSync(folder, { recursive: true });
  }
}, 60_000);

it("the process that evaluates pipelines leaves its compiled files to the next one, though it is killed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "peach-reader-"));
  const cache = join(folder, "cache");
  vi.stubEnv("NODE_COMPILE_CACHE", cache);
  try {
    const bundle = join(folder, "bundle.mjs");
    writeFileSync(bundle, "export const modules = {};");
    const ask = { bundle: pathToFileURL(bundle).href, methods: [], values: [] };
    expect(await askReader({ type: "schemas", ask })).toMatchObject({ ok: true });
    const entries = readdirSync(cache, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile()).length).toBeGreaterThan(5);
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
}, 60_000);
