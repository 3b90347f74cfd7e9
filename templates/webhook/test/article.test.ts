import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { testPipeline } from "peach/testing";

const now = "2026-11-29T10:00:00Z";
const key = Buffer.from("a secret that only the tests know");
const env = { ARTICLE_WEBHOOK_SECRET: `whsec_${key.toString("base64")}` };

/** A delivery to /hooks/article, signed as its sender does (Standard Webhooks). */
function delivery(article: { text: string }, signingKey = key): RequestInit {
  const [id, seconds, body] = ["msg_1", Date.parse(now) / 1000, JSON.stringify(article)];
  const signature = createHmac("sha256", signingKey).update(`${id}.${seconds}.${body}`).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": `${seconds}`, "webhook-signature": `v1,${signature}` };
  return { method: "POST", body, headers };
}

test("a signed article becomes a teaser", async () => {
  const peach = await testPipeline({ now, env });
  const response = await peach.request("/hooks/article", delivery({ text: "The peach is ripe. The peach falls." }));
  assert.equal(response.status, 202);
  const [run] = peach.runs;
  assert.ok(run);
  assert.equal(run.status, "succeeded");
  assert.equal(run.task("teaser").passed, "About the, peach, is: 1 min");
});

test("an article with another signature triggers nothing", async () => {
  const peach = await testPipeline({ now, env });
  const response = await peach.request("/hooks/article", delivery({ text: "Ripe" }, Buffer.from("another secret")));
  assert.equal(response.status, 401);
  assert.deepEqual(peach.runs, []);
});

test("an article without words fails at once", async () => {
  const peach = await testPipeline({ now });
  const run = await peach.trigger("split_words", "1 2 3");
  assert.equal(run.status, "failed");
  assert.equal(run.task("split_words").error?.message, "the article has no words");
});

test("a task that fails once is tried again, and the article keeps its teaser", async () => {
  let calls = 0;
  const reading_time = async () => {
    calls += 1;
    if (calls === 1) throw new Error("no time");
    return 7;
  };
  const peach = await testPipeline({ now, mocks: { reading_time } });
  const run = await peach.trigger("split_words", "Ripe peach");
  assert.equal(run.task("reading_time").status, "retrying");
  await peach.advance("1m");
  assert.equal(run.task("teaser").passed, "About ripe, peach: 7 min");
});
