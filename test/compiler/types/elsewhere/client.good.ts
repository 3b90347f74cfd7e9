import { createClient, type PeachTasks } from "peach/client";

/** A page of a front end. It sees the generated file of the other project, and nothing else of it. */
export async function calls(): Promise<void> {
  const peach = createClient({ url: "https://peach.example", token: "t" });
  const { run_id: runId } = await peach.trigger("translate", { text: "x" }, { wait: "30s" });
  const run = await peach.trigger("split_words", "a text");
  const teaser: string = await run.output();
  const minutes: number = await run.output("reading_time");
  console.log(teaser, minutes);
  await peach.trigger("nightly");
  await peach.trigger("resize", new Blob(["x"]));
  await peach.emit("article.published", { text: "x" });
  const article: PeachTasks["approve"] = { editor: runId };
  await peach.trigger("approve", article);
  const other = createClient<{ elsewhere: number }, Record<string, string>>({
    url: "https://other.example",
    token: "t",
  });
  await other.trigger("elsewhere", 1);
  await other.emit("anything", "x");
}
