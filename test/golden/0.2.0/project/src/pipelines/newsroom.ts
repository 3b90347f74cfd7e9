import { readFromParentTask } from "peach/task-helpers";
import { z } from "zod";

const article = z.object({ title: z.string() });

export async function draft(payload: unknown): Promise<{ title: string }> {
  return article.parse(payload);
}

export async function approve(): Promise<void> {}

export async function publish(): Promise<string> {
  return `published after ${JSON.stringify(await readFromParentTask())}`;
}

export async function count_words(text: string): Promise<number> {
  return text.split(/\s+/).length;
}
