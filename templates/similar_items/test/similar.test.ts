import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testPipeline, type TestPipeline } from "peach/testing";

const now = "2026-11-29T10:00:00Z";
const sample = readFileSync(join(import.meta.dirname, "../sample/uploads/catalogue/programmes.json"), "utf8");

/** Asks a component for the items that are similar to one. */
async function asked(peach: TestPipeline, component: string, item: string) {
  const url = `/similar?item=${item}&limit=3&component=${component}`;
  const answer = await peach.request(url, { headers: { Authorization: `Bearer ${peach.token}` } });
  const items = (await answer.json()) as { id: string; title: string; score: number }[];
  return { answer, ids: items.map(({ id }) => id) };
}

test("an uploaded catalogue becomes an index, in which an item finds others about the same", async () => {
  const peach = await testPipeline({ now });
  const [run] = await peach.upload("uploads", "catalogue/programmes.json", sample);
  assert.equal(run?.status, "succeeded");
  assert.deepEqual(run?.task("store_index").passed, { items: 56 });
  const { answer, ids } = await asked(peach, "by_text", "melting-point");
  assert.equal(answer.headers.get("peach-fallback"), null);
  assert.equal(ids.length, 3);
  assert.ok(ids.includes("the-thaw"), `the-thaw is not in ${ids.join(", ")}`);
  assert.ok(!ids.includes("melting-point"));
});

test("a component finds only items of the same genre", async () => {
  const peach = await testPipeline({ now });
  await peach.upload("uploads", "catalogue/programmes.json", sample);
  const { ids } = await asked(peach, "same_genre", "full-time");
  assert.deepEqual(ids.toSorted(), ids.filter((id) => SPORT.includes(id)).toSorted());
});

const SPORT = ["full-time", "the-away-end", "her-game", "the-climb", "match-point", "downhill"];

test("a new catalogue replaces the one before", async () => {
  const peach = await testPipeline({ now });
  await peach.upload("uploads", "catalogue/programmes.json", sample);
  const two = ["Glaciers melt", "The glacier melts"].map((title, index) => ({
    id: `new-${index}`,
    title,
    description: title,
  }));
  await peach.upload("uploads", "catalogue/two.json", JSON.stringify(two));
  assert.deepEqual((await asked(peach, "by_text", "new-0")).ids, ["new-1"]);
});

test("an item that is in no catalogue gets the choice of the editors", async () => {
  const peach = await testPipeline({ now });
  const { answer } = await asked(peach, "by_text", "nothing");
  assert.equal(answer.headers.get("peach-fallback"), "true");
});

test("a file that is no catalogue fails at once and says why", async () => {
  const peach = await testPipeline({ now });
  const [run] = await peach.upload("uploads", "catalogue/broken.json", '[{"id": 1}]');
  assert.equal(run?.status, "failed");
  assert.match(run?.task("read_catalogue").error?.message ?? "", /is no catalogue/);
});
