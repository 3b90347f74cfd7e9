/** Reads the calls of an API from its OpenAPI document, with the details that a fuzzer needs. */
import * as z from "zod";

const schema = z.record(z.string(), z.unknown());
const document = z.object({
  servers: z.array(z.object({ url: z.string() })).min(1),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        parameters: z
          .array(z.object({ name: z.string(), in: z.enum(["path", "query", "header"]), schema }))
          .default([]),
        requestBody: z.object({ content: z.record(z.string(), z.unknown()) }).optional(),
      }),
    ),
  ),
});

export interface DescribedParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface DescribedCall {
  readonly id: string;
  readonly method: string;
  /** The path from the root, with `{parameters}`. */
  readonly path: string;
  readonly parameters: readonly DescribedParameter[];
  readonly takesBody: boolean;
}

/** Parses the document. Throws zod's error if it is not an OpenAPI document. */
export function describedCalls(openapi: unknown): readonly DescribedCall[] {
  const { servers, paths } = document.parse(openapi);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters, requestBody }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path: `${servers[0]?.url ?? ""}${path}`,
      parameters,
      takesBody: requestBody !== undefined,
    })),
  );
}
