import { beforeAll, describe, expect, it } from "vitest";
import { planOf, taskPlan } from "../../support/plan.ts";
import { FAULTS, type Fault } from "../../../src/testing/ground/faults.ts";
import { Ground } from "../../../src/testing/ground/ground.ts";
import { Rig, releaseOf } from "../../../src/testing/platform/rig.ts";
import type { Client } from "../../../src/testing/platform/worker-face.ts";
import { bundleWorker } from "../../../src/testing/platform/bundle.ts";
import { workerCode, type WorkerCode } from "../../../src/testing/platform/worker-code.ts";
import { Isolate } from "../../../src/testing/platform/isolate.ts";
import { Life } from "../../../src/testing/platform/life.ts";
import { ObjectHost } from "../../../src/testing/platform/object-host.ts";
import { ObjectStorage } from "../../../src/testing/platform/object-storage.ts";
import { Queue } from "../../../src/testing/platform/queue.ts";
import { request } from "../../../src/testing/platform/rpc.ts";
import { copied, RpcTarget } from "../../../src/testing/platform/wire.ts";

const DIAMOND = planOf([
  taskPlan("a", { downstream: ["b", "c"] }),
  taskPlan("b", { upstream: ["a"], downstream: ["d"] }),
  taskPlan("c", { upstream: ["a"], downstream: ["d"] }),
  taskPlan("d", { upstream: ["b", "c"] }),
]);
const TRIGGER = { source: "api", by: "test", parent: null } as const;

let code: WorkerCode;
beforeAll(async () => {
  code = workerCode(await bundleWorker());
});

/** A rig in which nothing goes wrong but these faults, each of which always strikes. */
function rigOf(method: (task: string, payload: unknown) => unknown, faults: readonly Fault[] = []) {
  const without = new Set(FAULTS);
  const ground = new Ground(1, { without, faults: 0, triggers: 1, tasks: 1 }, true);
  const methods = Object.fromEntries(
    Object.keys(DIAMOND.tasks).map((name) => [name, (payload: unknown) => method(name, payload)]),
  );
  const rig = new Rig({ ground, seed: 1, first: releaseOf("release", code, DIAMOND, () => methods) });
  const strikes = ground.strikes.bind(ground);
  ground.strikes = (fault, where, weight) => faults.includes(fault) || strikes(fault, where, weight);
  return { rig, ground };
}

const accepts = ({ worker, dependencies, env, ctx }: Client) => {
  const payload = worker.encodePayload({ n: 1 });
  if (!payload.ok) throw new Error(payload.problem.detail);
  const trigger = {
    task: "a",
    payload: payload.value,
    idempotencyKey: worker.apiKey("client", "key"),
    origin: TRIGGER,
  };
  return dependencies.acceptTrigger(env, ctx, trigger);
};

describe("the simulated platform", () => {
  it("the simulated platform runs the real worker: a diamond from its trigger until its retention is over", async () => {
    const ran: string[] = [];
    const { rig } = rigOf((task, payload) => {
      ran.push(`${task} ${JSON.stringify(payload)}`);
      return { by: task };
    });
    const answers: unknown[] = [];
    void rig.request("client", accepts).then((answer) => answers.push(answer));
    await rig.platform.run(10_000, () => true);
    expect(answers).toMatchObject([{ ok: true, value: { task: "a", deduplicated: false } }]);
    expect(ran.slice(0, 1)).toEqual(['a {"n":1}']);
    expect(ran.slice(1, 3).toSorted()).toEqual(['b {"by":"a"}', 'c {"by":"a"}']);
    expect(ran.slice(3)).toEqual(['d {"b":{"by":"b"},"c":{"by":"c"}}']);
    expect(rig.objects("RunObject").map(({ storage }) => storage.isEmpty)).toEqual([true]);
    rig.close();
  });

  it("the simulated platform holds an answer back until what was written is durable, and loses both if the object is reset before", async () => {
    const { rig } = rigOf(() => null, ["reset_before_commit"]);
    const answers: unknown[] = [];
    void rig.request("client", accepts).then((answer) => answers.push(answer));
    await rig.platform.run(2_000, () => answers.length === 0);
    expect(answers).toMatchObject([{ ok: false, problem: { code: "overloaded" } }]);
    expect(rig.objects("RunObject").every(({ storage }) => storage.isEmpty)).toBe(true);
    rig.close();
  });

  it("the simulated platform ends everything that runs in an isolate with it", async () => {
    let runs = 0;
    const { rig } = rigOf(() => {
      runs += 1;
      rig.platform.current?.isolate.crash();
      return new Promise(() => {});
    });
    // It may die with what it drives.
    void rig.request("client", accepts).catch(() => undefined);
    await rig.platform.run(10_000, () => runs < 2);
    expect(runs).toBe(2);
    rig.close();
  });

  it("the simulated platform tries a message again with a delay, and gives it to the dead letters after its last try", async () => {
    const { rig } = rigOf(() => null);
    const [tries, dead]: [number[], unknown[]] = [[], []];
    const begin = (): ReturnType<typeof rig.edge.begin> => rig.edge.begin("consumer");
    const settings = { maxBatchSize: 10, retryDelaySeconds: 2 };
    const deadLetters = new Queue(
      rig.platform,
      { ...settings, name: "dead", maxRetries: 1, deadLetters: null },
      begin,
      async (_, batch) => void dead.push(batch),
    );
    const queue = new Queue(
      rig.platform,
      { ...settings, name: "queue", maxRetries: 2, deadLetters },
      begin,
      async () => {
        tries.push(rig.platform.ground.scheduler.now);
        throw new Error("not now");
      },
    );
    queue.take({ n: 1 });
    await rig.platform.run(1_000, () => true);
    expect(tries).toHaveLength(3);
    expect(Math.min(...tries.slice(1).map((at, index) => at - (tries[index] ?? 0)))).toBeGreaterThanOrEqual(2_000);
    expect(dead).toMatchObject([{ messages: [{ body: { n: 1 }, attempts: 1 }] }]);
    rig.close();
  });

  it("the simulated platform lets an alarm be late when it is due, not when it is set: what comes of that comes then", async () => {
    const { rig, ground } = rigOf(() => null, ["alarm_late"]);
    const strikes = ground.strikes.bind(ground);
    const sinceDue: number[] = [];
    ground.strikes = (fault, where, weight) => {
      const host = rig.objects("RunObject").find(({ label }) => fault === "alarm_late" && label === where());
      if (host !== undefined) sinceDue.push(ground.wall() - (host.storage.alarmAt ?? Number.POSITIVE_INFINITY));
      return strikes(fault, where, weight);
    };
    void rig.request("client", accepts);
    await rig.platform.run(10_000, () => true);
    expect(sinceDue.length).toBeGreaterThan(0);
    expect(sinceDue.filter((ms) => ms < 0 || ms > 5)).toEqual([]);
    expect(rig.objects("RunObject").map(({ storage }) => storage.isEmpty)).toEqual([true]);
    rig.close();
  });

  it("the simulated platform fires what came due while an alarm was handled as an event of its own, so that whoever else runs then runs by itself", async () => {
    const { rig, ground } = rigOf(() => null);
    const { platform } = rig;
    const ran: string[] = [];
    class Alarmed {
      readonly #ctx: { readonly storage: { setAlarm(at: number): Promise<void> } };

      constructor(ctx: { readonly storage: { setAlarm(at: number): Promise<void> } }) {
        this.#ctx = ctx;
      }

      async set(): Promise<void> {
        await this.#ctx.storage.setAlarm(ground.wall() + 50);
      }

      async alarm(): Promise<void> {
        if (ran.length === 0) await this.set();
        ran.push(platform.current?.name ?? "nobody");
        if (ran.length === 1) await new Promise<void>((resolve) => platform.setTimer(resolve, 100, null));
        else await Promise.resolve();
        ran.push(platform.current?.name ?? "nobody");
      }
    }
    const exports = { Alarmed };
    const release = { name: "r", code: { ...code, exports, begin: () => ({}), enter: () => {} }, variables: {} };
    const isolate = new Isolate(platform, "one", { ...release, generated: () => ({}) });
    const host = new ObjectHost({
      platform,
      className: "Alarmed",
      name: "it",
      skewMs: 0,
      isolate: () => isolate,
      env: () => ({}),
      exports: () => ({}),
      committed: () => {},
      mayGiveUp: () => false,
      alarmGivenUp: () => {},
      refuses: () => false,
      called: () => {},
    });
    const other = new Life(platform, "other", isolate, 0);
    for (let ms = 1; ms < 300; ms += 1) platform.after(other, ms, () => {});
    request(other, "set", host.arrival("set", []));
    await platform.run(1_000, () => true);
    expect(ran).toEqual(Array.from({ length: 4 }, () => "Alarmed it"));
    rig.close();
  });

  it("the simulated platform lives the same life again for the same seed", async () => {
    const stories = [];
    for (let life = 0; life < 2; life += 1) {
      const { rig, ground } = rigOf((task) => ({ by: task }));
      void rig.request("client", accepts);
      await rig.platform.run(10_000, () => true);
      stories.push(ground.story);
      rig.close();
    }
    expect(stories[0]?.length).toBeGreaterThan(5);
    expect(stories[1]).toEqual(stories[0]);
  });
});

describe("the storage of an object", () => {
  const open = (): ObjectStorage => {
    const storage = new ObjectStorage("test", () => {});
    storage.exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT", []);
    return storage;
  };
  const notes = (storage: ObjectStorage): unknown[] =>
    storage.exec("SELECT text FROM notes ORDER BY id", []).rows.map((row) => row["text"]);

  it("the storage of an object keeps what was committed, and takes back what was not, tables and the alarm included", () => {
    const storage = open();
    storage.commit();
    storage.exec("INSERT INTO notes (text) VALUES (?)", ["kept"]);
    storage.setAlarm(5);
    storage.commit();
    storage.exec("INSERT INTO notes (text) VALUES (?)", ["lost"]);
    storage.exec("CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT", []);
    storage.setAlarm(null);
    storage.rollback();
    expect(notes(storage)).toEqual(["kept"]);
    expect([...storage.tables]).toEqual(["notes"]);
    expect(storage.alarmAt).toBe(5);
    storage.close();
  });

  it("the storage of an object undoes a transaction that throws, and nothing before it", () => {
    const storage = open();
    storage.exec("INSERT INTO notes (text) VALUES (?)", ["before"]);
    const fail = (): never => {
      storage.exec("INSERT INTO notes (text) VALUES (?)", ["within"]);
      throw new Error("no");
    };
    expect(() => storage.transactionSync(fail)).toThrow("no");
    expect(notes(storage)).toEqual(["before"]);
    storage.close();
  });

  it("the storage of an object refuses a row above 2 MB, and more than 100 parameters", () => {
    const storage = open();
    expect(() => storage.exec("INSERT INTO notes (text) VALUES (?)", ["x".repeat(2_000_001)])).toThrow("TOOBIG");
    const values = Array.from({ length: 101 }, (_, index) => index);
    const many = `SELECT id FROM notes WHERE id IN (${values.map(() => "?").join(", ")})`;
    expect(() => storage.exec(many, values)).toThrow("too many SQL variables");
    storage.close();
  });

  it("the storage of an object is another's with nothing in it once it was given back", () => {
    const first = open();
    first.exec("INSERT INTO notes (text) VALUES (?)", ["mine"]);
    first.commit();
    first.close();
    const second = new ObjectStorage("test", () => {});
    expect(() => second.exec("SELECT text FROM notes", [])).toThrow("no such table");
    second.exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT", []);
    expect(notes(second)).toEqual([]);
    second.close();
  });
});

describe("what goes over the wire", () => {
  it("what goes over the wire is a copy", () => {
    const bytes = Uint8Array.of(1, 2);
    const sent = { bytes, list: [{ deep: true }], at: new Date(5), none: null };
    const copy = copied(sent);
    expect(copy).toEqual(sent);
    bytes[0] = 9;
    expect(copy).toMatchObject({ bytes: Uint8Array.of(1, 2) });
  });

  it.each([
    ["a function", () => 1],
    [
      "an object of a class",
      new (class Own {
        n = 1;
      })(),
    ],
    ["a target that nobody answers", new RpcTarget()],
  ])("what goes over the wire is never %s", (_, value) => {
    expect(() => copied({ value })).toThrow("DataCloneError");
  });
});
