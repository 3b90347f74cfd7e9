import { log, NonRetryableError, triggerTaskWithEvent, type EndpointContext } from "peach/task-helpers";

/** Answers 202 with the run that it has triggered. */
export async function article_hook(request: Request, _endpoint: EndpointContext): Promise<undefined> {
  const article: { text?: string } = await request.json();
  await triggerTaskWithEvent("split_words", article.text ?? "");
}

export async function split_words(text: string): Promise<string[]> {
  const words = text.toLowerCase().match(/\p{L}+/gu);
  // Any other error would be retried.
  if (words === null) throw new NonRetryableError("the article has no words");
  log.info("split", { words: words.length });
  return words;
}

export async function top_words(words: string[]): Promise<string[]> {
  const counts = Map.groupBy(words, (word) => word);
  const byCount = [...counts].toSorted(([, a], [, b]) => b.length - a.length);
  return byCount.slice(0, 3).map(([word]) => word);
}

export async function reading_time(words: string[]): Promise<number> {
  return Math.ceil(words.length / 230);
}

/** It has two upstream tasks, so it reads an object keyed by their names. */
export async function teaser(parents: { top_words: string[]; reading_time: number }): Promise<string> {
  return `About ${parents.top_words.join(", ")}: ${parents.reading_time} min`;
}
