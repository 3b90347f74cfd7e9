import { readFromParentTask, triggerTaskWithEvent } from "peach/task-helpers";

export async function calls(): Promise<void> {
  await triggerTaskWithEvent(5); // error: TS2345
  await triggerTaskWithEvent("any_name", 1, { idempotency_key: "k" }); // error: TS2561
  const run = await triggerTaskWithEvent("any_name");
  const output: string = await run.output(); // error: TS2322
  await readFromParentTask(5); // error: TS2769
  console.log(output);
}
