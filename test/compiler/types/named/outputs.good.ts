import { triggerTaskWithEvent, type PeachTasks, type TaskName, type TriggeredRun } from "peach/task-helpers";

export async function waits(): Promise<void> {
  const run = await triggerTaskWithEvent("split_words", "a text");
  const teaser: string = await run.output();
  const minutes: number = await run.output("reading_time", { timeout: "5m" });
  const { status } = await run.result({ timeout: "1h" });
  const pages = await triggerTaskWithEvent("list_pages");
  const count: number = await pages.output();
  const greeted: string | null = await (await triggerTaskWithEvent("greet", undefined)).output();
  const word: string = await (await triggerTaskWithEvent("measure", "a text")).output();
  const two = await triggerTaskWithEvent("translate", { text: "x" });
  const translated: { text: string } = await two.output("translate");
  const stored: unknown = await two.output("store");
  const any: TriggeredRun = run;
  const payload: PeachTasks["split_words"] = "a text";
  const name: TaskName = "nightly";
  console.log(word, teaser, minutes, status, count, greeted, translated, stored, any.runId, payload, name);
}
