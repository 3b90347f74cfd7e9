import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runTask, testPipeline } from "peach/testing";
import { influx, line, milvus, redis, vectors, type InfluxOptions } from "peach/stores";
import { FakeHttp, type Answered } from "../support/fake-http.ts";
import { hasProgram, StoreServer } from "../support/servers.ts";

const SECRET = "s3cret-of-the-test";

let server: FakeHttp;
beforeEach(async () => {
  server = await FakeHttp.open();
});
afterEach(() => server.close());

/** Runs a call as a task. `error` and `retry` are what the attempt ended with. */
function asTask(work: () => Promise<unknown>, env: Readonly<Record<string, unknown>>) {
  return runTask(async () => (await work()) ?? null, undefined, { env });
}

describe("milvus(), against a server that follows the published REST contract", () => {
  const env = (): Record<string, string> => ({ MILVUS_URL: `${server.url}/`, MILVUS_TOKEN: `root:${SECRET}` });
  const json = (value: unknown): Answered => ({ body: JSON.stringify(value) });

  it.each([
    ["insert", { collectionName: "c", data: [{ id: 1 }] }, { insertCount: 1, insertIds: ["1"] }],
    ["upsert", { collectionName: "c", data: [{ id: 1 }] }, { upsertCount: 1, upsertIds: [1] }],
    ["search", { collectionName: "c", data: [[1, 2]], annsField: "v", limit: 2 }, [{ id: "1", distance: 0.5 }]],
    ["query", { collectionName: "c", filter: "id > 3", outputFields: ["title"] }, [{ id: "4", title: "t" }]],
    ["get", { collectionName: "c", id: [1, 2] }, [{ id: "1" }]],
  ] as const)(
    "milvus() sends the fields of %s as they are, and returns what is answered",
    async (method, request, data) => {
      server.answer = () => json({ code: 0, cost: 0, data });
      const call = (): Promise<unknown> => Reflect.apply(milvus()[method], undefined, [request]);
      const { passed, error } = await asTask(call, env());
      expect([passed, error]).toEqual([data, null]);
      expect(server.asked).toMatchObject([
        {
          method: "POST",
          path: `/v2/vectordb/entities/${method}`,
          headers: { authorization: `Bearer root:${SECRET}`, "content-type": "application/json" },
          body: JSON.stringify(request),
        },
      ]);
    },
  );

  it("milvus() deletes by a filter", async () => {
    server.answer = () => json({ code: 0, cost: 0, data: {} });
    const { error } = await asTask(() => milvus().delete({ collectionName: "c", filter: "id in [1]" }), env());
    expect(error).toBeNull();
    expect(server.asked[0]?.path).toBe("/v2/vectordb/entities/delete");
  });

  const get = (): Promise<unknown> => milvus({ timeout: "1s" }).get({ collectionName: "c", id: 1 });
  it.each([
    [
      "an invalid parameter, in a 200",
      { body: '{"code":1100,"message":"invalid parameter"}' },
      "NonRetryableError",
      "1100",
      null,
    ],
    ["a rate limit, in a 200", { body: '{"code":8,"message":"rate limit exceeded"}' }, "StoreError", "8", {}],
    ["a collection that is not loaded yet", { body: '{"code":103,"message":"loading"}' }, "StoreError", "103", {}],
    ["a wrong token", { status: 401, body: '{"code":1800,"message":"auth"}' }, "NonRetryableError", "401", null],
    ["an overload", { status: 503, body: "busy" }, "StoreError", "503", {}],
    [
      "too many requests, with a time",
      { status: 429, headers: { "Retry-After": "7" } },
      "RetryAfterError",
      "429",
      { afterMs: 7_000 },
    ],
    ["an answer that is no JSON", { body: "<html>" }, "StoreError", "answer", {}],
    ["data of another form", { body: '{"code":0,"data":{"x":1}}' }, "NonRetryableError", "answer", null],
    ["an answer that never ends", { hangs: true }, "StoreError", "timeout", {}],
  ])("milvus() tells if another attempt can help: %s", async (_, answer, name, code, retry) => {
    server.answer = () => answer;
    const codes: unknown[] = [];
    const call = async (): Promise<unknown> => {
      try {
        return await get();
      } catch (error) {
        codes.push(Reflect.get(Object(error), "store"), Reflect.get(Object(error), "code"));
        throw error;
      }
    };
    const result = await asTask(call, env());
    expect(result.error?.name).toBe(name);
    expect(codes).toEqual(["milvus", code]);
    if (retry === null) expect(result.retry).toBeNull();
    else expect(result.retry).toMatchObject(retry);
  });

  it("milvus() hides the token in what the server says, and in an address that cannot be reached", async () => {
    server.answer = () => ({ status: 401, body: JSON.stringify({ message: `the token root:${SECRET} is wrong` }) });
    const refused = await asTask(get, env());
    expect(refused.error?.message).toBe("milvus (MILVUS_URL) answered 401: the token ***:*** is wrong");
    server.close();
    const gone = await asTask(get, { MILVUS_URL: server.url.replace("//", `//root:${SECRET}@`) });
    expect(gone.error?.name).toBe("StoreError");
    expect(`${gone.error?.message} ${gone.error?.stack}`).not.toContain(SECRET);
  });
});

describe("influx()", () => {
  const env = (): Record<string, string> => ({
    INFLUX_URL: server.url,
    INFLUX_TOKEN: SECRET,
    INFLUX_DATABASE: "plays",
    INFLUX_ORG: "desk",
  });
  const write = (options?: InfluxOptions) => async (): Promise<void> =>
    influx(options).write(["m v=1", "m v=2\n"], { precision: "ms" });
  const query = (options?: InfluxOptions) => async (): Promise<unknown> => influx(options).query("Q");

  it("influx() writes to InfluxDB 3 and queries it by SQL, as its /ping says which version it is", async () => {
    server.answer = ({ path }) => {
      if (path === "/ping") return { headers: { "X-Influxdb-Version": "3.2.1" } };
      return path.startsWith("/api/v3/query_sql")
        ? { body: '[{"time":"2026-11-30T10:00:00","v":1.5}]' }
        : { status: 204 };
    };
    expect((await asTask(write(), env())).error).toBeNull();
    expect((await asTask(query(), env())).passed).toEqual([{ time: "2026-11-30T10:00:00", v: 1.5 }]);
    const [ping, written, asked] = server.asked;
    expect(ping).toMatchObject({ path: "/ping", headers: { authorization: `Bearer ${SECRET}` } });
    expect(written).toMatchObject({
      path: "/api/v3/write_lp?db=plays&precision=millisecond",
      headers: { authorization: `Bearer ${SECRET}` },
      body: "m v=1\nm v=2",
    });
    expect(asked).toMatchObject({ method: "POST", body: '{"db":"plays","q":"Q","format":"json"}' });
    // Asked once.
    expect(server.asked).toHaveLength(3);
  });

  it("influx() writes to InfluxDB 2 by bucket and organisation, and queries it by Flux", async () => {
    server.answer = ({ path }) => {
      if (path === "/ping") return { headers: { "X-Influxdb-Version": "v2.7.10" } };
      return path.startsWith("/api/v2/query")
        ? {
            headers: { "Content-Type": "text/csv" },
            body: "#datatype,string,long,double\n#group,false,false,false\n#default,_result,,\n,result,table,_value\n,,0,1.5\n\n",
          }
        : { status: 204 };
    };
    expect((await asTask(write(), env())).error).toBeNull();
    expect((await asTask(query(), env())).passed).toEqual([{ result: "_result", table: 0, _value: 1.5 }]);
    expect(server.asked[1]).toMatchObject({
      headers: { authorization: `Token ${SECRET}` },
      path: expect.stringMatching(/^\/api\/v2\/write\?org=desk&bucket=plays&precision=ms/),
      body: "m v=1\nm v=2",
    });
  });

  it("influx() writes to InfluxDB 1 and queries it by InfluxQL, with user and password", async () => {
    server.answer = ({ path }) =>
      path === "/query"
        ? {
            body: '{"results":[{"series":[{"name":"m","tags":{"a":"x"},"columns":["time","v"],"values":[["t",1],["u",2]]}]},{}]}',
          }
        : { status: 204 };
    const named = { ...env(), INFLUX_TOKEN: `ann:${SECRET}` };
    expect((await asTask(write({ version: 1 }), named)).error).toBeNull();
    expect((await asTask(query({ version: 1 }), named)).passed).toEqual([
      { a: "x", time: "t", v: 1 },
      { a: "x", time: "u", v: 2 },
    ]);
    const basic = `Basic ${Buffer.from(`ann:${SECRET}`).toString("base64")}`;
    expect(server.asked).toMatchObject([
      { path: "/write?db=plays&precision=ms", headers: { authorization: basic } },
      { path: "/query", body: "db=plays&q=Q", headers: { authorization: basic } },
    ]);
  });

  it("influx() tells if a query of InfluxDB 2 can be tried again, and when", async () => {
    server.answer = () => ({ status: 429, headers: { "Retry-After": "3" }, body: '{"message":"slow down"}' });
    const { error, retry } = await asTask(query({ version: 2 }), env());
    expect([error?.name, retry]).toEqual(["RetryAfterError", { afterMs: 3_000 }]);
    server.answer = () => ({ status: 400, body: JSON.stringify({ message: `bad ${SECRET}` }) });
    const refused = await asTask(query({ version: 2 }), env());
    expect(refused.error?.name).toBe("NonRetryableError");
    expect(refused.error?.message).toBe("influx (INFLUX_URL) answered 400: bad ***");
  });

  it.each([1, 2, 3] as const)(
    "influx() tells if another attempt can help, and hides the token: version %i",
    async (version) => {
      const ended = async (answer: Answered) => {
        server.answer = () => answer;
        const { error, retry } = await asTask(write({ version }), env());
        expect(error?.message).not.toContain(SECRET);
        return [error?.name, retry];
      };
      const said = JSON.stringify({ message: `no access for ${SECRET}`, error: `no access for ${SECRET}` });
      expect(await ended({ status: 401, body: said })).toEqual(["NonRetryableError", null]);
      expect(await ended({ status: 400, body: said })).toEqual(["NonRetryableError", null]);
      expect(await ended({ status: 503, body: said })).toEqual(["StoreError", { afterMs: null }]);
      expect(await ended({ status: 429, headers: { "Retry-After": "3" }, body: said })).toEqual([
        "RetryAfterError",
        { afterMs: 3_000 },
      ]);
      server.close();
      expect(await ended({})).toEqual(["StoreError", { afterMs: null }]);
    },
  );

  it.each([1, 2, 3] as const)("influx() gives up a server that does not answer: version %i", async (version) => {
    server.answer = () => ({ hangs: true });
    const { error } = await asTask(query({ version, timeout: "300ms" }), env());
    expect(error).toMatchObject({ name: "StoreError", message: "influx (INFLUX_URL) has not answered within 300 ms" });
  });

  it("influx() fails at once for an error inside of a 200 of InfluxDB 1", async () => {
    server.answer = () => ({ body: '{"results":[{"error":"database not found: plays"}]}' });
    const { error, retry } = await asTask(query({ version: 1 }), env());
    expect([error?.name, error?.message, retry]).toEqual([
      "NonRetryableError",
      "influx (INFLUX_URL): database not found: plays",
      null,
    ]);
  });

  it("influx() asks for the version of a server that does not say it", async () => {
    server.answer = () => ({ status: 204 });
    expect((await asTask(write(), env())).error?.message).toContain("give the option version, 1, 2 or 3");
  });

  it("influx() sends many lines in several requests, and none for no line", async () => {
    server.answer = () => ({ status: 204 });
    const lines = Array.from({ length: 12_000 }, (_, number) => `m v=${number}`);
    await asTask(() => influx({ version: 1 }).write(lines), env());
    await asTask(() => influx({ version: 1 }).write("\n"), env());
    expect(server.asked.map(({ body }) => body.split("\n").length)).toEqual([5_000, 5_000, 2_000]);
  });

  it("influx() refuses an answer that no worker can hold", async () => {
    const rows = JSON.stringify([{ text: "x".repeat(17 * 1024 * 1024) }]);
    server.answer = () => ({ body: rows });
    expect((await asTask(query({ version: 3 }), env())).error?.message).toContain("more than 16 MiB");
  });
});

describe("line()", () => {
  it("line() escapes what line protocol gives a meaning, and sorts the tags", () => {
    const written = line("my plays,a", {
      tags: { z: "a b", "a=,": "c,d=e", none: "" },
      fields: { count: 3n, share: 0.5, live: true, said: 'a "b" \\ c\nd' },
      time: new Date("2026-11-30T10:00:00.123Z"),
    });
    expect(written).toBe(
      String.raw`my\ plays\,a,a\=\,=c\,d\=e,z=a\ b count=3i,share=0.5,live=true,said="a \"b\" \\ c` +
        '\nd" 1796032800123000000',
    );
  });

  it.each([
    ["no fields", () => line("m", { fields: {} }), "no fields"],
    ["NaN", () => line("m", { fields: { v: Number.NaN } }), "the field v is NaN"],
    ["a line break in a tag", () => line("m", { tags: { a: "x\ny" }, fields: { v: 1 } }), "line break"],
    ["an empty name", () => line("", { fields: { v: 1 } }), "is empty"],
    ["a backslash at the end of a tag", () => line("m", { tags: { a: "x\\" }, fields: { v: 1 } }), "backslash"],
  ])("line() refuses %s", (_, write, reason) => {
    expect(write).toThrow(reason);
  });
});

describe("a store without its configuration", () => {
  it.each([
    ["redis", () => redis().get("x"), "REDIS_URL"],
    ["redis by another name", () => redis({ url: "CACHE_URL" }).get("x"), "CACHE_URL"],
    ["influx", () => influx().query("x"), "INFLUX_URL"],
    ["milvus", () => milvus().get({ collectionName: "c", id: 1 }), "MILVUS_URL"],
  ])("a store without its configuration fails at once, and says what to set: %s", async (_, call, name) => {
    const { error, retry } = await asTask(call, {});
    expect(error?.name).toBe("NonRetryableError");
    expect(error?.message).toContain(`${name}=… to .dev.vars`);
    expect(error?.message).toContain(`wrangler secret put ${name}`);
    expect(retry).toBeNull();
  });

  it("a store whose address is none says what it begins with, and not what it is", async () => {
    const { error } = await asTask(() => redis().get("x"), { REDIS_URL: `https://x:${SECRET}@host` });
    expect(error?.message).toBe("the variable REDIS_URL is no address of redis: it begins with redis:// or rediss://.");
  });

  it("a store is refused outside of tasks and endpoints", async () => {
    await expect(redis().get("x")).rejects.toThrow("redis().get was called outside a task or endpoint");
    await expect(vectors("v", { dimensions: 2 }).query([1, 2])).rejects.toMatchObject({ name: "OutsideTaskError" });
  });
});

describe("a store that a test puts in place of a variable", () => {
  it("a store that a test puts in place of a variable is called in place of the server", async () => {
    const kept = new Map<string, string>();
    const fake = {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, value: string) => void kept.set(key, value),
    };
    const work = async (): Promise<unknown> => {
      await redis().set("a", "b", { ttl: "1h" });
      return [await redis().get("a"), await redis().get("c")];
    };
    expect((await asTask(work, { REDIS_URL: fake })).passed).toEqual(["b", null]);
    const { error } = await asTask(() => redis().incr("a"), { REDIS_URL: fake });
    expect(error?.message).toBe("the redis of this test has no method incr");
    const rows = [{ count: 3 }];
    expect((await asTask(() => influx().query("x"), { INFLUX_URL: { query: () => rows } })).passed).toEqual(rows);
    const near = { MILVUS_URL: { search: async () => [{ id: "1", distance: 0.1 }] } };
    const search = (): Promise<unknown> => milvus().search({ collectionName: "c", data: [[1]] });
    expect((await asTask(search, near)).passed).toEqual([{ id: "1", distance: 0.1 }]);
  });
});

describe.skipIf(!hasProgram("redis-server"))("a store that a test gives an address", () => {
  it("a store that a test gives an address is a real server, and time at it is real", async () => {
    const real = await StoreServer.redis();
    const env = { REDIS_URL: `redis://127.0.0.1:${real.port}` };
    const work = async (): Promise<unknown> => {
      await redis().set("a", new Uint8Array([98, 99]), { ttl: "1h" });
      return [
        await redis().get("a"),
        await redis().incr("n", 5),
        await redis().del("a", "b"),
        await redis().command("DBSIZE"),
      ];
    };
    const { passed, error } = await asTask(work, env);
    const silent = await real.stopped(() =>
      asTask(() => redis({ commandTimeout: "200ms", connectTimeout: "200ms" }).get("a"), env),
    );
    await real.close();
    expect([passed, error]).toEqual([["bc", 5, 1, 1], null]);
    expect(silent.error?.message).toMatch(/^redis \(REDIS_URL\): .* was not answered within 200 ms$/);
    const dead = await asTask(() => redis().get("a"), env);
    expect(dead.error).toMatchObject({
      name: "StoreError",
      message: expect.stringContaining("redis (REDIS_URL) cannot be reached: connect ECONNREFUSED"),
    });
    expect(dead.retry).toEqual({ afterMs: null });
  });
});

describe("vectors() in a test of a pipeline", () => {
  const items = vectors("items", { dimensions: 2 });

  it("vectors() in a test of a pipeline are built by a task, and served by an endpoint and by runTask", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  build: {method: build}\nendpoints:\n  near: {method: near, auth: none}\n",
      pipelines: {
        build: async () => {
          await items.upsert([{ id: "gone", vector: [9, 9] }]);
          return items.replace([
            { id: "east", vector: [1, 0], metadata: { lang: "de" } },
            { id: "north", vector: [0, 1], metadata: { lang: "en" } },
          ]);
        },
        near: () => items.query([1, 0.1], { limit: 1, filter: { lang: "en" } }),
      },
    });
    const run = await peach.trigger("build");
    expect(run.task("build").passed).toBe(2);
    // What was replaced is deleted by the alarm of the index.
    await peach.advance("1m");
    const answer = await peach.request("/near");
    expect(await answer.json()).toMatchObject([{ id: "north", metadata: { lang: "en" } }]);
    const own = vectors("own", { dimensions: 2, metric: "dot" });
    const { passed } = await runTask(async () => {
      await own.upsert([{ id: "a", vector: [1, 2] }]);
      return own.query([3, 4]);
    });
    expect(passed).toEqual([{ id: "a", score: 11, metadata: null }]);
  });
});
