import { log, NonRetryableError, servedBy, task } from "peach/task-helpers";
import { vectors } from "peach/stores";
import * as z from "zod";
import { DIMENSIONS, embed, indexName } from "./embedding.ts";
import { itemKey, type Kept } from "./serving.ts";

/** An item that can be found. */
export const itemSchema = z.object({
  id: z.string().min(1).max(128),
  title: z.string(),
  description: z.string(),
  genre: z.string().default(""),
});
const vectorSchema = itemSchema.pick({ id: true, title: true, genre: true }).extend({
  vector: z.array(z.number()).length(DIMENSIONS),
});

/** Items whose texts go to the model in one call. */
const PART = 50;

/** Reads the catalogue that was uploaded: a JSON array of items. */
export const read_catalogue = task({
  input: z.object({ bucket: z.string(), key: z.string() }),
  output: z.array(z.array(itemSchema)),
  run: async ({ key }, { env }) => {
    const file = await env.UPLOADS.get(key);
    if (file === null) throw new NonRetryableError(`${key} is not in the bucket`);
    const parsed = z
      .array(itemSchema)
      .min(1)
      .safeParse(await file.json());
    if (!parsed.success) throw new NonRetryableError(`${key} is no catalogue: ${z.prettifyError(parsed.error)}`);
    const items = parsed.data;
    return Array.from({ length: Math.ceil(items.length / PART) }, (_, part) =>
      items.slice(part * PART, (part + 1) * PART),
    );
  },
});

/** Makes the vectors of one part. An item without words has none, and is left out. */
export const embed_items = task({
  input: z.array(itemSchema),
  output: z.array(vectorSchema),
  run: async (items, { env }) => {
    const made = await embed(
      env,
      items.map(({ title, genre, description }) => `${title}. ${genre}. ${description}`),
    );
    const embedded = items.flatMap(({ id, title, genre }, index) => {
      const vector = made[index] ?? [];
      if (vector.some((value) => value !== 0)) return [{ id, title, genre, vector }];
      log.warn("an item without words is left out", { id });
      return [];
    });
    // The endpoint finds other items by the vector of one.
    for (const { id, genre, vector } of embedded)
      await env.ITEMS.put(itemKey(id), JSON.stringify(servedBy<Kept>({ genre, vector })));
    return embedded;
  },
});

/** Puts the new index in place of the one before when all of it is written. */
export const store_index = task({
  input: z.array(z.array(vectorSchema)),
  output: z.object({ items: z.int() }),
  run: async (parts, { env }) => {
    const items = parts.flat();
    const index = vectors(indexName(env), { metric: "cosine", dimensions: DIMENSIONS });
    await index.replace(items.map(({ id, title, genre, vector }) => ({ id, vector, metadata: { title, genre } })));
    return { items: items.length };
  },
});
