import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { groupMembers } from "../../src/local/process-group.ts";
import { Command } from "./command.ts";

const outcome = z.object({
  ok: z.literal(true),
  run: z.object({
    status: z.string(),
    tasks: z.array(z.object({ task: z.string(), status: z.string(), attempts: z.array(z.unknown()) })),
  }),
  recommendations: z.array(z.object({ id: z.string(), title: z.string(), score: z.number() })),
  kept: z.object({ url: z.string(), token: z.string(), pid: z.number(), state_folder: z.string() }).nullable(),
});

let folder = "";
let temporary = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-demo-test-"));
  temporary = mkdtempSync(join(folder, "tmp-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The demo, with its temporary files in `temporary`, on the example. */
function demo(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  return new Command("bin/demo", args, {
    TMPDIR: temporary,
    PEACH_CONF: "peach.conf.example",
    PEACH_PIPELINES: "",
    ...env,
  });
}

describe("npm run demo", () => {
  it("npm run demo goes from an uploaded audio object to served recommendations, and leaves nothing behind", async () => {
    const command = demo(["--json"]);
    expect([await command.exit(), command.stderr]).toEqual([0, ""]);
    const { run, recommendations, kept } = outcome.parse(JSON.parse(command.stdout));
    expect(run.status).toBe("succeeded");
    expect(run.tasks.map(({ task, status, attempts }) => [task, status, attempts.length])).toEqual([
      ["audio_transcription", "succeeded", 1],
      ["recommend", "succeeded", 1],
      ["archive", "succeeded", 1],
    ]);
    expect(recommendations[0]).toMatchObject({ id: "melting-point" });
    expect(kept).toBeNull();
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("npm run demo shows the run in plain lines where there is no terminal", async () => {
    const command = demo([]);
    expect(await command.exit()).toBe(0);
    for (const task of ["audio_transcription", "recommend", "archive"]) {
      expect(command.stdout).toMatch(new RegExp(`✔ ${task}: succeeded {2}[\\d.]+ m?s\n`));
    }
    expect(command.stdout).toMatch(/ 1 {2}Melting Point /);
    expect(command.stdout).not.toContain("\u001B[");
    expect(command.stdout).toMatch(/\nDone in [\d.]+ s\.\n\nSee it in the dashboard: npm run dev, /);
  });

  it("npm run demo leaves the runtime running with --keep, until the process that it names is ended", async () => {
    const command = demo(["--json", "--keep"]);
    expect(await command.exit()).toBe(0);
    const { kept } = outcome.parse(JSON.parse(command.stdout));
    if (kept === null) throw new Error("nothing was kept");
    // The command has gone; what reads the runtime's output now must not end it.
    for (let call = 0; call < 3; call++) expect((await fetch(`${kept.url}/recommendations`)).status).toBe(200);
    process.kill(kept.pid, "SIGTERM");
    await expect.poll(() => groupMembers(kept.pid), { timeout: 10_000 }).toEqual([]);
    await expect(fetch(`${kept.url}/healthz`)).rejects.toThrow("fetch failed");
  });

  it("npm run demo says what failed, exits 1 and leaves nothing behind", async () => {
    const conf = join(folder, "peach.conf");
    writeFileSync(conf, "tasks:\n  archive: {method: archive}\n");
    const untriggered = demo([], { PEACH_CONF: conf });
    expect(await untriggered.exit()).toBe(1);
    expect(untriggered.stderr).toContain("No task of peach.conf is triggered by the object uploads/audio/glacier.mp3.");

    writeFileSync(conf, "tasks:\n  archive: {method: archiv}\n");
    const broken = demo(["--json"], { PEACH_CONF: conf });
    expect(await broken.exit()).toBe(1);
    expect(JSON.parse(broken.stdout)).toMatchObject({ ok: false, error: expect.stringContaining("peach.conf:2:21") });

    expect(readdirSync(temporary)).toEqual([]);
  });

  it("npm run demo that is told to end says so, calls that no failure, and leaves nothing behind", async () => {
    for (const [args, signal] of [
      [[], "SIGINT"],
      [["--json"], "SIGTERM"],
    ] as const) {
      const told = demo(args);
      // The folder is there before the first step.
      await expect.poll(() => readdirSync(temporary), { timeout: 30_000 }).not.toEqual([]);
      told.kill(signal);
      expect(await told.exit()).toBe(130);
      if (args.length === 0) expect(told.stderr).toBe("\nEnded.\n");
      else expect(JSON.parse(told.stdout)).toMatchObject({ ok: false, error: "It was told to end." });
      expect(readdirSync(temporary)).toEqual([]);
    }
  });

  it("npm run demo refuses options that it does not have", async () => {
    const command = demo(["--kep"]);
    expect(await command.exit()).toBe(2);
    expect(command.stderr).toMatch(/^Unknown option '--kep'\.\n\nusage: /);
  });
});
