/**
 * `milvus()`: a client of Milvus and of Zilliz Cloud by their REST API, version 2, with its own
 * names of fields. An error that the server answers with status 200 is thrown.
 */
import * as z from "zod";
import type { DurationInput } from "../execution/author/api.ts";
import { scopeOf } from "../execution/author/context.ts";
import { millisecondsOf } from "../execution/author/errors.ts";
import { Connections } from "./connections.ts";
import { HttpConnection } from "./http.ts";
import { address, callStandIn, secretsOf, setting, standIn } from "./settings.ts";

export interface MilvusOptions {
  /** The name of the variable with the URL. Default: MILVUS_URL. */
  readonly url?: string;
  /**
   * The name of the variable with the token, or `user:password`; may be missing for an open server.
   * Default: MILVUS_TOKEN.
   */
  readonly token?: string;
  /** Limit of one request. Default: 10s. */
  readonly timeout?: DurationInput;
}

/** An entity: its values by field. An int64 comes as a string, which holds all of its digits. */
export type MilvusEntity = Readonly<Record<string, unknown>>;

interface OfCollection {
  readonly dbName?: string;
  readonly collectionName: string;
}

export interface MilvusInsert extends OfCollection {
  readonly partitionName?: string;
  readonly data: readonly MilvusEntity[];
}

interface MilvusRead extends OfCollection {
  readonly partitionNames?: readonly string[];
  readonly outputFields?: readonly string[];
  readonly consistencyLevel?: string;
}

/** Entities that a filter selects. */
interface MilvusFilter extends MilvusRead {
  readonly filter?: string;
  readonly exprParams?: Readonly<Record<string, unknown>>;
  readonly limit?: number;
  readonly offset?: number;
}

export interface MilvusSearch extends MilvusFilter {
  /** Vectors, or texts for a field with a function that embeds them. */
  readonly data: readonly unknown[];
  /** The field with vectors; may be left out if the collection has one. */
  readonly annsField?: string;
  readonly groupingField?: string;
  readonly groupSize?: number;
  readonly strictGroupSize?: boolean;
  readonly searchParams?: Readonly<Record<string, unknown>>;
}

export interface MilvusQuery extends MilvusFilter {
  readonly filter: string;
}

type MilvusId = string | number;

export interface MilvusGet extends MilvusRead {
  readonly id: MilvusId | readonly MilvusId[];
}

export interface MilvusDelete extends OfCollection {
  readonly partitionName?: string;
  readonly filter: string;
  readonly exprParams?: Readonly<Record<string, unknown>>;
}

export interface MilvusStore {
  insert(
    this: void,
    request: MilvusInsert,
  ): Promise<{ readonly insertCount: number; readonly insertIds: readonly MilvusId[] }>;
  upsert(
    this: void,
    request: MilvusInsert,
  ): Promise<{ readonly upsertCount: number; readonly upsertIds: readonly MilvusId[] }>;
  /** The nearest entities of all vectors of `data`, each with its `distance`. */
  search(this: void, request: MilvusSearch): Promise<readonly MilvusEntity[]>;
  query(this: void, request: MilvusQuery): Promise<readonly MilvusEntity[]>;
  get(this: void, request: MilvusGet): Promise<readonly MilvusEntity[]>;
  delete(this: void, request: MilvusDelete): Promise<void>;
}

const TIMEOUT = "10s";

/**
 * Makes the schemas of answers: of every call, and of what each call answers as `data`. Made at the
 * first use, so that a bundle without `milvus` is without them.
 */
function makeSchemas() {
  const ids = z.array(z.union([z.string(), z.number()]));
  const entities = z.array(z.record(z.string(), z.unknown()));
  return {
    answer: z.object({
      code: z.number(),
      message: z.string().optional(),
      data: z.unknown().optional(),
    }),
    insert: z.object({ insertCount: z.number(), insertIds: ids }),
    upsert: z.object({ upsertCount: z.number(), upsertIds: ids }),
    entities,
    anything: z.unknown(),
  } as const;
}

let schemas: ReturnType<typeof makeSchemas> | null = null;

function schemasOf(): ReturnType<typeof makeSchemas> {
  return (schemas ??= makeSchemas());
}

/**
 * Codes of errors that Milvus itself calls retriable: not ready, unavailable, too many requests,
 * rate limits, lack of resources, loading, recovering, and limits of its HTTP server.
 */
const PASSING: ReadonlySet<number> = new Set([
  1, 2, 4, 8, 12, 103, 106, 202, 305, 1002, 1807, 2200,
]);

const connections = new Connections<HttpConnection>("milvus");

/**
 * A client of Milvus for tasks and endpoints.
 *
 * @example
 * const near = await milvus().search({
 *   collectionName: "programmes",
 *   data: [embedding],
 *   annsField: "embedding",
 *   filter: 'language == "de"',
 *   limit: 10,
 *   outputFields: ["title"],
 * });
 */
export function milvus(options: MilvusOptions = {}): MilvusStore {
  const names = { url: options.url ?? "MILVUS_URL", token: options.token ?? "MILVUS_TOKEN" };
  const limitMs = millisecondsOf(options.timeout ?? TIMEOUT);

  const call = async <Schema extends z.ZodType>(
    method: keyof MilvusStore,
    schema: Schema,
    request: object,
  ): Promise<z.output<Schema>> => {
    const scope = scopeOf(`milvus().${method}`);
    const instead = standIn(scope, names.url);
    if (instead !== null)
      return schema.parse(await callStandIn("milvus", instead, method, [request]));
    const { url, secrets } = address(scope, "milvus", names.url, ["http:", "https:"]);
    const token = setting(scope, names.token) ?? credentialsOf(url);
    const connection = connections.of(
      scope,
      `${names.url} ${names.token}`,
      () => new HttpConnection("milvus", names.url, [...secrets, ...secretsOf(token)]),
    );
    url.username = "";
    url.password = "";
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/v2/vectordb/entities/${method}`;
    const headers = {
      "Content-Type": "application/json",
      ...(token !== null && { Authorization: `Bearer ${token}` }),
    };
    const body = JSON.stringify(request);
    const { text } = await connection.send(url, { method: "POST", headers, body }, limitMs);
    return dataOf(connection, method, schema, text);
  };

  return {
    insert: (request) => call("insert", schemasOf().insert, request),
    upsert: (request) => call("upsert", schemasOf().upsert, request),
    search: (request) => call("search", schemasOf().entities, request),
    query: (request) => call("query", schemasOf().entities, request),
    get: (request) => call("get", schemasOf().entities, request),
    delete: async (request) => {
      await call("delete", schemasOf().anything, request);
    },
  };
}

function credentialsOf({ username, password }: URL): string | null {
  return username === "" ? null : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
}

function dataOf<Schema extends z.ZodType>(
  connection: HttpConnection,
  method: string,
  schema: Schema,
  text: string,
): z.output<Schema> {
  const answer = schemasOf().answer.safeParse(json(text));
  if (!answer.success)
    throw connection.ownFault("answer", "the answer has another form than Milvus's", true);
  const { code, message = "no message", data } = answer.data;
  if (code !== 0) throw connection.ownFault(String(code), message, PASSING.has(code));
  const fitted = schema.safeParse(data);
  if (fitted.success) return fitted.data;
  throw connection.ownFault(
    "answer",
    `the answer to ${method} has another form than Milvus's`,
    false,
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
