/** The bundle that `wrangler deploy` makes and uploads, run as it is: the other files here run the one that the local runtime makes. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Webhook } from "standardwebhooks";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { PROJECT_FOLDER, writeWorker } from "../../src/local/build.ts";
import { bundleWorker } from "../../src/local/bundle.ts";
import { deriveConfig } from "../../src/local/derived-config.ts";
import { launch } from "../../src/local/runtime.ts";
import { openStateFolder } from "../../src/local/state-folder.ts";
import { Peach, taskOf } from "./peach.ts";

/** Texts of what only the local runtime has, as they stand in its sources. */
const LOCAL_ONLY = ["/dev/r2", "R2 takes keys of at most", "The local runtime answers to"] as const;
const TOKEN = "token-of-the-end-to-end-tests";
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PAGE = "https://console.example.org";

/** As speech to text would pass it. */
const TRANSCRIPT = {
  audio: { bucket: "uploads", key: "audio/glacier.mp3" },
  language: "en",
  text: "The glacier melts, the mountains change, and climate research follows.",
  segments: [],
};
const started = z.object({ runs: z.array(z.object({ run_id: z.string() })) });

describe("the bundle that `wrangler deploy` makes", () => {
  let folder = "";
  let deployed = "";
  let peach: Peach;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "peach-deployed-"));
    const require = createRequire(import.meta.url);
    const wrangler = join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
    const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" };
    const args = [wrangler, "deploy", "--dry-run", "--outdir", join(folder, "bundle")];
    await promisify(execFile)(process.execPath, args, { cwd: PROJECT_FOLDER, env });
    deployed = readFileSync(join(folder, "bundle/index.js"), "utf8");

    const state = openStateFolder(join(folder, "state"));
    const { vars, ...config } = deriveConfig(readFileSync(join(PROJECT_FOLDER, "wrangler.toml"), "utf8"), {
      main: state.bundlePath,
      buckets: {},
      vars: { PEACH_API_TOKEN: TOKEN, AUDIO_WEBHOOK_SECRET: SECRET, PEACH_CORS_ORIGINS: PAGE },
    });
    const { PEACH_LOCAL: _, ...deployedVars } = z.record(z.string(), z.string()).parse(vars);
    const sourceMap = readFileSync(join(folder, "bundle/index.js.map"), "utf8");
    writeWorker(state, { text: deployed, sourceMap }, { ...config, vars: deployedVars });
    const runtime = await launch(state, {});
    peach = new Peach({ url: runtime.url, token: TOKEN });
    return async () => {
      await runtime.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    };
  });

  it("the bundle that `wrangler deploy` makes runs tasks that come by a queue, and serves what they have stored", async () => {
    const { run_id } = await peach.trigger("recommend", TRANSCRIPT);
    expect((await peach.finished(run_id)).status).toBe("succeeded");
    const served = z.object({ recommendations: z.array(z.object({ title: z.string() })) });
    const passed = served.parse(await (await peach.payload(run_id, "recommend")).json());
    expect(passed.recommendations.length).toBeGreaterThan(0);
    const answer = await fetch(`${peach.url}/recommendations?audio=audio/glacier.mp3&limit=20&component=best`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    expect(answer.headers.get("peach-fallback")).toBeNull();
    expect(served.parse(await answer.json())).toEqual({
      recommendations: passed.recommendations.map(({ title }) => ({ title })),
    });
  });

  it("the bundle that `wrangler deploy` makes takes a signed delivery, whose long task runs in an object of its own", async () => {
    const body = JSON.stringify({ s3_uri: "s3://uploads/audio/none.mp3" });
    const at = new Date();
    const headers = {
      "webhook-id": "msg_deployed",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Webhook(SECRET).sign("msg_deployed", at, body),
    };
    const answer = await fetch(`${peach.url}/hooks/audio`, { method: "POST", headers, body });
    expect(answer.status).toBe(202);
    const [run] = started.parse(await answer.json()).runs;
    const ended = await peach.finished(run?.run_id ?? "");
    expect(taskOf(ended, "audio_transcription")).toMatchObject({
      status: "failed",
      attempts: [{ status: "failed", error: { message: expect.stringContaining("none.mp3") } }],
    });
  });

  it("the bundle that `wrangler deploy` makes shows the dashboard, and answers pages of the origins that it was told", async () => {
    const dashboard = await fetch(`${peach.url}/dashboard`);
    expect([dashboard.status, await dashboard.text()]).toEqual([200, expect.stringContaining("<script")]);
    const preflight = { Origin: PAGE, "Access-Control-Request-Method": "GET" };
    const answer = await fetch(`${peach.url}/api/v1/runs`, { method: "OPTIONS", headers: preflight });
    expect([answer.status, answer.headers.get("Access-Control-Allow-Origin")]).toEqual([204, PAGE]);
  });

  it("the bundle that `wrangler deploy` makes has nothing of the development routes, nor of what guards them", async () => {
    const put = await peach.call("/dev/r2/uploads/audio/a.mp3", { method: "PUT", body: "x" });
    expect(put.status).toBe(404);
    const generatedFolder = join(PROJECT_FOLDER, "src", "generated");
    const paths = { bundlePath: join(folder, "local.js"), sourceMapPath: join(folder, "local.js.map") };
    const local = await bundleWorker({ projectRoot: PROJECT_FOLDER, generatedFolder, ...paths });
    const textOfLocal = local.ok ? local.bundle.text : local.diagnostics;
    const found = (text: string): string[] => LOCAL_ONLY.filter((one) => text.includes(one));
    expect(deployed).toContain("/healthz");
    expect(found(textOfLocal)).toEqual(LOCAL_ONLY);
    expect(found(deployed)).toEqual([]);
  });
});
