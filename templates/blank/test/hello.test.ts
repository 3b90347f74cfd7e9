import assert from "node:assert/strict";
import { test } from "node:test";
import { testPipeline } from "peach/testing";

test("hello greets by name", async () => {
  const peach = await testPipeline();
  const run = await peach.trigger("hello", { name: "Ada" });
  assert.equal(run.status, "succeeded");
  assert.equal(run.task("hello").passed, "Hello, Ada");
});
