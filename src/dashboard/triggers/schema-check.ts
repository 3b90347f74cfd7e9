/** Whether a JSON text fits the schema of what a task takes, as it is typed. Pure. */
import { Validator } from "@cfworker/json-schema";
import type { JsonSchema } from "../documents.ts";

export type Checked =
  | { readonly state: "fits"; readonly value: unknown }
  /** `path`: where, from `$`; null if the text is no JSON at all. */
  | {
      readonly state: "wrong";
      readonly faults: readonly { readonly path: string | null; readonly message: string }[];
    };

/** Checks a text; without a schema every JSON fits. */
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
  // What says only that something inside is wrong is left out: the inner fault says what.
  const deepest = errors.filter(({ keyword }) => !OUTER.includes(keyword));
  const faults = (deepest.length === 0 ? errors : deepest).map(
    ({ instanceLocation, keyword, keywordLocation, error }) => ({
      path: pathOf(instanceLocation),
      message: messageOf(keyword, error, () => valueAt(schema, keywordLocation)),
    }),
  );
  return { state: "wrong", faults };
}

const OUTER = ["properties", "items", "prefixItems", "allOf", "$ref", "additionalProperties"];

/** The library's own words, but where those say nothing to who fills in a form. */
function messageOf(keyword: string, error: string, inSchema: () => unknown): string {
  if (keyword === "pattern") return `It must match ${String(inSchema())}`;
  return keyword === "false" ? "The task takes nothing here." : error;
}

/** What the schema says at a JSON pointer. */
function valueAt(schema: JsonSchema, pointer: string): unknown {
  let value: unknown = schema;
  for (const part of partsOf(pointer))
    value = isSchema(value) || Array.isArray(value) ? Reflect.get(value, part) : undefined;
  return value;
}

/** `#/a/0/b` to `$.a[0].b`. */
function pathOf(pointer: string): string {
  return `$${partsOf(pointer)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join("")}`;
}

function partsOf(pointer: string): string[] {
  const parts = pointer.replace(/^#\/?/, "").split("/").filter(Boolean);
  return parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A value to begin with: the schema's own example or default, else the required properties, empty. */
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
      return 0;
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

function exampleObject(schema: JsonSchema): Record<string, unknown> {
  const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const example: Record<string, unknown> = {};
  for (const field of fieldsOf(schema) ?? [])
    if (required.includes(field.name)) example[field.name] = exampleOf(field.schema);
  return example;
}

export interface Field {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/** The properties of an object's schema, in order; null if it is no object with named properties. */
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

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
