import { triggerTaskWithEvent, type TaskName } from "peach/task-helpers";

export async function waits(): Promise<void> {
  const run = await triggerTaskWithEvent("split_words", "a text");
  const teaser: number = await run.output(); // error: TS2322
  const minutes: string = await run.output("reading_time"); // error: TS2322
  await run.output("reading_times"); // error: TS2345
  const two = await triggerTaskWithEvent("translate", { text: "x" });
  // The run ends in two tasks.
  await two.output(); // error: TS2554
  const stored: { stored: boolean } = await two.output("store"); // error: TS2322
  const name: TaskName = "nighty"; // error: TS2820
  console.log(teaser, minutes, stored, name);
}
