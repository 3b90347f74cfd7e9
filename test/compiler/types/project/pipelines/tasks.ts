/** The tasks of the project whose names and payloads the programs beside it use. */
import {
  passToChildTask,
  task,
  triggerTaskWithEvent,
  type EndpointContext,
  type StandardSchema,
  type TaskContext,
} from "peach/task-helpers";
import * as z from "zod";

export async function split_words(text: string): Promise<string[]> {
  return text.split(" ");
}

export async function top_words(words: string[], own: TaskContext<"top_words">): Promise<string[]> {
  const read: string[] = await own.readFromParentTask("split_words");
  return [...words, ...read];
}

export async function reading_time(words: string[]): Promise<number> {
  return words.length;
}

export async function teaser(parents: { top_words: string[]; reading_time: number }): Promise<string> {
  return `${parents.top_words.join()} ${parents.reading_time}`;
}

const translation = z.object({ text: z.string(), language: z.enum(["de", "en"]) });

export const translate = task({
  input: z.object({ text: z.string(), language: z.string().default("de"), tags: z.array(z.string()).optional() }),
  output: translation,
  run: async ({ text }, own) => {
    // A task may trigger itself, as long as nothing of it is returned.
    await own.triggerTaskWithEvent("translate", { text });
    return { text, language: "en" as const };
  },
});

/** Schemas of another library. */
const textAsLength: StandardSchema<string, number> = {
  "~standard": { version: 1, vendor: "own", validate: (value) => ({ value: String(value).length }) },
};
const wordOfNumber: StandardSchema<number, string> = {
  "~standard": { version: 1, vendor: "own", validate: (value) => ({ value: String(value) }) },
};

export const measure = task({
  input: textAsLength,
  output: wordOfNumber,
  run: (length) => {
    const double: number = length * 2;
    return double;
  },
});

export const publish = task({ input: z.object({ text: z.string() }), run: async () => undefined });

export async function store(): Promise<void> {
  passToChildTask({ stored: true });
}

export async function list_pages(): Promise<{ url: string }[]> {
  return [{ url: "https://pages.example" }];
}

export async function fetch_page({ url }: { url: string }): Promise<string> {
  return url;
}

export async function count_pages(pages: (string | null)[]): Promise<number> {
  return pages.length;
}

export async function nightly(): Promise<void> {}

export async function resize(image: Uint8Array): Promise<Uint8Array> {
  return image;
}

export async function greet(name?: { first: string }): Promise<string | undefined> {
  return name?.first;
}

export async function approve(_article: { editor: string }, _task: TaskContext): Promise<void> {}

// Two tasks that trigger each other have types, without return types of their own.
export async function ping(count: number) {
  const run = await triggerTaskWithEvent("pong", { count });
  return run.runId;
}

export async function pong({ count }: { count: number }) {
  const run = await triggerTaskWithEvent("ping", count - 1);
  return { run: run.runId };
}

export async function article_hook(request: Request, endpoint: EndpointContext): Promise<undefined> {
  await endpoint.triggerTaskWithEvent("split_words", await request.text());
}
