import { currentTask, triggerTaskWithEvent, type EndpointContext, type TaskContext } from "peach/task-helpers";

export async function triggers(endpoint: EndpointContext, task: TaskContext): Promise<void> {
  await triggerTaskWithEvent("split_word", "a text"); // error: TS2345
  await triggerTaskWithEvent("split_words"); // error: TS2554
  await triggerTaskWithEvent("split_words", 5); // error: TS2345
  await triggerTaskWithEvent("split_words", "a text", { idempotency_key: "k" }); // error: TS2561
  await triggerTaskWithEvent("measure", 5); // error: TS2345
  await triggerTaskWithEvent("translate"); // error: TS2554
  await triggerTaskWithEvent("translate", { txt: "x" }); // error: TS2561
  await triggerTaskWithEvent("translate", { text: 1 }); // error: TS2322
  await triggerTaskWithEvent("translate", { text: "x", tags: "a" }); // error: TS2322
  await triggerTaskWithEvent("fetch_page", { url: "https://pages.example" }); // error: TS2353
  await triggerTaskWithEvent("resize", "bytes"); // error: TS2345
  await triggerTaskWithEvent("approve", { edit: "x" }); // error: TS2353
  await triggerTaskWithEvent("teaser", { top_words: ["x"] }); // error: TS2741
  await triggerTaskWithEvent(Date.now() > 0 ? "publish" : "split_words", { text: "x" }); // error: TS2345
  const computed: string = String(Date.now());
  await triggerTaskWithEvent(computed, "a text"); // error: TS2345
  await task.triggerTaskWithEvent("split_word", "a text"); // error: TS2345
  await task.triggerTaskWithEvent("translate", { nope: 1 }); // error: TS2353
  await task.triggerTaskWithEvent("translate"); // error: TS2554
  await endpoint.triggerTaskWithEvent("splitwords", "a text"); // error: TS2345
  await endpoint.triggerTaskWithEvent("translate", 5); // error: TS2345
  await currentTask().triggerTaskWithEvent("split_words", { text: "x" }); // error: TS2345
}
