import { createClient } from "peach/client";

export async function calls(): Promise<void> {
  const peach = createClient({ url: "https://peach.example", token: "t" });
  await peach.trigger("translat", { text: "x" }); // error: TS2345
  await peach.trigger("translate"); // error: TS2554
  await peach.trigger("translate", { text: 1 }); // error: TS2322
  await peach.trigger("split_words", { text: "x" }); // error: TS2345
  await peach.emit("article.publish", { text: "x" }); // error: TS2345
  await peach.emit("article.published"); // error: TS2554
  await peach.emit("article.published", 5); // error: TS2345
  const other = createClient<{ elsewhere: { n: number } }, { happened: string }>({
    url: "https://other.example",
    token: "t",
  });
  await other.trigger("translate", { text: "x" }); // error: TS2345
  await other.emit("article.published", "now"); // error: TS2345
}
