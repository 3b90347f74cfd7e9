import { createClient } from "peach/client";

export async function calls(): Promise<void> {
  const peach = createClient({ url: "https://peach.example", token: "t" });
  const run = await peach.trigger("translate", { text: "x" }, { wait: "30s" });
  await peach.trigger("nightly");
  await peach.trigger("split_words", "a text", { delay: "2h" });
  await peach.emit("article.published", { text: "x" }, { idempotencyKey: "k" });
  const other = createClient<{ elsewhere: { n: number } }, { happened: string }>({
    url: "https://other.example",
    token: "t",
  });
  await other.trigger("elsewhere", { n: 1 });
  await other.emit("happened", "now");
  console.log(run.runId);
}
