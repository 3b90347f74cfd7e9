import { createClient } from "peach/client";
import {
  currentTask,
  emitEvent,
  passToChildTask,
  readFromParentTask,
  runOnlyChildTasks,
  triggerTaskWithEvent,
  type EndpointContext,
  type TaskContext,
} from "peach/task-helpers";

export async function calls(endpoint: EndpointContext, task: TaskContext): Promise<void> {
  const name: string = String(Date.now());
  const run = await triggerTaskWithEvent(name, { anything: 1 }, { delay: 5 });
  await triggerTaskWithEvent("any_name");
  await task.triggerTaskWithEvent(name);
  await endpoint.triggerTaskWithEvent(name, 1);
  await emitEvent("any.event");
  await task.emitEvent(name, [1]);
  const output: unknown = await run.output();
  const named: unknown = await run.output(name, { timeout: "5m" });
  const read: unknown = await readFromParentTask();
  const text = await readFromParentTask<string>("any_name");
  const other: unknown = await task.readFromParentTask(name);
  const stream: ReadableStream<Uint8Array> = await readFromParentTask(undefined, { as: "stream" });
  passToChildTask({ anything: 1 }, { to: name });
  runOnlyChildTasks(name, "any_name");
  currentTask().runOnlyChildTasks(name);
  const peach = createClient({ url: "https://peach.example", token: "t" });
  await peach.trigger(name, { anything: 1 }, { wait: "30s" });
  await peach.emit(name);
  console.log(output, named, read, text.length, other, stream);
}
