import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testPipeline, type TestPipeline } from "peach/testing";

const now = "2026-11-29T10:00:00Z";
const key = Buffer.from("a secret that only the tests know");
const env = { AUDIO_WEBHOOK_SECRET: `whsec_${key.toString("base64")}` };

const sample = (name: string) => readFileSync(join(import.meta.dirname, "../sample", name));

/** Titles that `GET /recommendations` serves, best first. */
async function recommended(peach: TestPipeline): Promise<string[]> {
  const headers = { Authorization: `Bearer ${peach.token}` };
  const response = await peach.request("/recommendations?limit=3&component=best", { headers });
  const { recommendations } = (await response.json()) as { recommendations: { title: string }[] };
  return recommendations.map(({ title }) => title);
}

test("an uploaded audio file is transcribed, archived, and leads to recommendations", async () => {
  const peach = await testPipeline({ now });
  await peach.upload("uploads", "audio/glacier.vtt", sample("glacier.vtt"));
  const [run] = await peach.upload("uploads", "audio/glacier.mp3", sample("glacier.mp3"));
  assert.ok(run);
  assert.equal(run.status, "succeeded");
  assert.deepEqual(run.task("archive").passed, {
    key: "transcripts/audio/glacier.mp3.json",
    text_key: "transcripts/audio/glacier.mp3.txt",
  });
  const archived = await peach.env.UPLOADS.get("transcripts/audio/glacier.mp3.txt");
  assert.match((await archived?.text()) ?? "", /^Two warm summers/);
  assert.deepEqual(await recommended(peach), ["Melting Point", "Rising Tide", "The Thaw"]);
});

test("a signed webhook names the audio file and its language", async () => {
  const transcript = {
    audio: { bucket: "uploads", key: "audio/a.mp3" },
    language: "en",
    text: "Ice melts.",
    segments: [],
  };
  const peach = await testPipeline({ now, env, mocks: { audio_transcription: async () => transcript } });
  const [id, seconds] = ["msg_1", Date.parse(now) / 1000];
  const body = JSON.stringify({ s3_uri: "s3://uploads/audio/a.mp3", language: "en" });
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": `${seconds}`, "webhook-signature": `v1,${signature}` };
  const response = await peach.request("/hooks/audio", { method: "POST", body, headers });
  assert.equal(response.status, 202);
  assert.equal(peach.runs[0]?.task("recommend").status, "succeeded");
});

test("audio that nothing can transcribe fails without another attempt", async () => {
  const peach = await testPipeline({ now });
  const [run] = await peach.upload("uploads", "audio/silent.mp3", sample("glacier.mp3"));
  assert.ok(run);
  assert.equal(run.status, "failed");
  assert.equal(run.task("audio_transcription").attempts.length, 1);
  assert.match(run.task("audio_transcription").error?.message ?? "", /no captions beside it/);
});
