import {
  currentTask,
  passDataToDownstream,
  passToChildTask,
  readFromParentTask,
  runOnlyChildTasks,
  type TaskContext,
} from "peach/task-helpers";

export async function reads(task: TaskContext, own: TaskContext<"teaser">): Promise<void> {
  const words: string[] = await readFromParentTask("split_words");
  const minutes: number = await task.readFromParentTask("reading_time");
  const translated: { text: string; language: "de" | "en" } = await readFromParentTask("translate");
  const pages: (string | null)[] = await readFromParentTask("fetch_page");
  const all = await readFromParentTask<{ top_words: string[] }>();
  const named = await readFromParentTask<readonly string[]>("top_words");
  const stream: ReadableStream<Uint8Array> = await readFromParentTask("split_words", { as: "stream" });
  const own_minutes: number = await own.readFromParentTask("reading_time");
  const child: TaskContext<"translate"> = currentTask<"translate">();
  child.passToChildTask({ text: "x" }, { to: "publish" });
  child.runOnlyChildTasks("publish", "store");
  console.log(words, minutes, translated, pages, all.top_words, named, stream, own_minutes);
}

export function passes(task: TaskContext): void {
  passToChildTask({ anything: [1] });
  passToChildTask(["a"], { to: "top_words" });
  passToChildTask(3, { to: "teaser" });
  passToChildTask(["a"], { to: "teaser" });
  passToChildTask([{ url: "https://pages.example" }], { to: "fetch_page" });
  passToChildTask({ anything: 1 }, { to: "store" });
  task.passToChildTask({ text: "x" }, { to: "publish" });
  passDataToDownstream(["a"], { to: "reading_time" });
  runOnlyChildTasks("top_words");
  task.runOnlyChildTasks("top_words", "reading_time");
}
