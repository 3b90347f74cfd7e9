/**
 * Objects of the real runtime whose time and failures are the test's. Its verbs mean the same in each test that drives an object, here
 * and in plain Node (driven-run.ts): `advance` lets time pass as in the kit (`peach/testing`), `wake` runs an alarm, `evict` and `abort`
 * are the ways in which the platform takes an object away. The objects are real, so their clock is the system time that the test sets.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";

/** More than an object of any test needs: an alarm that is set again and again shows as that. */
const MOST_ALARMS = 300;

/** What `left` says of an object with nothing. */
export const NOTHING_LEFT = { tables: [], alarm: null } as const;

/** The object behind this stub. */
export function driven<O extends Rpc.DurableObjectBranded>(stub: DurableObjectStub<O>): DrivenObject<O> {
  return new DrivenObject(() => stub);
}

export class DrivenObject<O extends Rpc.DurableObjectBranded = Rpc.DurableObjectBranded> {
  /** A stub for one call: the one of an object that was aborted is broken. */
  readonly stub: () => DurableObjectStub<O>;

  constructor(stub: () => DurableObjectStub<O>) {
    this.stub = stub;
  }

  /** Runs the alarm now, whenever it is set for. False if none is set. */
  wake(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub());
  }

  /** Runs the alarm if its time has come. False if it has not. */
  async wakeIfDue(): Promise<boolean> {
    const at = await this.alarmAt();
    return at !== null && at <= Date.now() && this.wake();
  }

  alarmAt(): Promise<number | null> {
    return this.inside(({ storage }) => storage.getAlarm());
  }

  /** The object leaves memory while it does nothing. */
  evict(): Promise<void> {
    return evictDurableObject(this.stub());
  }

  /** The object is reset in the middle of whatever it does. */
  async abort(): Promise<void> {
    await this.inside((state) => state.abort("reset by the test")).catch(() => undefined);
  }

  inside<T>(look: (state: DurableObjectState, object: O) => T | Promise<T>): Promise<T> {
    return runInDurableObject(this.stub(), (object: O, state) => look(state, object));
  }

  /** Names of its tables, but the platform's own. */
  tables(): Promise<string[]> {
    return this.inside(({ storage }) =>
      storage.sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name",
        )
        .toArray()
        .map(({ name }) => name),
    );
  }

  /** What it still has. */
  async left(): Promise<{ readonly tables: readonly string[]; readonly alarm: number | null }> {
    return { tables: await this.tables(), alarm: await this.alarmAt() };
  }

  /** The rows that `work` writes, each alarm that it sets as one: what the platform bills. */
  rowsWritten(work: (object: O) => Promise<unknown>): Promise<number> {
    return this.inside(async ({ storage }, object) => {
      let rows = 0;
      const exec = storage.sql.exec.bind(storage.sql);
      const alarms = vi.spyOn(storage, "setAlarm");
      const queries = vi.spyOn(storage.sql, "exec").mockImplementation((...args) => {
        const cursor = exec(...args);
        rows += cursor.rowsWritten;
        return cursor;
      });
      await work(object);
      rows += alarms.mock.calls.length;
      for (const spy of [alarms, queries]) spy.mockRestore();
      return rows;
    });
  }

  /** Lets time pass for it alone, up to this time: its alarms fire, each at its time. Resolves to the times. */
  advanceTo(until: number): Promise<number[]> {
    return advanceTo(until, () => [this]);
  }
}

/** Lets so much time pass; the alarms of these objects that are due until then fire, each at its time. Resolves to the times. */
export function advance(ms: number, objects: () => readonly Waking[]): Promise<number[]> {
  return advanceTo(Date.now() + ms, objects);
}

/** The same up to this time; the clock never goes back. */
async function advanceTo(until: number, objects: () => readonly Waking[]): Promise<number[]> {
  const fired: number[] = [];
  for (;;) {
    const now = objects();
    const alarms = await Promise.all(now.map(async (object) => ({ object, at: await object.alarmAt() })));
    const [next] = alarms
      .flatMap(({ object, at }) => (at === null || at > until ? [] : [{ object, at }]))
      .toSorted(byTime);
    if (next === undefined) break;
    if (fired.length >= MOST_ALARMS * now.length)
      throw new Error(`${fired.length} alarms before ${new Date(until).toISOString()}`);
    vi.setSystemTime(Math.max(next.at, Date.now()));
    fired.push(next.at);
    await next.object.wake();
  }
  vi.setSystemTime(Math.max(until, Date.now()));
  return fired;
}

type Waking = Pick<DrivenObject, "alarmAt" | "wake">;

function byTime(one: { readonly at: number }, other: { readonly at: number }): number {
  return one.at - other.at;
}
