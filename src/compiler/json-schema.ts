/**
 * JSON Schemas of the schemas of peach.conf, for editors. zod writes them; it cannot see into the
 * functions of `schema-parts.ts`, which therefore say what they accept.
 */
import type { ZodType } from "zod";
import * as z from "zod";

/** A JSON Schema of draft 7, the one that every editor knows. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Makes the JSON Schema of a part. */
type SchemaOf = (part: ZodType) => JsonSchema;

const DESCRIPTIONS = new WeakMap<object, (of: SchemaOf) => JsonSchema>();

/**
 * Says what JSON Schema has to say of `schema`, in place of what zod would write. It is lost in what
 * `.meta()` makes of the schema itself, not in what a transformation makes of it.
 */
export function described<T extends ZodType>(schema: T, describe: (of: SchemaOf) => JsonSchema): T {
  DESCRIPTIONS.set(schema, describe);
  return schema;
}

/** Makes the JSON Schema of what a user may write for `schema`. */
export function jsonSchemaOf(schema: ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    override({ zodSchema, jsonSchema }) {
      const describe = DESCRIPTIONS.get(zodSchema);
      if (describe !== undefined) {
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        Object.assign(jsonSchema, describe(jsonSchemaOf));
      }
      // zod drops a default and examples where a value is transformed: there they are usually of
      // the result. Ours are what a user writes.
      const { description, default: assumed, examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (description !== undefined) Object.assign(jsonSchema, { description });
      if (assumed !== undefined) Object.assign(jsonSchema, { default: assumed });
      if (examples !== undefined) Object.assign(jsonSchema, { examples });
    },
  });
  return json;
}

/** The JSON Schema of a mapping with these keys and no others. */
export function mappingSchema(
  shape: Readonly<Record<string, ZodType>>,
  required: readonly string[],
  of: SchemaOf,
): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(shape).map(([key, part]) => [key, of(part)])),
    ...(required.length > 0 && { required: [...required] }),
    additionalProperties: false,
  };
}
