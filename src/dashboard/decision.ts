/** The output of an approval, made from the task's output schema. Pure. */
import type { JsonSchema } from "../contract/tasks.ts";
import { exampleOf, type Field, fieldsOf } from "./triggers/schema-check.ts";

/** Names of properties with a meaning of their own, in a schema that somebody else wrote. */
const VERDICTS = ["approved", "approve", "accepted", "accept", "allowed", "allow", "ok"];
const NOTES = ["note", "comment", "reason", "remark", "message"];
const PEOPLE = ["by", "approver", "approved_by", "decided_by", "reviewer", "who"];

/** The parts of a decision about a task. */
export interface DecisionShape {
  /** The property that holds the decision; null if the schema has none. */
  readonly verdict: string | null;
  readonly note: string | null;
  readonly person: string | null;
  /** The properties that are left to fill in. */
  readonly fields: readonly Field[];
}

/** Finds the parts in a schema. Without a schema there is a verdict, a note and a person. */
export function shapeOf(schema: JsonSchema | null): DecisionShape {
  const fields = fieldsOf(schema);
  if (fields === null)
    return schema === null
      ? { verdict: "approved", note: "note", person: "by", fields: [] }
      : { verdict: null, note: null, person: null, fields: [] };
  const find = (names: readonly string[], type: string): string | null =>
    fields.find((field) => names.includes(field.name) && field.schema["type"] === type)?.name ??
    null;
  const [verdict, note, person] = [
    find(VERDICTS, "boolean"),
    find(NOTES, "string"),
    find(PEOPLE, "string"),
  ];
  const known = [verdict, note, person];
  return { verdict, note, person, fields: fields.filter(({ name }) => !known.includes(name)) };
}

/** The value that is passed. `rest` are the other properties, as filled in so far. */
export function decisionValue(
  schema: JsonSchema | null,
  isApproved: boolean,
  note: string,
  person: string,
  rest: Readonly<Record<string, unknown>>,
): unknown {
  const shape = shapeOf(schema);
  if (schema !== null && fieldsOf(schema) === null) return exampleOf(schema);
  const hasNote = shape.note !== null && (note !== "" || isRequired(schema, shape.note));
  return {
    ...rest,
    ...(shape.verdict !== null && { [shape.verdict]: isApproved }),
    ...(hasNote && shape.note !== null && { [shape.note]: note }),
    ...(shape.person !== null && { [shape.person]: person }),
  };
}

/** The other properties to begin with: examples of those that are required. */
export function restOf(schema: JsonSchema | null): Record<string, unknown> {
  return Object.fromEntries(
    shapeOf(schema)
      .fields.filter((field) => field.isRequired)
      .map((field) => [field.name, exampleOf(field.schema)]),
  );
}

/** Tests for a required property. */
function isRequired(schema: JsonSchema | null, name: string): boolean {
  return fieldsOf(schema)?.some((field) => field.name === name && field.isRequired) ?? false;
}
