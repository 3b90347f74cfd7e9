/**
 * `influx()`: a client of InfluxDB 1, 2 and 3. The server's answer to `/ping` tells the version,
 * once an isolate, unless the option says it.
 */
import type { DurationInput } from "../execution/author/api.ts";
import { scopeOf } from "../execution/author/context.ts";
import { millisecondsOf } from "../execution/author/errors.ts";
import { Connections, type Scope } from "./connections.ts";
import { HttpConnection } from "./http.ts";
import {
  influxApi,
  type InfluxApi,
  type InfluxPrecision,
  type InfluxRow,
  type InfluxServer,
} from "./influx-api.ts";
import { splitLines } from "./line-protocol.ts";
import { address, callStandIn, requiredSetting, secretsOf, setting, standIn } from "./settings.ts";

export interface InfluxOptions {
  /** The name of the variable with the URL. Default: INFLUX_URL. */
  readonly url?: string;
  /**
   * The name of the variable with the token, which may be missing for an open server. For InfluxDB
   * 1: `user:password`. Default: INFLUX_TOKEN.
   */
  readonly token?: string;
  /**
   * The name of the variable with the database; in InfluxDB 2 the bucket. Default: INFLUX_DATABASE.
   */
  readonly database?: string;
  /** The name of the variable with the organisation of InfluxDB 2. Default: INFLUX_ORG. */
  readonly org?: string;
  /** The version of the server. Default: what the server answers to /ping. */
  readonly version?: 1 | 2 | 3;
  /** Limit of one request. Default: 10s. */
  readonly timeout?: DurationInput;
}

export interface InfluxStore {
  /**
   * Writes points in line protocol (see `line`), 5,000 in a request. Written again, the same points
   * change nothing. `precision` is that of the lines' timestamps, by default `ns`.
   */
  write(
    this: void,
    lines: string | readonly string[],
    options?: { readonly precision?: InfluxPrecision },
  ): Promise<void>;
  /**
   * Queries in the server's language: InfluxQL in InfluxDB 1, Flux in 2, SQL in 3. Resolves to the
   * rows of all results, each with its columns, and in InfluxDB 1 with the tags of its series.
   */
  query(this: void, text: string): Promise<readonly InfluxRow[]>;
}

const TIMEOUT = "10s";
/** Lines of a request. */
const LINES_AT_ONCE = 5_000;

const connections = new Connections<HttpConnection>("influx");

/** Versions of servers by URL. A server that is upgraded is seen by the next isolate. */
const versions = new Map<string, 1 | 2 | 3>();

/**
 * A client of InfluxDB for tasks and endpoints.
 *
 * @example
 * await influx().write(line("plays", { tags: { channel: "one" }, fields: { count: 12 } }));
 * const rows = await influx().query("SELECT sum(count) FROM plays WHERE time > now() - 1h");
 */
export function influx(options: InfluxOptions = {}): InfluxStore {
  const names = {
    url: options.url ?? "INFLUX_URL",
    token: options.token ?? "INFLUX_TOKEN",
    database: options.database ?? "INFLUX_DATABASE",
    org: options.org ?? "INFLUX_ORG",
  };
  const limitMs = millisecondsOf(options.timeout ?? TIMEOUT);

  const using = async <T>(scope: Scope, work: (api: InfluxApi) => Promise<T>): Promise<T> => {
    const { url, secrets } = address(scope, "influx", names.url, ["http:", "https:"]);
    const database = requiredSetting(scope, "influx", names.database);
    const token = setting(scope, names.token);
    const { username, password } = url;
    const given =
      username === "" ? token : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const connection = connections.of(
      scope,
      `${names.url} ${names.token}`,
      () =>
        new HttpConnection("influx", names.url, [
          ...secrets,
          ...secretsOf(token),
          ...secretsOf(given),
        ]),
    );
    url.username = "";
    url.password = "";
    const server = {
      connection,
      url,
      token: given,
      database,
      org: setting(scope, names.org) ?? "",
      limitMs,
    };
    const version = options.version ?? (await versionOf(server));
    return work(influxApi[version](server));
  };

  return {
    write: async (lines, settings) => {
      const scope = scopeOf("influx().write");
      const instead = standIn(scope, names.url);
      if (instead !== null) {
        await callStandIn("influx", instead, "write", [lines, settings]);
        return;
      }
      const all = [lines].flat().flatMap(splitLines);
      if (all.length === 0) return;
      await using(scope, async (api) => {
        for (let from = 0; from < all.length; from += LINES_AT_ONCE)
          await api.write(all.slice(from, from + LINES_AT_ONCE), settings?.precision ?? "ns");
      });
    },
    query: async (text) => {
      const scope = scopeOf("influx().query");
      const instead = standIn(scope, names.url);
      if (instead === null) return using(scope, (api) => api.query(text));
      const rows = await callStandIn("influx", instead, "query", [text]);
      if (Array.isArray(rows)) return rows;
      throw new TypeError("the influx of this test answers a query with no list of rows");
    },
  };
}

/** Asks a server for its version, once an isolate. */
async function versionOf(server: InfluxServer): Promise<1 | 2 | 3> {
  const { href } = server.url;
  const version = versions.get(href) ?? (await influxApi.version(server));
  versions.set(href, version);
  return version;
}
