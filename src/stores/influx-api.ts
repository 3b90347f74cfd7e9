/** The write and query APIs of InfluxDB 1, 2 and 3, and how to tell them apart. */
import * as z from "zod";
import { StoreRefusedError } from "./errors.ts";
import type { HttpConnection } from "./http.ts";

/** A row of a result: its values by column. */
export type InfluxRow = Readonly<Record<string, unknown>>;

/** The reason to refuse a result of InfluxDB 1 without some of the rows. */
const CUT = "the server has cut the result at its max-row-limit: ask for less at once";

/** Precision of timestamps. */
export type InfluxPrecision = "ns" | "us" | "ms" | "s";

/** A server as it is configured. */
export interface InfluxServer {
  readonly connection: HttpConnection;
  /** Without credentials. */
  readonly url: URL;
  readonly token: string | null;
  readonly database: string;
  readonly org: string;
  readonly limitMs: number;
}

export interface InfluxApi {
  write(lines: readonly string[], precision: InfluxPrecision): Promise<void>;
  query(text: string): Promise<readonly InfluxRow[]>;
}

export const influxApi = {
  /** Asks the server for its version. */
  async version(server: InfluxServer): Promise<1 | 2 | 3> {
    const { connection, limitMs } = server;
    const headers = server.token === null ? {} : { Authorization: bearerOf(server.token) };
    const ping = urlOf(server, "/ping", {});
    const { headers: answered, text } = await connection.send(ping, { headers }, limitMs);
    const said = answered.get("X-Influxdb-Version") ?? /"version":\s*"([^"]+)"/.exec(text)?.[1];
    const major = /(\d+)\./.exec(said ?? "")?.[1];
    if (major === "1") return 1;
    if (major === "2") return 2;
    if (major === "3") return 3;
    throw new StoreRefusedError(
      "influx",
      "unknown_version",
      `the server does not say which InfluxDB it is (${said ?? "no version"}): give the option version, 1, 2 or 3`,
    );
  },

  /** InfluxDB 1: `/write` and `/query` with InfluxQL. */
  1: (server: InfluxServer): InfluxApi => {
    const { connection, database: db, token, limitMs } = server;
    const headers = token === null ? {} : { Authorization: basicOf(token) };
    return {
      write: async (lines, precision) => {
        const url = urlOf(server, "/write", {
          db,
          precision: precision === "us" ? "u" : precision,
        });
        await connection.send(url, { method: "POST", headers, body: lines.join("\n") }, limitMs);
      },
      query: async (q) => {
        const body = new URLSearchParams({ db, q });
        const url = urlOf(server, "/query", {});
        const { text } = await connection.send(url, { method: "POST", headers, body }, limitMs);
        const { results } = parsed(connection, schemasOf().results, text);
        const failed = results.find(({ error }) => error !== undefined);
        if (failed?.error !== undefined) throw connection.ownFault("query", failed.error, false);
        if (results.some((result) => result.series.some(({ partial }) => partial)))
          throw connection.ownFault("too_large", CUT, false);
        return results.flatMap(({ series }) => series.flatMap(rowsOf));
      },
    };
  },

  /** InfluxDB 2, and 1.8 with Flux, whose answers the client of InfluxData reads. */
  2: (server: InfluxServer): InfluxApi => {
    const { connection, token, database: bucket, org, limitMs } = server;
    const headers = token === null ? {} : { Authorization: `Token ${token}` };
    return {
      write: async (lines, precision) => {
        const write = urlOf(server, "/api/v2/write", { org, bucket, precision });
        await connection.send(write, { method: "POST", headers, body: lines.join("\n") }, limitMs);
      },
      query: async (text) => {
        const { linesToTables, stringToLines } = await import("@influxdata/influxdb-client");
        const body = JSON.stringify({ query: text, type: "flux", dialect: DIALECT });
        const csv = { ...headers, "Content-Type": "application/json", Accept: "application/csv" };
        const url = urlOf(server, "/api/v2/query", { org });
        const answer = await connection.send(url, { method: "POST", headers: csv, body }, limitMs);
        const rows: InfluxRow[] = [];
        const tables = linesToTables({
          next: (values, table) => {
            const row: InfluxRow = table.toObject(values);
            // An error after the begin of the answer, whose status is 200, comes as a table.
            if (table.columns.map(({ label }) => label).join() === "error,reference")
              throw connection.ownFault("query", String(row["error"]), false);
            rows.push(row);
          },
          error: () => undefined,
          complete: () => undefined,
        });
        stringToLines(answer.text, tables);
        return rows;
      },
    };
  },

  /** InfluxDB 3: line protocol and SQL over HTTP. */
  3: (server: InfluxServer): InfluxApi => {
    const { connection, database: db, token, limitMs } = server;
    const headers = token === null ? {} : { Authorization: bearerOf(token) };
    return {
      write: async (lines, precision) => {
        const url = urlOf(server, "/api/v3/write_lp", { db, precision: PRECISIONS[precision] });
        await connection.send(url, { method: "POST", headers, body: lines.join("\n") }, limitMs);
      },
      query: async (q) => {
        const body = JSON.stringify({ db, q, format: "json" });
        const json = { ...headers, "Content-Type": "application/json" };
        const url = urlOf(server, "/api/v3/query_sql", {});
        const { text } = await connection.send(
          url,
          { method: "POST", headers: json, body },
          limitMs,
        );
        return parsed(connection, schemasOf().rows, text);
      },
    };
  },
} as const;

/** The form of rows that the reader of the client understands. */
const DIALECT = {
  header: true,
  delimiter: ",",
  quoteChar: '"',
  commentPrefix: "#",
  annotations: ["datatype", "group", "default"],
} as const;

const PRECISIONS: Readonly<Record<InfluxPrecision, string>> = {
  ns: "nanosecond",
  us: "microsecond",
  ms: "millisecond",
  s: "second",
};

/** The answers of `/query` of InfluxDB 1, and of `/api/v3/query_sql`; see `schemasOf` of Milvus. */
function makeSchemas() {
  const series = z.object({
    tags: z.record(z.string(), z.string()).optional(),
    columns: z.array(z.string()),
    values: z.array(z.array(z.unknown())).default([]),
    partial: z.boolean().default(false),
  });
  return {
    results: z.object({
      results: z.array(
        z.object({ error: z.string().optional(), series: z.array(series).default([]) }),
      ),
    }),
    rows: z.array(z.record(z.string(), z.unknown())),
  } as const;
}

let schemas: ReturnType<typeof makeSchemas> | null = null;

function schemasOf(): ReturnType<typeof makeSchemas> {
  return (schemas ??= makeSchemas());
}

type Results = z.output<ReturnType<typeof makeSchemas>["results"]>;
type Series = Results["results"][number]["series"][number];

function rowsOf({ tags, columns, values }: Series): InfluxRow[] {
  return values.map((row) => ({
    ...tags,
    ...Object.fromEntries(columns.map((column, index) => [column, row[index]])),
  }));
}

function parsed<Schema extends z.ZodType>(
  connection: HttpConnection,
  schema: Schema,
  text: string,
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw connection.ownFault("answer", "the answer is no JSON", true);
  }
  const fitted = schema.safeParse(value);
  if (fitted.success) return fitted.data;
  throw connection.ownFault("answer", "the answer has another form than InfluxDB's", false);
}

function urlOf({ url }: InfluxServer, path: string, query: Readonly<Record<string, string>>): URL {
  const target = new URL(url);
  target.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  return target;
}

function bearerOf(token: string): string {
  return `Bearer ${token}`;
}

/** `user:password` in Basic, as InfluxDB 1 knows it; another text as the token of a proxy. */
function basicOf(token: string): string {
  if (!token.includes(":")) return `Token ${token}`;
  return `Basic ${new TextEncoder().encode(token).toBase64()}`;
}
