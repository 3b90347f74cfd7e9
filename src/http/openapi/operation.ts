/**
 * Defines an operation, which is a call of the API: method, path, right, input and answers, each
 * part as a schema. The route, the check of rights, the validation and the OpenAPI document all
 * read the same definition, so they cannot disagree.
 *
 * To add a call: define the operation beside the handler in `api/<resource>.ts`, and list the
 * operation in `api/operations.ts`. Documents get a name by `named` (see `contract/named.ts`).
 * Tests compare the routes with the list, and try every operation with every kind of token.
 */
import type * as z from "zod";
import type { Json } from "../../contract/named.ts";
import type { ProblemCode } from "../../domain/problem.ts";
import type { Right } from "../../domain/scope.ts";

/** A successful answer: a JSON document, another content type, or nothing. */
export interface Answer {
  readonly description: string;
  readonly document?: z.ZodType;
  readonly contentTypes?: readonly string[];
}

/** A successful answer that is a JSON document. */
export function answer<Schema extends z.ZodType>(description: string, document: Schema) {
  return { description, document };
}

/** Statuses with a document. 204 has none, 206 is a part of a payload. */
export type DocumentStatus = 200 | 201 | 202;

/** Groups of operations (tags in the OpenAPI document), with their descriptions. */
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

/** A call of the API, as `operation` makes it from its definition. */
export interface Operation {
  /** Name of the call: generated clients and the audit use it. */
  readonly id: string;
  readonly method: string;
  /** Path below /api/v1, with `{parameters}`. */
  readonly path: string;
  readonly right: Right;
  readonly group: keyof typeof GROUPS;
  readonly summary: string;
  /** Schema of each `{parameter}` in the path. */
  readonly params?: z.ZodObject;
  /**
   * Schema of the query, a strict object: unknown parameters are refused. Numbers and booleans are
   * parsed from text.
   */
  readonly query?: z.ZodObject;
  /** Schema of the headers that the call itself reads. */
  readonly headers?: z.ZodObject;
  /** A JSON body with its schema; null allows any body of any content type. */
  readonly body?: {
    readonly description: string;
    readonly required: boolean;
    readonly document: z.ZodType | null;
  };
  readonly answers: Readonly<Partial<Record<DocumentStatus | 204 | 206, Answer>>>;
  /** Problems of this call, if any, beside those of every call (`ALWAYS` in document.ts). */
  readonly problems?: readonly ProblemCode[];
}

/** Defines a call, such as `GET /runs/{id}`, and keeps the exact types of its schemas. */
export function operation<D extends Omit<Operation, "method" | "path">>(
  call: `${"GET" | "POST" | "DELETE"} /${string}`,
  definition: D,
): D & Pick<Operation, "method" | "path"> {
  const [method = "", path = ""] = call.split(" ");
  return { ...definition, method, path };
}

/** Validated input of a request, by the operation's schemas. */
export interface InputOf<O extends Operation> {
  readonly params: OutputOf<O["params"]>;
  readonly query: OutputOf<O["query"]>;
  readonly headers: OutputOf<O["headers"]>;
}

/** Type of the document that an operation answers with this status, as the handler writes it. */
export type DocumentOf<O extends Operation, Status> = Status extends keyof O["answers"]
  ? O["answers"][Status] extends { readonly document: infer Document extends z.ZodType }
    ? Json<Document>
    : never
  : never;

type OutputOf<Schema> = Schema extends z.ZodObject
  ? z.output<Schema>
  : Readonly<Record<string, never>>;
