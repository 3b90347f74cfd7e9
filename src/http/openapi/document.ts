/**
 * Builds the OpenAPI 3.1 document from the operations and their schemas. The same schemas validate
 * requests and type the answers, so the document cannot differ from the code.
 */
import * as z from "zod";
import type { ProblemCode } from "../../domain/problem.ts";
import { SCOPES_OF } from "../../domain/scope.ts";
import { documents } from "../../contract/named.ts";
import { problemSchema } from "../../contract/problem.ts";
import { GROUPS, type Answer, type Operation } from "./operation.ts";
import { PROBLEM_KINDS } from "../../contract/problem-kinds.ts";

/** Problems that every call may answer. */
const ALWAYS = [
  "unauthorized",
  "forbidden",
  "rate_limited",
  "internal_error",
  "overloaded",
  "unavailable",
  "awaits_deploy",
  "run_unreadable",
] as const satisfies ProblemCode[];

type Json = Readonly<Record<string, unknown>>;

/** Content of a body that may have any type; the two most common ones first. */
const ANY_PAYLOAD = {
  "application/json": { schema: {} },
  "text/plain": { schema: { type: "string" } },
  "*/*": { schema: { type: "string", format: "binary" } },
} as const;

const DESCRIPTION = `Peach runs event-driven pipelines at the edge. Each call needs a token, \`Authorization: Bearer TOKEN\`; what it needs to be
allowed to do stands with the call. Errors are problem documents (RFC 9457).`;

/** Builds the document. Paths and tags keep the order of the operations. */
export function openApiDocument(operations: readonly Operation[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(operation) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Peach",
      version: "1",
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/api/v1" }],
    security: [{ token: [] }],
    tags: [...new Set(operations.map(({ group }) => group))].map((name) => ({
      name,
      description: GROUPS[name],
    })),
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: componentSchemas(),
    },
  };
}

/** Describes one call; the description lists the scopes that allow it. */
function operationObject(operation: Operation): Json {
  const { id, group, summary, right, params, query, headers, body } = operation;
  const parameters = [
    ...parametersIn("path", params),
    ...parametersIn("query", query),
    ...parametersIn("header", headers),
  ];
  return {
    operationId: id,
    tags: [group],
    summary,
    description: `Scopes: ${SCOPES_OF[right].map((scope) => `\`${scope}\``).join(", ")}.`,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        description: body.description,
        required: body.required,
        content:
          body.document === null
            ? ANY_PAYLOAD
            : { "application/json": { schema: referenceTo(body.document) } },
      },
    }),
    responses: { ...successes(operation), ...refusals(operation) },
  };
}

/**
 * Describes the parameters of one place. A parameter is required if its schema rejects undefined.
 */
function parametersIn(place: "path" | "query" | "header", schema: z.ZodObject | undefined): Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, part]) => {
    const { description, ...rest } = schemaOf(part);
    const required = place === "path" || !z.safeParse(part, undefined).success;
    return {
      name,
      in: place,
      required,
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

function successes({ answers }: Operation): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)]),
  );
}

function responseOf(answer: Answer): Json {
  const { description, document, contentTypes = [] } = answer;
  const content = {
    ...(document !== undefined && { "application/json": { schema: referenceTo(document) } }),
    ...Object.fromEntries(contentTypes.map((type) => [type, {}])),
  };
  return { description, ...(Object.keys(content).length > 0 && { content }) };
}

/** Lists the problems of a call by status; several codes may share one. */
function refusals({ query, headers, problems = [] }: Operation): Json {
  const invalid: ProblemCode[] =
    query === undefined && headers === undefined ? [] : ["invalid_request"];
  const byStatus = Map.groupBy(
    new Set([...invalid, ...problems, ...ALWAYS]),
    (code) => PROBLEM_KINDS[code][0],
  );
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `${PROBLEM_KINDS[code][1]} (\`${code}\`)`).join("; "),
        content: { "application/problem+json": { schema: referenceTo(problemSchema) } },
      },
    ]),
  );
}

/** Refers to a named schema. Throws if the schema has no name. */
function referenceTo(schema: z.ZodType): Json {
  const id = documents.get(schema)?.id;
  if (id === undefined)
    throw new Error("a document of the API has no name: define it with `named`");
  return { $ref: `#/components/schemas/${id}` };
}

/** Converts all named schemas to JSON Schema. `io: "input"` describes values before transforms. */
function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(documents, {
    io: "input",
    uri: (id) => `#/components/schemas/${id}`,
    override: tidy,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, withoutPlace(schema)]),
  );
}

function schemaOf(schema: z.core.$ZodType): Json {
  return withoutPlace(z.toJSONSchema(schema, { io: "input", override: tidy }));
}

/** Removes `$schema` and `$id`, which mean nothing inside an OpenAPI document. */
function withoutPlace(schema: Json): Json {
  return Object.fromEntries(
    Object.entries(schema).filter(([key]) => key !== "$schema" && key !== "$id"),
  );
}

/**
 * Removes what tells a reader nothing: the pattern of a date beside its format, and the bounds of
 * safe integers.
 */
function tidy({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
