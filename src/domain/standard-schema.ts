/**
 * The interface of Standard Schema, as in zod, valibot and arktype. The types follow version 1 of
 * the specification (standardschema.dev), which recommends a copy in place of a dependency.
 */

/** A schema that reads `Input` and returns `Output`. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    /** The name of the library. */
    readonly vendor: string;
    /** Reads a value. Returns the value as read, or the issues. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Makes the JSON Schema of one side: the extension Standard JSON Schema. May throw. */
    readonly jsonSchema?: Readonly<Record<"input" | "output", JsonSchemaMaker>> | undefined;
    /** Exists in types only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type JsonSchemaMaker = (options: { readonly target: string }) => Record<string, unknown>;

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A wrong place of a value, with a plain path. */
interface PlainIssue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/**
 * Holds a value against a schema. Throws for an answer that is neither a value nor issues: a value
 * that nothing has checked would count as one that fits.
 */
export async function validated(
  { vendor, validate }: StandardSchema["~standard"],
  value: unknown,
): Promise<{ readonly value: unknown } | { readonly issues: readonly PlainIssue[] }> {
  const answer: unknown = await validate(value);
  const given = typeof answer === "object" && answer !== null ? answer : {};
  const issues: unknown = Reflect.get(given, "issues") ?? null;
  if (issues === null && "value" in given) return { value: given.value };
  if (!Array.isArray(issues))
    throw new TypeError(`the schema of ${String(vendor)} answers with neither a value nor issues`);
  // The specification lets a list of issues refuse the value, even an empty one.
  if (issues.length === 0) return { issues: [{ message: "does not fit the schema", path: [] }] };
  return { issues: Array.from(issues, plainIssue) };
}

/** Reads an issue. Libraries differ in what they leave out. */
function plainIssue(issue: unknown): PlainIssue {
  const { message, path }: { message?: unknown; path?: unknown } = Object(issue);
  // The path may be of a class of its own, whose `map` makes another path.
  const steps: readonly unknown[] = Array.isArray(path) ? Array.from(path) : [];
  return {
    message: typeof message === "string" ? message : "does not fit the schema",
    path: steps.map(keyOf),
  };
}

/** Returns the key of a step, which is a key or an object with one. */
function keyOf(step: unknown): PropertyKey {
  const key: unknown = typeof step === "object" && step !== null ? Reflect.get(step, "key") : step;
  return typeof key === "number" || typeof key === "symbol" ? key : String(key);
}

/** The type that a schema reads. */
export type InferInput<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["input"];

/** The type that a schema returns. */
export type InferOutput<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];
