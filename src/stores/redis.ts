/**
 * `redis()`: a client of Redis by `ioredis`, which is loaded at the first use. The connection is
 * opened by the first command of a task's attempt or of a request, and closed at its end.
 */
import { Buffer } from "node:buffer";
import type { Redis } from "ioredis";
import type { DurationInput } from "../execution/author/api.ts";
import { scopeOf } from "../execution/author/context.ts";
import { millisecondsOf } from "../execution/author/errors.ts";
import { Connections, type Connection } from "./connections.ts";
import { StoreRefusedError } from "./errors.ts";
import { redisFault } from "./redis-fault.ts";
import { address, callStandIn, standIn, type Address } from "./settings.ts";
import { withinLimit } from "./time-limit.ts";

export interface RedisOptions {
  /** The name of the variable with the URL. Default: REDIS_URL. */
  readonly url?: string;
  /** Limit of connecting, the greeting included. Default: 2s. */
  readonly connectTimeout?: DurationInput;
  /** Limit of one command. Default: 5s. */
  readonly commandTimeout?: DurationInput;
}

/** A value of Redis: text, a number written as text, or bytes. */
export type RedisValue = string | number | Uint8Array;

export interface RedisStore {
  /** Reads a text; null if the key does not exist. */
  get(this: void, key: string): Promise<string | null>;
  /** Stores a value, for `ttl` if given. */
  set(
    this: void,
    key: string,
    value: RedisValue,
    options?: { readonly ttl?: DurationInput },
  ): Promise<void>;
  /** Deletes keys. Resolves to how many there were. */
  del(this: void, ...keys: readonly string[]): Promise<number>;
  /** Adds to a number, by default 1. Resolves to the sum. */
  incr(this: void, key: string, by?: number): Promise<number>;
  /** Sends any command. Resolves to the reply as `ioredis` gives it. */
  command(this: void, name: string, ...args: readonly RedisValue[]): Promise<unknown>;
}

const DEFAULT_URL = "REDIS_URL";
const CONNECT_TIMEOUT = "2s";
const COMMAND_TIMEOUT = "5s";

const connections = new Connections<RedisConnection>("redis");

/**
 * A client of Redis for tasks and endpoints. Holds only names: it may stand in a file's own scope.
 *
 * @example
 * const store = redis();
 *
 * export async function store_recommendations({ user, items }: Ranked) {
 *   await store.set(`recommendations:${user}`, JSON.stringify(items), { ttl: "2d" });
 * }
 */
export function redis(options: RedisOptions = {}): RedisStore {
  const { url = DEFAULT_URL } = options;
  const connectMs = millisecondsOf(options.connectTimeout ?? CONNECT_TIMEOUT);
  const commandMs = millisecondsOf(options.commandTimeout ?? COMMAND_TIMEOUT);

  const call = async (
    method: keyof RedisStore,
    given: readonly unknown[],
    name: string,
    args: readonly RedisValue[],
  ): Promise<unknown> => {
    const scope = scopeOf(`redis().${method}`);
    checkArguments([name, ...args]);
    const instead = standIn(scope, url);
    if (instead !== null) return callStandIn("redis", instead, method, given);
    const key = `${url} ${connectMs}`;
    const connection = connections.of(
      scope,
      key,
      () =>
        new RedisConnection(url, address(scope, "redis", url, ["redis:", "rediss:"]), connectMs),
    );
    return connection.call(name, args, commandMs);
  };

  return {
    get: async (key) => textOf(await call("get", [key], "GET", [key])),
    set: async (key, value, settings) => {
      const { ttl } = settings ?? {};
      const expiry = ttl === undefined ? [] : ["PX", Math.max(1, Math.round(millisecondsOf(ttl)))];
      await call("set", [key, value, settings], "SET", [key, value, ...expiry]);
    },
    del: async (...keys) => (keys.length === 0 ? 0 : Number(await call("del", keys, "DEL", keys))),
    incr: async (key, by = 1) => Number(await call("incr", [key, by], "INCRBY", [key, by])),
    command: (name, ...args) => call("command", [name, ...args], name, args),
  };
}

/**
 * Throws for an argument that is no value of Redis. `ioredis` sends each item of a list as an
 * argument of its own, and nothing for null: data from outside could change the command.
 */
function checkArguments(args: readonly unknown[]): void {
  for (const arg of args) {
    if (typeof arg === "string" || typeof arg === "number" || arg instanceof Uint8Array) continue;
    const given = Array.isArray(arg) ? "a list" : arg === null ? "null" : `of type ${typeof arg}`;
    throw new StoreRefusedError(
      "redis",
      "invalid",
      `an argument of redis() is a text, a number or bytes, and one is ${given}`,
    );
  }
}

function textOf(reply: unknown): string | null {
  return typeof reply === "string" || typeof reply === "number" ? String(reply) : null;
}

/** A connection to one server, of one invocation. */
class RedisConnection implements Connection {
  readonly #variable: string;
  readonly #address: Address;
  readonly #connectMs: number;
  #connecting: Promise<Redis> | null = null;
  #client: Redis | null = null;
  /** The last error of the connection, which its commands do not tell. */
  #trouble: unknown = null;
  isOver = false;
  underWay = 0;

  constructor(variable: string, given: Address, connectMs: number) {
    this.#variable = variable;
    this.#address = given;
    this.#connectMs = connectMs;
  }

  async call(name: string, args: readonly RedisValue[], limitMs: number): Promise<unknown> {
    this.underWay += 1;
    try {
      const client = await (this.#connecting ??= this.#connect());
      const sent = args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg) : arg));
      return await withinLimit(limitMs, `the command ${name}`, client.call(name, ...sent));
    } catch (error) {
      throw redisFault(error, this.#trouble, this.#variable, this.#address.secrets);
    } finally {
      this.underWay -= 1;
    }
  }

  close(): void {
    this.isOver = true;
    this.#client?.disconnect();
  }

  async #connect(): Promise<Redis> {
    const { Redis: Client } = await import("ioredis");
    const client = new Client(this.#address.url.href, {
      lazyConnect: true,
      connectTimeout: this.#connectMs,
      // Another attempt, or another request, connects anew.
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // A server that is still loading says so to the command, for one round trip less.
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    this.#client = client;
    client.on("error", (error) => (this.#trouble = error));
    client.on("end", () => this.close());
    if (this.isOver) throw new Error("Connection is closed.");
    try {
      await withinLimit(this.#connectMs, "connecting", client.connect());
    } catch (error) {
      this.close();
      throw error;
    }
    return client;
  }
}
