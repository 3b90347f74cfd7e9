import { emitEvent, type EndpointContext, type TaskContext } from "peach/task-helpers";

export async function emits(endpoint: EndpointContext, task: TaskContext): Promise<void> {
  await emitEvent("article.publish", { text: "x" }); // error: TS2345
  await emitEvent("article.published"); // error: TS2554
  await emitEvent("article.published", { text: 1 }); // error: TS2322
  await emitEvent("article.changed", "x"); // error: TS2345
  await task.emitEvent("translate", { text: "x" }); // error: TS2345
  await endpoint.emitEvent("article.published", {}); // error: TS2345
}
