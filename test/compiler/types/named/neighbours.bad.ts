import {
  currentTask,
  passDataToDownstream,
  passToChildTask,
  readFromParentTask,
  runOnlyChildTasks,
  type TaskContext,
} from "peach/task-helpers";

export async function reads(task: TaskContext, own: TaskContext<"teaser">): Promise<void> {
  await readFromParentTask("split_word"); // error: TS2769
  await readFromParentTask("teaser"); // error: TS2769
  const words: number[] = await readFromParentTask("split_words"); // error: TS2322
  const minutes: string = await task.readFromParentTask("reading_time"); // error: TS2322
  await readFromParentTask<number>("top_words"); // error: TS2345
  await readFromParentTask("split_word", { as: "stream" }); // error: TS2345
  await own.readFromParentTask("split_words"); // error: TS2769
  const other = currentTask<"teasr">(); // error: TS2344
  console.log(words, minutes, other);
}

export function passes(task: TaskContext, own: TaskContext<"translate">, join: TaskContext<"reading_time">): void {
  passToChildTask(["a"], { to: "top_word" }); // error: TS2820
  passToChildTask("a", { to: "top_words" }); // error: TS2345
  passToChildTask("a", { to: "teaser" }); // error: TS2345
  passToChildTask({ url: "https://pages.example" }, { to: "fetch_page" }); // error: TS2353
  passToChildTask({ text: "x" }, { to: "translate" }); // error: TS2322
  task.passToChildTask({ txt: "x" }, { to: "publish" }); // error: TS2561
  passDataToDownstream(1, { to: "reading_time" }); // error: TS2345
  runOnlyChildTasks("top_word"); // error: TS2345
  task.runOnlyChildTasks("top_words", "split_words"); // error: TS2345
  own.passToChildTask({ text: "x" }, { to: "teaser" }); // error: TS2322
  own.runOnlyChildTasks("teaser"); // error: TS2345
  join.passToChildTask(["a"], { to: "teaser" }); // error: TS2345
}
