/**
 * The interface of Standard Schema, as in zod, valibot and arktype. The types follow version 1 of the
 * specification (standardschema.dev), which recommends a copy in place of a dependency.
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

/** The type that a schema reads. */
export type InferInput<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["input"];

/** The type that a schema returns. */
export type InferOutput<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];
