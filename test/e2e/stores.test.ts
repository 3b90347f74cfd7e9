import { Redis } from "ioredis";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { hasProgram, StoreServer } from "../support/servers.ts";
import { taskOf, type RunDocument } from "./peach.ts";
import { Stage } from "./stage.ts";

const WAIT = { timeout: 30_000, interval: 20 };
const PASSWORD = "open-sesame-4711";

const HAS_REDIS = hasProgram("redis-server");
const HAS_INFLUX = hasProgram("influxd");

let stage: Stage;

beforeAll(async () => {
  if (!HAS_REDIS) return;
  redisServer = await StoreServer.redis();
  const { port } = redisServer;
  if (HAS_INFLUX) influxServer = await StoreServer.influx();
  stage = await Stage.open("stores", undefined, {
    REDIS_URL: `redis://127.0.0.1:${port}`,
    INTRUDERS_REDIS_URL: `redis://intruder:${PASSWORD}@127.0.0.1:${port}`,
    INFLUX_URL: `http://127.0.0.1:${influxServer?.port ?? 1}`,
    INFLUX_DATABASE: "measured",
  });
  return async () => {
    await stage.close();
    await redisServer.close();
    await influxServer?.close();
  };
});

let redisServer: StoreServer;
let influxServer: StoreServer | null = null;

/** Asks Redis, from outside. */
async function ask<T>(work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redisServer.port, "127.0.0.1", { connectionName: "test" });
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** How many connections others than tests have to Redis. */
function connections(): Promise<number> {
  return ask(async (client) => {
    const list = String(await client.call("CLIENT", "LIST"));
    return list.split("\n").filter((one) => one !== "" && !one.includes("name=test")).length;
  });
}

async function untilNoConnection(): Promise<void> {
  await vi.waitFor(async () => expect(await connections()).toBe(0), WAIT);
}

async function start(task: string, payload: unknown = null): Promise<string> {
  return (await stage.peach.trigger(task, payload)).run_id;
}

/** Errors of the task's attempts, in order. */
function errorsOf(run: RunDocument): string[] {
  return taskOf(run, run.task).attempts.flatMap(({ error }) =>
    error === null ? [] : [`${error.name}: ${error.message}`],
  );
}

async function untilFailedOnce(runId: string): Promise<string[]> {
  return vi.waitFor(async () => {
    const errors = errorsOf(await stage.peach.run(runId));
    expect(errors.length).toBeGreaterThan(0);
    return errors;
  }, WAIT);
}

async function answer(path: string): Promise<{ readonly status: number; readonly body: unknown; readonly ms: number }> {
  const begun = performance.now();
  const response = await fetch(stage.peach.url + path);
  return { status: response.status, body: await response.json(), ms: performance.now() - begun };
}

/** The endpoint's own timeout, and what a busy machine adds. */
const ENDPOINT_MS = 1_000 + 2_000;
const EDITORS_CHOICE = { value: "the editors' choice" };

describe.skipIf(!HAS_REDIS)("a real Redis", () => {
  it("a real Redis has what a task stored, and an endpoint serves it", async () => {
    const run = await stage.peach.finished(await start("store_items", { name: "first", count: 3 }));
    expect([run.status, errorsOf(run)]).toEqual(["succeeded", []]);
    expect(await (await stage.peach.payload(run.run_id, "store_items")).json()).toBe(1);
    expect(await answer("/item?key=first:2")).toMatchObject({ status: 200, body: { value: "value 2" } });
    expect(await answer("/item?key=unknown")).toMatchObject({ status: 200, body: { value: null } });
    expect(await ask((client) => client.pttl("first:1"))).toBeGreaterThan(3_000_000);
  });

  it("a real Redis that is killed in the middle of attempts, and comes back, has lost nothing of what was accepted", async () => {
    const names = ["a", "b", "c", "d", "e"].map((name) => `killed-${name}`);
    const tasks = names.map((_, place) => (place % 2 === 0 ? "store_items" : "store_long"));
    const runs = await Promise.all(names.map((name, place) => start(tasks[place] ?? "", { name, count: 40 })));
    await vi.waitFor(async () => {
      for (const name of names) expect(await ask((client) => client.exists(`${name}:5`))).toBe(1);
    }, WAIT);
    await redisServer.kill();
    for (const run of runs) await untilFailedOnce(run);
    await redisServer.start();

    for (const [place, run] of runs.entries()) {
      const document = await stage.peach.finished(run, 60_000);
      expect(document.status).toBe("succeeded");
      for (const error of errorsOf(document))
        expect(error).toMatch(/^StoreError: redis \(REDIS_URL\) (cannot be reached|has closed)/);
      const keys = await ask((client) => client.keys(`${names[place]}:*`));
      expect(keys).toHaveLength(41);
    }
    await untilNoConnection();
  });

  it("a real Redis that is down leaves an endpoint to its fallback, within the endpoint's time, and serves it again", async () => {
    await ask((client) => client.set("served", "by Redis"));
    await redisServer.kill();
    const down = await answer("/item?key=served");
    expect(down).toMatchObject({ status: 200, body: EDITORS_CHOICE });
    expect(down.ms).toBeLessThan(ENDPOINT_MS);
    await redisServer.start();
    expect(await answer("/item?key=served")).toMatchObject({ status: 200, body: { value: "by Redis" } });
  });

  it("a real Redis that accepts connections and never answers leaves an endpoint to its fallback, and a task to its next attempt", async () => {
    const { silent, run } = await redisServer.stopped(async () => {
      const waiting = await start("impatient");
      expect((await untilFailedOnce(waiting))[0]).toMatch(
        /^StoreError: redis \(REDIS_URL\): .* was not answered within \d+ ms$/,
      );
      return { silent: await answer("/item?key=served"), run: waiting };
    });
    expect(silent).toMatchObject({ status: 200, body: EDITORS_CHOICE });
    expect(silent.ms).toBeLessThan(ENDPOINT_MS);
    expect((await stage.peach.finished(run)).status).toBe("succeeded");
    await untilNoConnection();
  });

  it("a real Redis that is busy with a script is asked again", async () => {
    // A connection that is there before the script: the server greets nobody meanwhile.
    const run = await ask(async (killer) => {
      await killer.config("SET", "lua-time-limit", "10");
      const script = ask((client) => client.eval("while true do end", 0).catch((error: unknown) => String(error)));
      try {
        await vi.waitFor(async () => expect(await killer.ping().catch(String)).toContain("BUSY"), WAIT);
        const waiting = await start("impatient");
        expect((await untilFailedOnce(waiting))[0]).toMatch(/^StoreError: redis \(REDIS_URL\): BUSY/);
        return waiting;
      } finally {
        await killer.script("KILL");
        expect(await script).toContain("killed");
      }
    });
    expect((await stage.peach.finished(run)).status).toBe("succeeded");
  });

  it.each([
    ["that has the wrong type", "refused", "redis (REDIS_URL): WRONGTYPE"],
    ["with a user that it does not know", "intruder", "redis (INTRUDERS_REDIS_URL): WRONGPASS"],
    [
      "whose address is not configured",
      "unconfigured",
      "redis() needs the variable OTHER_REDIS_URL, which is not set. Add OTHER_REDIS_URL=… to .dev.vars",
    ],
  ])("a call of Redis %s fails the task at once, and names no secret", async (_, task, reason) => {
    const run = await stage.peach.finished(await start(task));
    expect(run.status).toBe("failed");
    expect(errorsOf(run)).toHaveLength(1);
    expect(errorsOf(run)[0]).toContain(`NonRetryableError: ${reason}`);
    expect(JSON.stringify(run)).not.toContain(PASSWORD);
    expect(stage.runtime.logs.join("\n")).not.toContain(PASSWORD);
    await untilNoConnection();
  });

  it("a real Redis never has more connections than there are attempts under way, and none afterwards", async () => {
    const runs = await Promise.all(
      Array.from({ length: 6 }, (_, place) => start("store_items", { name: `counted-${place}`, count: 20 })),
    );
    const counts: number[] = [];
    const statuses = new Set<string>();
    while (![...statuses].every((status) => status === "succeeded") || statuses.size === 0) {
      counts.push(await connections());
      statuses.clear();
      for (const run of runs) statuses.add((await stage.peach.run(run)).status);
    }
    expect(Math.max(...counts)).toBeGreaterThan(0);
    expect(Math.max(...counts)).toBeLessThanOrEqual(runs.length);
    await untilNoConnection();
  });

  it.each([
    ["throws", "throwing", "failed"],
    ["runs into its timeout", "hanging", "timed_out"],
  ])("a task that %s leaves no connection", async (_, task, status) => {
    const run = await stage.peach.finished(await start(task));
    expect(taskOf(run, task).attempts.map((attempt) => attempt.status)).toEqual([status]);
    await untilNoConnection();
  });

  it("a task that is cancelled leaves no connection", async () => {
    await ask((client) => client.del("unending"));
    const run = await start("unending");
    await vi.waitFor(async () => expect(await ask((client) => client.get("unending"))).toBe("has begun"), WAIT);
    expect(await connections()).toBe(1);
    expect((await stage.peach.call(`/api/v1/runs/${run}/cancel`, { method: "POST" })).status).toBe(200);
    await untilNoConnection();
  });

  it("an endpoint may store after its answer, in waitUntil, and leaves no connection", async () => {
    expect(await answer("/later")).toMatchObject({ status: 200, body: { accepted: true } });
    await vi.waitFor(
      async () => expect(await ask((client) => client.get("later"))).toBe("stored after the answer"),
      WAIT,
    );
    await untilNoConnection();
  });

  it("an endpoint that is too late leaves no connection", async () => {
    expect(await answer("/slow")).toMatchObject({ status: 504 });
    await untilNoConnection();
  });
});

describe.skipIf(!HAS_REDIS)("a recommendation endpoint with a component that reads Redis", () => {
  async function recommended(): Promise<readonly unknown[]> {
    const response = await fetch(`${stage.peach.url}/recommended?user=ann`);
    return [response.status, response.headers.get("peach-fallback"), await response.json()];
  }

  it("a recommendation endpoint with a component that reads Redis answers by it, by the fallback while Redis is dead or silent, and by it again", async () => {
    await ask((client) => client.set("ann", "for Ann"));
    const served = [200, null, { value: "for Ann" }];
    const fallback = [200, "true", EDITORS_CHOICE];
    expect(await recommended()).toEqual(served);
    await redisServer.stopped(async () => {
      const begun = performance.now();
      expect(await recommended()).toEqual(fallback);
      expect(performance.now() - begun).toBeLessThan(ENDPOINT_MS);
    });
    await untilNoConnection();
    await redisServer.kill();
    expect(await recommended()).toEqual(fallback);
    await redisServer.start();
    expect(await recommended()).toEqual(served);
    await untilNoConnection();
  });
});

describe.skipIf(!HAS_REDIS || !HAS_INFLUX)("a real InfluxDB 1", () => {
  async function influxQuery(q: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${influxServer?.port}/query`, {
      method: "POST",
      body: new URLSearchParams({ db: "measured", q }),
    });
    return response.json();
  }

  beforeAll(async () => {
    await vi.waitFor(
      async () => expect(await influxQuery("CREATE DATABASE measured")).toMatchObject({ results: [{}] }),
      WAIT,
    );
  });

  it("a real InfluxDB 1 has what a task wrote, with tags and texts as they were, and an endpoint serves it", async () => {
    const run = await stage.peach.finished(await start("write_points", { name: "plays", count: 5 }));
    expect([run.status, errorsOf(run)]).toEqual(["succeeded", []]);
    const rows = await (await stage.peach.payload(run.run_id, "write_points")).json();
    expect(rows).toEqual([{ kind: "a b,c=d", time: expect.any(String), count: 5, last: 'x "y" \\z' }]);
    expect(await answer("/plays")).toMatchObject({ status: 200, body: { value: 5 } });
  });

  it("a real InfluxDB 1 that is killed in the middle of attempts, and comes back, has lost nothing of what was accepted", async () => {
    const names = ["north", "south"];
    const runs = await Promise.all(names.map((name) => start("write_points", { name, count: 40 })));
    await vi.waitFor(async () => {
      for (const name of names) expect(JSON.stringify(await influxQuery(`SELECT * FROM ${name}`))).toContain("series");
    }, WAIT);
    await influxServer?.kill();
    for (const run of runs) await untilFailedOnce(run);
    const down = await answer("/plays");
    expect(down).toMatchObject({ status: 200, body: EDITORS_CHOICE });
    expect(down.ms).toBeLessThan(ENDPOINT_MS);
    await influxServer?.start();
    for (const [place, run] of runs.entries()) {
      const document = await stage.peach.finished(run, 60_000);
      expect(document.status).toBe("succeeded");
      for (const error of errorsOf(document)) expect(error).toMatch(/^StoreError: influx \(INFLUX_URL\)/);
      expect(await influxQuery(`SELECT count(value) FROM ${names[place]}`)).toMatchObject({
        results: [{ series: [{ values: [[expect.any(String), 40]] }] }],
      });
    }
    expect(await answer("/plays")).toMatchObject({ status: 200, body: { value: 5 } });
  });
});

describe.skipIf(!HAS_REDIS)("an index of vectors on the local runtime", () => {
  it("an index of vectors on the local runtime is built by a task and served by an endpoint, also after the runtime was killed", async () => {
    const near = { status: 200, body: [{ id: "east", metadata: { lang: "de" } }] };
    expect((await stage.peach.finished(await start("build_index"))).status).toBe("succeeded");
    expect(await answer("/similar")).toMatchObject(near);
    await stage.kill();
    await stage.restart();
    expect(await answer("/similar")).toMatchObject(near);
  });
});
