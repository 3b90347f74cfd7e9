import { createClient } from "peach/client";

export async function calls(): Promise<void> {
  const peach = createClient({ url: "https://peach.example", token: "t" });
  await peach.trigger("translat", { text: "x" }); // error: TS2345
  await peach.trigger("translate"); // error: TS2554
  await peach.trigger("translate", { text: 1 }); // error: TS2322
  await peach.trigger("translate", { txt: "x" }); // error: TS2561
  await peach.trigger("ping", "1"); // error: TS2345
  const run = await peach.trigger("split_words", "a text");
  const teaser: number = await run.output(); // error: TS2322
  const minutes: string = await run.output("reading_time"); // error: TS2322
  await run.output("reading_times"); // error: TS2345
  console.log(teaser, minutes);
  await peach.emit("article.publish", { text: "x" }); // error: TS2345
  await peach.emit("article.published"); // error: TS2554
  await peach.emit("article.changed", { text: 1 }); // error: TS2322
}
