import assert from "node:assert/strict";
import { test } from "node:test";
import { teaser, top_words } from "../src/pipelines/article.ts";

test("the teaser names the most frequent words", async () => {
  const words = await top_words(["the", "peach", "is", "ripe", "the", "peach", "falls"]);
  assert.equal(await teaser({ top_words: words, reading_time: 1 }), "About the, peach, is: 1 min");
});
