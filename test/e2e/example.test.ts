/** The example as `npm run dev` has it: its webhook is signed with a secret that is made beside it, and strangers get nothing private. */
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { addDevVars, readDevVars } from "../../src/local/dev-vars.ts";
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";
import { randomSecret } from "../../src/local/secrets.ts";
import { Peach } from "./peach.ts";

const ROOT = join(import.meta.dirname, "../..");
const answer = z.object({ runs: z.array(z.object({ run_id: z.string(), task: z.string() })) });

let folder = "";
let runtime: LocalRuntime;
let secret = "";

/** What the sender of this body would send as the delivery of this id, but for what is put over its headers. */
function send(id: string, body: object, over: Record<string, string> = {}): Promise<Response> {
  const text = JSON.stringify(body);
  const at = new Date();
  const headers = {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Webhook(secret).sign(id, at, text),
    ...over,
  };
  return fetch(`${runtime.url}/hooks/audio`, { method: "POST", body: text, headers });
}

async function upload(key: string, body: string | Buffer, type: string): Promise<void> {
  const init = { method: "PUT", body: new Uint8Array(Buffer.from(body)), headers: { "Content-Type": type } };
  expect((await fetch(`${runtime.url}/dev/r2/uploads/${key}`, init)).status).toBe(201);
}

describe("the example", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "peach-example-"));
    const devVars = join(folder, ".dev.vars");
    runtime = await startRuntime({
      confPath: join(ROOT, "peach.conf.example"),
      pipelinesDir: join(ROOT, "src/pipelines"),
      persistTo: join(folder, "state"),
      env: readDevVars(devVars, {}).vars,
      makeSecrets(names) {
        const made = Object.fromEntries(names.map((name) => [name, randomSecret()]));
        addDevVars(devVars, made);
        return made;
      },
    });
    secret = readDevVars(devVars, {}).vars["AUDIO_WEBHOOK_SECRET"] ?? "";
  });
  afterAll(async () => {
    await runtime.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it("the example has made the secret of its webhook, and says so", () => {
    expect(runtime.project.madeSecrets).toEqual(["AUDIO_WEBHOOK_SECRET"]);
    expect(runtime.project.missingSecrets).toEqual([]);
    expect(secret).toMatch(/^whsec_/);
  });

  it("the example takes the audio that a signed delivery names, once however often it comes, and nothing of a stranger", async () => {
    const vtt = readFileSync(join(ROOT, "sample/glacier.vtt"));
    await upload("audio/hook.vtt", vtt, "text/vtt");
    await upload("audio/hook.wav", "sound", "audio/wav");
    const body = { s3_uri: "s3://uploads/audio/hook.wav" };
    expect((await send("msg_1", body, { "webhook-signature": "v1,AAAA" })).status).toBe(401);
    expect((await fetch(`${runtime.url}/hooks/audio`, { method: "POST", body: JSON.stringify(body) })).status).toBe(
      401,
    );
    const first = await send("msg_1", body);
    expect(first.status).toBe(202);
    const { runs } = answer.parse(await first.json());
    const again = await send("msg_1", body);
    expect(again.status).toBe(202);
    const repeated = answer.parse(await again.json()).runs;
    expect(repeated.filter(({ run_id }) => run_id !== runs[0]?.run_id)).toEqual([]);
    const run = await new Peach(runtime).finished(runs[0]?.run_id ?? "");
    expect(run.status).toBe("succeeded");
  });

  it("the example publishes nothing of other objects in the bucket, and nothing of what was said", async () => {
    await upload(
      "private/board-meeting.vtt",
      "WEBVTT\n\n00:01.000 --> 00:02.000\nThe merger price of the glacier",
      "text/vtt",
    );
    await upload("private/board-meeting.mp3", "sound", "audio/mpeg");
    const refused = await send("msg_2", { s3_uri: "s3://uploads/private/board-meeting.mp3" });
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining("expected s3://uploads/audio/NAME"),
    ]);
    const peach = new Peach(runtime);
    const { run_id } = await peach.trigger("audio_transcription", { s3_uri: "s3://uploads/private/board-meeting.mp3" });
    expect((await peach.finished(run_id)).status).toBe("failed");
    for (const query of ["", "?audio=private/board-meeting.mp3", "?audio=audio/hook.wav"]) {
      const text = await (await fetch(`${runtime.url}/recommendations${query}`)).text();
      expect(text).not.toMatch(/merger|Silver Glacier|transcript/);
    }
  });
});
