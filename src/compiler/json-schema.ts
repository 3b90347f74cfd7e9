/**
 * Makes JSON Schemas from the schemas of peach.conf, for editors. zod cannot convert functions, and
 * the building blocks of `schema-parts.ts` are functions. Each block therefore describes its input
 * with `described`.
 */
import type { ZodType } from "zod";
import * as z from "zod";

/** A JSON Schema of draft 7, which every editor supports. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Makes the JSON Schema of a part of a schema. */
type SchemaOf = (part: ZodType) => JsonSchema;

/** The descriptions of schemas, by schema. */
const DESCRIPTIONS = new WeakMap<object, (of: SchemaOf) => JsonSchema>();

/**
 * Sets the JSON Schema of a zod schema, in place of zod's own conversion. `.meta()` makes a new
 * schema without the description; a transformation keeps the description of its input.
 */
export function described<T extends ZodType>(schema: T, describe: (of: SchemaOf) => JsonSchema): T {
  DESCRIPTIONS.set(schema, describe);
  return schema;
}

/** Makes the JSON Schema of the input of a schema, as a user writes peach.conf. */
export function jsonSchemaOf(schema: ZodType): JsonSchema {
  // Only the schema of the whole file names its draft.
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    override({ zodSchema, jsonSchema }) {
      const describe = DESCRIPTIONS.get(zodSchema);
      // The description replaces zod's conversion as a whole.
      if (describe !== undefined) {
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        Object.assign(jsonSchema, describe(jsonSchemaOf));
      }
      // zod drops the default and the examples of a transformed value, since both usually describe
      // the result. Here both describe the text that a user writes.
      const { description, default: assumed, examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (description !== undefined) Object.assign(jsonSchema, { description });
      if (assumed !== undefined) Object.assign(jsonSchema, { default: assumed });
      if (examples !== undefined) Object.assign(jsonSchema, { examples });
    },
  });
  return json;
}

/** Makes the JSON Schema of a mapping. Keys outside the shape are refused. */
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
