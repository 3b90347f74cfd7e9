import assert from "node:assert/strict";
import { test } from "node:test";
import { testPipeline, type TestPipeline } from "peach/testing";

const now = "2026-11-29T10:30:00Z";

/** What a player sends: each item once for each time it was played. */
async function play(peach: TestPipeline, ...items: string[]): Promise<void> {
  const body = items.map((item) => JSON.stringify({ item })).join("\n");
  const headers = { Authorization: `Bearer ${peach.token}` };
  const answer = await peach.request("/plays", { method: "POST", body, headers });
  assert.equal(answer.status, 202);
}

/** Asks a component for its list. */
async function asked(peach: TestPipeline, component: string): Promise<[string, number][]> {
  const headers = { Authorization: `Bearer ${peach.token}` };
  const answer = await peach.request(`/popular?component=${component}`, { headers });
  const items = (await answer.json()) as { id: string; plays: number }[];
  return items.map(({ id, plays }) => [id, plays]);
}

test("what was played is counted within a minute, and served most played first", async () => {
  const peach = await testPipeline({ now });
  await play(peach, "news", "jazz", "jazz");
  await play(peach, "jazz", "news", "film");
  await peach.advance("1m");
  assert.deepEqual(await asked(peach, "today"), [
    ["jazz", 3],
    ["news", 2],
    ["film", 1],
  ]);
});

test("a play leaves the list of today after a day, and stays in that of the week", async () => {
  const peach = await testPipeline({ now });
  await play(peach, "old", "old");
  await peach.advance("1d");
  await play(peach, "new");
  await peach.advance("1m");
  assert.deepEqual(await asked(peach, "today"), [["new", 1]]);
  assert.deepEqual(await asked(peach, "this_week"), [
    ["old", 2],
    ["new", 1],
  ]);
});

test("before anything was played the editors choose", async () => {
  const peach = await testPipeline({ now });
  const answer = await peach.request("/popular?limit=2");
  assert.equal(answer.headers.get("peach-fallback"), "true");
  assert.equal(((await answer.json()) as unknown[]).length, 2);
});

test("a delivery with a wrong line is refused as a whole", async () => {
  const peach = await testPipeline({ now });
  const headers = { Authorization: `Bearer ${peach.token}` };
  const answer = await peach.request("/plays", { method: "POST", body: '{"item": "a"}\n{"title": "b"}', headers });
  assert.equal(answer.status, 400);
  assert.deepEqual(peach.runs, []);
});
