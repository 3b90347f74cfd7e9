/**
 * What a call of the API is: method, path, right, what it takes and answers, each part as a schema. One definition serves the route
 * (`handle.ts`), the check of the rights, the validation of the request and the OpenAPI document, so that they cannot tell different
 * stories.
 *
 * To add a call: define its operation in `operations/<group>.ts`, put it into the table of `operations.ts`, and serve it with
 * `handle(routes, operation, ...)` in `routes/<group>.ts`. Documents get a name by `named` (see `api-types.ts`). Tests hold routes
 * and table against each other, and try every call of the table with every kind of token.
 */
import type { z } from "zod";
import type { ProblemCode } from "../../domain/problem.ts";
import type { Right } from "../../domain/scope.ts";

/** What a call answers when it succeeds: a JSON document, or something else by its content types, or nothing. */
export interface Answer {
  readonly description: string;
  readonly document?: z.ZodType;
  readonly contentTypes?: readonly string[];
}

/** With a document. 204 has nothing, 206 a part of a payload. */
export type DocumentStatus = 200 | 201 | 202;

/** The calls by what they are about, in words for the description of the API. */
export const GROUPS = {
  Triggers: "What starts runs",
  Runs: "What became of a trigger: one run, or all of them",
  Steering: "What can be done about a run",
  Schedules: "Times at which tasks are triggered",
  Endpoints: "What came in from outside",
  "Dead letters": "What could not be processed",
  Deployment: "What is deployed, and how it is",
  Access: "Who may come in",
} as const;

export interface Operation {
  /** What clients that are generated call it. */
  readonly id: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** Below /api/v1, with `{parameters}`. */
  readonly path: string;
  readonly right: Right;
  readonly group: keyof typeof GROUPS;
  readonly summary: string;
  /** Each `{parameter}` of the path. */
  readonly params?: z.ZodObject;
  /** A strict object: a parameter that is not in it is refused. Numbers and booleans are read from their text. */
  readonly query?: z.ZodObject;
  /** Those that the call reads for itself. */
  readonly headers?: z.ZodObject;
  /** A JSON body by its schema; null: any body, of any content type. */
  readonly body?: {
    readonly description: string;
    readonly required: boolean;
    readonly document: z.ZodType | null;
  };
  readonly answers: Readonly<Partial<Record<DocumentStatus | 204 | 206, Answer>>>;
  /** What it may be refused with, beside what every call may (see `openapi.ts`). */
  readonly problems: readonly ProblemCode[];
}

/** What a request brings for an operation, read by its schemas. */
export interface InputOf<O extends Operation> {
  readonly params: OutputOf<O["params"]>;
  readonly query: OutputOf<O["query"]>;
  readonly headers: OutputOf<O["headers"]>;
}

/** The document that an operation answers with this status, as whoever makes it writes it. */
export type DocumentOf<O extends Operation, Status> = Status extends keyof O["answers"]
  ? O["answers"][Status] extends { readonly document: infer Document extends z.ZodType }
    ? DeepReadonly<z.input<Document>>
    : never
  : never;

type OutputOf<Schema> = Schema extends z.ZodObject
  ? z.output<Schema>
  : Readonly<Record<string, never>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
