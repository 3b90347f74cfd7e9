/** Items of a task with `each`. */
import { taskOfRunSchema } from "./run.ts";
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { nextCursor } from "./values.ts";

/** A page of items. */
export const itemsSchema = named(
  "Items",
  z.object({
    items: z.array(
      z.object({
        index: z.int(),
        ...taskOfRunSchema.pick({
          status: true,
          reason: true,
          attempts: true,
          output: true,
        }).shape,
      }),
    ),
    next_cursor: nextCursor,
  }),
);

/** A page of items. */
export type ItemPage = Json<typeof itemsSchema>;

/** An item and its attempts. */
export type Item = ItemPage["items"][number];
