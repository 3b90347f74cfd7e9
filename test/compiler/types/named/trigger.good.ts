import { currentTask, triggerTaskWithEvent, type EndpointContext, type TaskContext } from "peach/task-helpers";

export async function triggers(endpoint: EndpointContext, task: TaskContext): Promise<void> {
  await triggerTaskWithEvent("split_words", "a text");
  await triggerTaskWithEvent("split_words", "a text", { delay: "2h", idempotencyKey: "k" });
  await triggerTaskWithEvent("translate", { text: "x" });
  await triggerTaskWithEvent("translate", { text: "x", language: "de", tags: ["a"] });
  await triggerTaskWithEvent("fetch_page", [{ url: "https://pages.example" }]);
  await triggerTaskWithEvent("measure", "a text");
  await triggerTaskWithEvent("nightly");
  await triggerTaskWithEvent("nightly", { anything: 1 });
  await triggerTaskWithEvent("resize", new Uint8Array(3));
  await triggerTaskWithEvent("approve", { editor: "x" });
  await triggerTaskWithEvent("teaser", { top_words: ["x"], reading_time: 1 });
  // Both accept what is passed.
  await triggerTaskWithEvent(Date.now() > 0 ? "publish" : "translate", { text: "x" });
  const computed: string = String(Date.now());
  // oxlint-disable-next-line typescript/no-explicit-any -- So a program names a computed task.
  await triggerTaskWithEvent<any>(computed, { anything: 1 });
  await task.triggerTaskWithEvent("split_words", "a text");
  await endpoint.triggerTaskWithEvent("translate", { text: "x" });
  await currentTask().triggerTaskWithEvent("nightly");
  const { triggerTaskWithEvent: trigger } = task;
  await trigger("split_words", "a text");
}
