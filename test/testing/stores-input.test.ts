import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout } from "node:timers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runTask } from "peach/testing";
import { influx, line, milvus, redis, vectors } from "peach/stores";
import * as z from "zod";
import { withinLimit } from "../../src/stores/time-limit.ts";
import { FakeHttp } from "../support/fake-http.ts";

const SECRET = "s3cret-of-the-test";

let server: FakeHttp;
beforeEach(async () => {
  server = await FakeHttp.open();
});
afterEach(() => server.close());

const env = (): Record<string, string> => ({
  INFLUX_URL: server.url,
  INFLUX_TOKEN: SECRET,
  INFLUX_DATABASE: "plays",
  MILVUS_URL: server.url,
  MILVUS_TOKEN: SECRET,
});

/** Runs a call as a task. */
function asTask(work: () => Promise<unknown>, given: Readonly<Record<string, unknown>> = env()) {
  return runTask(async () => (await work()) ?? null, undefined, { env: given });
}

describe("a store over HTTP", () => {
  it.each([
    ["influx().write", () => influx({ version: 3 }).write("m v=1")],
    ["influx().query of InfluxDB 3", () => influx({ version: 3 }).query("Q")],
    ["influx().query of InfluxDB 2", () => influx({ version: 2 }).query("Q")],
    ["milvus().delete", () => milvus().delete({ collectionName: "c", filter: "id > 1" })],
  ])("a store over HTTP follows no redirect, such as to a page for logging in: %s", async (_, call) => {
    server.answer = ({ path }) =>
      path === "/login" ? { body: '{"code":0,"data":[]}' } : { status: 302, headers: { Location: "/login" } };
    const { error, retry } = await asTask(call);
    expect([error?.name, retry]).toEqual(["NonRetryableError", null]);
    expect(error?.message).toContain("answered 302");
    expect(server.asked.map(({ path }) => path)).not.toContain("/login");
  });

  it("a store over HTTP hides a secret that stands where a long message is cut", async () => {
    const said = `${"x".repeat(495)}${SECRET}`;
    server.answer = () => ({ status: 400, body: JSON.stringify({ message: said }) });
    const { error } = await asTask(() => milvus().get({ collectionName: "c", id: 1 }));
    expect(error?.message).toMatch(/x{495}\*\*\*$/);
  });

  it.each([
    ["influx()", (token: string) => influx({ token, version: 3 }).query("Q")],
    ["milvus()", (token: string) => milvus({ token }).get({ collectionName: "c", id: 1 })],
  ])("a store over HTTP hides the token of each client of one server: %s", async (_, call) => {
    server.answer = ({ headers }) => ({
      status: 401,
      body: JSON.stringify({ message: `wrong: ${headers["authorization"]}` }),
    });
    const { error } = await asTask(
      async () => {
        await call("ONE").catch(() => undefined);
        await call("OTHER");
      },
      { ...env(), ONE: "another-token", OTHER: SECRET },
    );
    expect(error?.message).toContain("wrong: Bearer ***");
  });

  it("a store over HTTP hides user and password of InfluxDB 1 also as the server was sent them", async () => {
    server.answer = ({ headers }) => ({
      status: 401,
      body: JSON.stringify({ error: `wrong: ${headers["authorization"]}` }),
    });
    const { error } = await asTask(() => influx({ version: 1 }).query("Q"), {
      ...env(),
      INFLUX_TOKEN: `ann:${SECRET}`,
    });
    expect(error?.message).toContain("wrong: Basic ***");
  });
});

describe("a limit of time", () => {
  it("a limit of time may be longer than a timer can be", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const answered = withinLimit(30 * 86_400_000, "a call", promise);
    setTimeout(resolve, 5, "answered");
    expect(await answered).toBe("answered");
  });
});

describe("influx()", () => {
  it("influx() asks a server for its version, whatever version another client of it has named", async () => {
    server.answer = ({ path }) =>
      path === "/ping" ? { headers: { "X-Influxdb-Version": "v1.8.10" } } : { status: 204 };
    await asTask(() => influx({ version: 2 }).write("m v=1"));
    await asTask(() => influx().write("m v=1"));
    expect(server.asked.map(({ path }) => path.split("?")[0])).toEqual(["/api/v2/write", "/ping", "/write"]);
  });

  it.each([1, 2, 3] as const)("influx() refuses an answer that no worker can hold, of InfluxDB %i", async (version) => {
    const text = "x".repeat(17 * 1024 * 1024);
    const bodies = {
      1: JSON.stringify({ results: [{ series: [{ columns: ["v"], values: [[text]] }] }] }),
      2: `#datatype,string,long,string\n#group,false,false,false\n#default,_result,,\n,result,table,_value\n${`,,0,${text.slice(0, 1_000)}\n`.repeat(17_800)}\n`,
      3: JSON.stringify([{ text }]),
    };
    server.answer = () => ({ headers: { "Content-Type": "text/csv" }, body: bodies[version] });
    const { error, retry } = await asTask(() => influx({ version }).query("Q"));
    expect(error?.message).toContain("more than 16 MiB");
    expect(retry).toBeNull();
  });

  it("influx() rejects for a result of InfluxDB 1 that the server has cut", async () => {
    const series = { columns: ["v"], values: [[1]], partial: true };
    server.answer = () => ({ body: JSON.stringify({ results: [{ series: [series] }] }) });
    const { error, retry } = await asTask(() => influx({ version: 1 }).query("Q"));
    expect([error?.message, retry]).toEqual([
      "influx (INFLUX_URL): the server has cut the result at its max-row-limit: ask for less at once",
      null,
    ]);
  });

  it.each(["1.5", "-5", "soon"])("influx() takes no time from a Retry-After that is none: %s", async (given) => {
    server.answer = () => ({ status: 503, headers: { "Retry-After": given }, body: '{"message":"busy"}' });
    const { error, retry } = await asTask(() => influx({ version: 3 }).query("Q"));
    expect([error?.name, retry]).toEqual(["StoreError", { afterMs: null }]);
  });

  it("influx() waits for a Retry-After that is a date, and not for one that is past", async () => {
    for (const [at, least, most] of [
      [new Date(Date.now() + 600_000), 500_000, 600_000],
      [new Date(0), 0, 0],
    ] as const) {
      server.answer = () => ({ status: 503, headers: { "Retry-After": at.toUTCString() } });
      const { retry } = await asTask(() => influx({ version: 3 }).query("Q"));
      expect(retry?.afterMs).toBeGreaterThanOrEqual(least);
      expect(retry?.afterMs).toBeLessThanOrEqual(most);
    }
  });

  it("influx() rejects for an error in the middle of an answer of InfluxDB 2, whose status is 200", async () => {
    const rows =
      "#datatype,string,long,double\n#group,false,false,false\n#default,_result,,\n,result,table,v\n,,0,1\n\n";
    const fault = "#datatype,string,string\n#group,true,true\n#default,,\n,error,reference\n,out of memory,897\n";
    server.answer = () => ({ headers: { "Content-Type": "text/csv" }, body: rows + fault });
    const { error } = await asTask(() => influx({ version: 2 }).query("Q"));
    expect(error?.message).toBe("influx (INFLUX_URL): out of memory");
    server.answer = () => ({ headers: { "Content-Type": "text/csv" }, body: rows });
    expect((await asTask(() => influx({ version: 2 }).query("Q"))).passed).toEqual([
      { result: "_result", table: 0, v: 1 },
    ]);
  });

  it("influx() sends a text with line breaks whole, and in one request", async () => {
    server.answer = () => ({ status: 204 });
    const said = 'a "b"\n\n c=,\nplays,user=admin count=1i';
    const texts = Array.from({ length: 2_000 }, (_, number) =>
      line('m"x', { tags: { 'a="b': "c" }, fields: { said, 'a="b': number } }),
    );
    await asTask(() => influx({ version: 1 }).write(texts));
    await asTask(() => influx({ version: 1 }).write(`${texts.join("\n")}\n`));
    const body = texts.join("\n");
    expect(server.asked.map((asked) => asked.body === body)).toEqual([true, true]);
  });
});

describe("line()", () => {
  it.each([
    ["a measurement that a server takes for a comment", () => line("#top", { fields: { v: 1 } }), "comment"],
    ["a time that is none", () => line("m", { fields: { v: 1 }, time: new Date(Number.NaN) }), "time"],
    [
      "a tag without a value",
      () => line("m", { tags: JSON.parse('{"t":null}'), fields: { v: 1 } }),
      "the tag t is null",
    ],
    ["a tag with several", () => line("m", { tags: JSON.parse('{"t":["a"]}'), fields: { v: 1 } }), "the tag t is a"],
    ["an integer beyond 64 bits", () => line("m", { fields: { v: 2n ** 63n } }), "the field v is 9223372036854775808"],
    ["a time beyond 64 bits", () => line("m", { fields: { v: 1 }, time: new Date("2300-01-01") }), "2300"],
    ["a time that is a number", () => line("m", { fields: { v: 1 }, time: JSON.parse("1") }), "time"],
    ["a field without a value", () => line("m", { fields: JSON.parse('{"v":null}') }), "the field v is null"],
  ])("line() refuses %s", (_, write, reason) => {
    expect(write).toThrow(expect.objectContaining({ store: "influx", message: expect.stringContaining(reason) }));
  });
});

describe("the address of a store", () => {
  it.each([
    ["redis", () => redis().get("x"), "REDIS_URL", "redis"],
    ["influx", () => influx().query("x"), "INFLUX_URL", "http"],
    ["milvus", () => milvus().get({ collectionName: "c", id: 1 }), "MILVUS_URL", "http"],
  ])(
    "the address of a store with a percent sign that escapes nothing is refused, and not shown: %s",
    async (_, call, name, protocol) => {
      const address = `${protocol}://ann:100%${SECRET}@127.0.0.1:1`;
      const { error, retry } = await asTask(call, { INFLUX_DATABASE: "plays", [name]: address });
      expect([error?.name, retry]).toEqual(["NonRetryableError", null]);
      expect(error?.message).toBe(
        `the variable ${name} has a % that escapes nothing: write %25 for it in user and password.`,
      );
    },
  );
});

describe("redis()", () => {
  const given: Readonly<Record<"list" | "none" | "missing" | "object" | "flag", string>> = JSON.parse(
    '{"list":["a","EX","1"],"none":null,"object":{"a":1},"flag":true}',
  );
  it.each<[string, () => Promise<unknown>]>([
    ["a list as a value, whose items would be arguments", () => redis().set("k", given.list)],
    ["a list as a key", () => redis().get(given.list)],
    ["null", () => redis().set("k", given.none)],
    ["a property that is not there", () => redis().set("k", given.missing)],
    ["an object", () => redis().set("k", given.object)],
    ["true", () => redis().command("SADD", "k", given.flag)],
    ["a name of a command that is none", () => redis().command(given.list)],
  ])("redis() refuses %s before it connects", async (_, call) => {
    const { error, retry } = await asTask(call, { REDIS_URL: "redis://127.0.0.1:1" });
    expect([error?.name, retry]).toEqual(["NonRetryableError", null]);
    expect(error?.message).toContain("a text, a number or bytes");
  });
});

describe("a Redis that refuses a command", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "StoreError"],
    ["MISCONF Errors writing to disk.", "StoreError"],
    ["NOAUTH Authentication required.", "NonRetryableError"],
    ["MOVED 1 redis.example:6379", "NonRetryableError"],
  ])(
    "a Redis that refuses a command for a state that passes is asked again, and for another it is not: %s",
    async (said, name) => {
      const refusing = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.on("data", () => void socket.write(`-${said}\r\n`));
      }).listen(0, "127.0.0.1");
      await once(refusing, "listening");
      const { port } = z.object({ port: z.number() }).parse(refusing.address());
      const { error } = await asTask(() => redis().set("k", "v"), { REDIS_URL: `redis://127.0.0.1:${port}` });
      expect([error?.name, error?.message]).toEqual([name, `redis (REDIS_URL): ${said}`]);
      refusing.close();
    },
  );
});

describe("vectors()", () => {
  const index = vectors("data-from-outside", { dimensions: 2 });
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const outside = (given: unknown): never => given as never;
  it.each<[string, () => Promise<unknown>, string]>([
    ["an item without a vector", () => index.upsert(outside([{ id: "a" }])), '"a" has no list of components'],
    ["an item that is null", () => index.upsert(outside([null])), "an item is null"],
    ["an item of replace() that is null", () => index.replace(outside([null])), "an item is null"],
    ["a text in place of items", () => index.replace(outside("ab")), "an item is a"],
    ["a text as vector", () => index.upsert(outside([{ id: "a", vector: "12" }])), '"a" has no list of components'],
    [
      "a component of another type",
      () => index.upsert(outside([{ id: "a", vector: [1n, 2n] }])),
      "has the component 1",
    ],
    ["a query without a vector", () => index.query(outside(null)), "the vector of the query has no list"],
    [
      "metadata in a Map",
      () => index.upsert(outside([{ id: "a", vector: [1, 2], metadata: new Map() }])),
      '"a" has metadata',
    ],
    ["an id in place of a list of ids", () => index.delete(outside("ab")), "delete() takes a list of ids"],
    ["an id that is null", () => index.delete(outside(["a", null])), "delete() takes a list of ids"],
    ["no ids", () => index.delete(outside(null)), "delete() takes a list of ids"],
  ])("vectors() refuses %s, and says why", async (_, call, reason) => {
    const { error, retry } = await asTask(call);
    expect([error?.name, retry]).toEqual(["NonRetryableError", null]);
    expect(error?.message).toContain(reason);
  });

  it("vectors() compares a property that a filter names like one of every object", async () => {
    const index = vectors("prototypes", { dimensions: 1 });
    const named = (value: string) => JSON.parse(`{"__proto__":"${value}"}`);
    const { passed, error } = await asTask(async () => {
      await index.upsert([
        { id: "a", vector: [1], metadata: named("x") },
        { id: "b", vector: [1], metadata: { lang: "de" } },
      ]);
      const found = [];
      for (const filter of [named("x"), named("y"), { constructor: "x" }, { toString: { gte: "" } }])
        found.push((await index.query([1], { filter })).map(({ id }) => id));
      return found;
    });
    expect([passed, error]).toEqual([[["a"], [], [], []], null]);
  });
});
