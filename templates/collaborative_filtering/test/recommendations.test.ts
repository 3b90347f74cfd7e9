import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testPipeline, type TestPipeline } from "peach/testing";

const now = "2026-11-29T10:00:00Z";
const sample = readFileSync(join(import.meta.dirname, "../sample/interactions.ndjson"), "utf8");

/** What an application sends when listeners have played something. */
function send(peach: TestPipeline, body: string): Promise<Response> {
  return peach.request("/interactions", {
    method: "POST",
    body,
    headers: { Authorization: `Bearer ${peach.token}` },
  });
}

/** Asks a component for its list. */
async function asked(peach: TestPipeline, component: string, user: string) {
  const url = `/recommendations?user=${user}&limit=5&component=${component}`;
  const answer = await peach.request(url, { headers: { Authorization: `Bearer ${peach.token}` } });
  const items = (await answer.json()) as { id: string; score: number }[];
  return { answer, items, ids: items.map(({ id }) => id) };
}

const line = (user: string, item: string) => `${JSON.stringify({ user, item })}\n`;

test("what similar listeners played is recommended, and not what one has played", async () => {
  const peach = await testPipeline({ now });
  const plays = [
    ["ann", "a"],
    ["ann", "b"],
    ["bob", "a"],
    ["bob", "b"],
    ["bob", "c"],
    ["cleo", "a"],
    ["dan", "x"],
  ];
  const answer = await send(peach, plays.map(([user = "", item = ""]) => line(user, item)).join(""));
  assert.equal(answer.status, 202);
  await peach.advance("10s");
  assert.deepEqual(
    peach.runs.map(({ status }) => status),
    ["succeeded"],
  );
  assert.deepEqual((await asked(peach, "history", "cleo")).ids, ["b", "c"]);
  assert.deepEqual((await asked(peach, "popular", "cleo")).ids, ["a", "b", "c", "x"]);
});

test("a thousand interactions in a row lead to one computation", async () => {
  const peach = await testPipeline({ now });
  for (const each of sample.split("\n").slice(0, 50)) await send(peach, `${each}\n`);
  await peach.advance("10s");
  assert.equal(peach.runs.length, 1);
  assert.equal(peach.runs[0]?.status, "succeeded");
});

test("a listener without a list gets the choice of the editors", async () => {
  const peach = await testPipeline({ now });
  const { answer, ids } = await asked(peach, "history", "somebody");
  assert.equal(answer.headers.get("peach-fallback"), "true");
  assert.equal(ids[0], "melting-point");
});

test("a file of interactions is imported when it is uploaded", async () => {
  const peach = await testPipeline({ now });
  await peach.upload("uploads", "imports/november.ndjson", sample);
  await peach.advance("10s");
  const { items } = await asked(peach, "history", "listener-1");
  assert.equal(items.length, 5);
});

test("a line that is no interaction is refused, with all the lines around it", async () => {
  const peach = await testPipeline({ now });
  const answer = await send(peach, `${line("ann", "a")}{"user": "bob"}\n`);
  assert.equal(answer.status, 400);
  assert.deepEqual(peach.runs, []);
});

test("a click names the run that has computed what was clicked", async () => {
  const peach = await testPipeline({ now });
  await send(peach, sample);
  await peach.advance("10s");
  const { answer } = await asked(peach, "popular", "listener-1");
  const token = answer.headers.get("peach-recommendation");
  const clicked = await peach.request("/click", { method: "POST", body: JSON.stringify({ token }) });
  assert.equal(clicked.status, 204);
  const forged = await peach.request("/click", { method: "POST", body: '{"token": "made up"}' });
  assert.equal(forged.status, 400);
});
