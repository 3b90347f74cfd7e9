/**
 * Names the documents of the API and derives their types. The server validates and describes by the
 * schemas. The client and the dashboard import types only, so that no schema is part of their
 * bundles.
 */
import * as z from "zod";

/**
 * Documents with a name. Each becomes a component of the OpenAPI document, in the order in which
 * the modules are evaluated.
 */
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
