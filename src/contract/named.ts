/** Names the documents of the API, and derives their types. */
import { z } from "zod";

/** Named documents. Each becomes a component of the OpenAPI document, in the order of definition. */
export const documents = z.registry<{ readonly id: string }>();

/** Names a document for the OpenAPI document, and returns it. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  documents.add(schema, { id });
  return schema;
}

/**
 * Type of a document in JSON: the input of its schema, readonly in depth.
 *
 * ```ts
 * export type Attempt = Json<typeof attemptSchema>;
 * ```
 */
export type Json<Schema extends z.ZodType> = DeepReadonly<z.input<Schema>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
