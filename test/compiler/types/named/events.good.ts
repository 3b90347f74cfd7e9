import { emitEvent, type EndpointContext, type TaskContext } from "peach/task-helpers";

export async function emits(endpoint: EndpointContext, task: TaskContext): Promise<void> {
  const { runs } = await emitEvent("article.published", { text: "x" }, { idempotencyKey: "k" });
  const names: readonly string[] = runs.map((run) => run.task);
  await emitEvent("article.changed", { text: names.join(), language: "de" });
  await task.emitEvent("article.changed", { text: "x" });
  await endpoint.emitEvent("article.published", { text: "x" });
}
