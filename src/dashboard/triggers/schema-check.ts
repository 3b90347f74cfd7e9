/** Checks JSON texts against a task's schema as they are typed. Pure. The server checks again. */
import { Validator } from "@cfworker/json-schema";
import type { JsonSchema } from "../../contract/tasks.ts";

/** The result of a check. */
export type Checked =
  | { readonly state: "fits"; readonly value: unknown }
  /** `path` is the place from `$`; null if the text is not JSON. */
  | {
      readonly state: "wrong";
      readonly faults: readonly { readonly path: string | null; readonly message: string }[];
    };

/** Checks a text. Without a schema any JSON fits. */
export function checkJson(text: string, schema: JsonSchema | null): Checked {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { state: "wrong", faults: [{ path: null, message: `This is no JSON: ${message}` }] };
  }
  if (schema === null) return { state: "fits", value };
  const { valid, errors } = new Validator({ ...schema }, "2020-12", false).validate(value);
  if (valid) return { state: "fits", value };
  // A fault that only says "something inside is wrong" is left out: the inner fault is more
  // precise.
  const deepest = errors.filter(({ keyword }) => !OUTER.includes(keyword));
  const faults = (deepest.length === 0 ? errors : deepest).map(
    ({ instanceLocation, keyword, keywordLocation, error }) => ({
      path: pathOf(instanceLocation),
      message: messageOf(keyword, error, () => valueAt(schema, keywordLocation)),
    }),
  );
  return { state: "wrong", faults };
}

/** Keywords whose faults repeat the faults inside. */
const OUTER = ["properties", "items", "prefixItems", "allOf", "$ref", "additionalProperties"];

/**
 * The message of a fault: the library's, except for keywords whose message would not help a user.
 */
function messageOf(keyword: string, error: string, inSchema: () => unknown): string {
  if (keyword === "pattern") return `It must match ${String(inSchema())}`;
  return keyword === "false" ? "The task takes nothing here." : error;
}

/** Reads the schema at a JSON pointer. */
function valueAt(schema: JsonSchema, pointer: string): unknown {
  let value: unknown = schema;
  for (const part of partsOf(pointer))
    value = isSchema(value) || Array.isArray(value) ? Reflect.get(value, part) : undefined;
  return value;
}

/** Converts the pointer `#/a/0/b` to the path `$.a[0].b`. */
function pathOf(pointer: string): string {
  return `$${partsOf(pointer)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join("")}`;
}

/** Splits a JSON pointer; `~1` stands for `/` and `~0` for `~`. */
function partsOf(pointer: string): string[] {
  const parts = pointer.replace(/^#\/?/, "").split("/").filter(Boolean);
  return parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * Makes a value to begin with: the schema's default or example, otherwise empty values for the
 * required properties.
 */
export function exampleOf(schema: JsonSchema | null): unknown {
  if (schema === null) return {};
  const { default: given, examples, enum: choices, const: only, type } = schema;
  if (given !== undefined) return given;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if (only !== undefined) return only;
  if (Array.isArray(choices)) return choices[0];
  switch (Array.isArray(type) ? type[0] : type) {
    case "string":
      return "";
    case "number":
    case "integer":
      return exampleNumber(schema);
    case "boolean":
      return false;
    case "array":
      return [];
    case "null":
      return null;
    default:
      return exampleObject(schema);
  }
}

/** Selects zero, or the number nearest to zero if the schema limits its numbers. */
function exampleNumber(schema: JsonSchema): number {
  const bound = (name: string): number | null => {
    const value = schema[name];
    return typeof value === "number" ? value : null;
  };
  const above = bound("exclusiveMinimum");
  const below = bound("exclusiveMaximum");
  const least = bound("minimum") ?? (above === null ? null : above + 1);
  const most = bound("maximum") ?? (below === null ? null : below - 1);
  return Math.min(Math.max(0, least ?? 0), most ?? Infinity);
}

/** Makes an object with the required properties. */
function exampleObject(schema: JsonSchema): Record<string, unknown> {
  const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const example: Record<string, unknown> = {};
  for (const field of fieldsOf(schema) ?? [])
    if (required.includes(field.name)) example[field.name] = exampleOf(field.schema);
  return example;
}

/** A property of an object's schema. */
export interface Field {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/**
 * Lists the properties of an object's schema in order. Null if the schema names none, so that no
 * form can be shown.
 */
export function fieldsOf(schema: JsonSchema | null): readonly Field[] | null {
  const properties = schema?.["properties"];
  if (!isSchema(properties)) return null;
  const required: readonly unknown[] = Array.isArray(schema?.["required"])
    ? schema["required"]
    : [];
  return Object.entries(properties).map(([name, property]) => ({
    name,
    schema: isSchema(property) ? property : {},
    isRequired: required.includes(name),
  }));
}

/** Tests for a schema that is an object; `true` and `false` are schemas too. */
function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
