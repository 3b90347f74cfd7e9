import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { plan } from "#generated/plan";
import { readGrant } from "../../src/run/grant-rpc.ts";
import { SessionClient } from "../../src/run/session-client.ts";
import { RunObject } from "../../src/run/run-object.ts";
import { RunSession } from "../../src/run/run-session.ts";
import { acceptance, CLAIM, HandDrivenRun, newRunId, only, succeeded } from "../support/hand-driven.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Two tasks, one after the other; nobody has claimed anything. */
async function accepted(): Promise<{ run: HandDrivenRun; client: SessionClient }> {
  const { run } = await HandDrivenRun.accept(acceptance(plan, "kilo_start", { claim: null }));
  return { run, client: new SessionClient(env, run.id) };
}

async function claim(client: SessionClient) {
  return readGrant(await client.call((run) => run.claim(CLAIM)));
}

/** A client whose sessions are watched. */
function watched() {
  const closed = vi.fn();
  const session = { claim: async () => "grant", [Symbol.dispose]: closed };
  const opened = vi.fn(async () => session);
  // A promise of a session takes calls as the session does.
  const stub = { session: () => Object.assign(opened(), session) };
  const RUNS = Object.assign(Object.create(env.RUNS), { getByName: () => stub });
  return { client: new SessionClient({ ...env, RUNS }, newRunId()), opened, closed };
}

describe("a driver's client of its run", () => {
  it("makes calls that follow one another in one session, which the first opens", async () => {
    const opened = vi.spyOn(RunObject.prototype, "session");
    const inSession = vi.spyOn(RunSession.prototype, "settle");
    const { client } = await accepted();
    const first = only(await claim(client));
    const { leases } = readGrant(
      await client.call((run) => run.settle({ settlements: [succeeded(first, "k")], claim: CLAIM })),
    );
    expect(leases).toHaveLength(2);
    expect([opened.mock.calls.length, inSession.mock.calls.length]).toEqual([1, 1]);
    client[Symbol.dispose]();
  });

  it("is told what was committed, also when the object has been reset since its last call", async () => {
    const { run, client } = await accepted();
    const first = only(await claim(client));
    await run.abort();
    const { leases } = readGrant(
      await client.call((object) => object.settle({ settlements: [succeeded(first, "k")], claim: CLAIM })),
    );
    expect(leases).toHaveLength(2);
    expect((await run.document()).tasks[0]).toMatchObject({ status: "succeeded" });
    client[Symbol.dispose]();
  });

  it("rejects with what the call itself throws", async () => {
    const { client } = await accepted();
    const wrong = new TypeError("no such thing");
    await expect(client.call(() => Promise.reject(wrong))).rejects.toBe(wrong);
  });

  it("closes a session in which the first call fails", async () => {
    const { client, closed } = watched();
    await expect(client.call(() => Promise.reject(new TypeError("no such thing")))).rejects.toThrow("no such thing");
    expect(closed).toHaveBeenCalledOnce();
  });

  it("closes a session that nobody has used for a while, and opens another with the next call", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { client, opened, closed } = watched();
    const used = (): Promise<unknown> => client.call((run) => run.claim(CLAIM));
    await used();
    vi.advanceTimersByTime(40);
    await used();
    vi.advanceTimersByTime(40);
    expect([opened.mock.calls.length, closed.mock.calls.length]).toEqual([1, 0]);
    vi.advanceTimersByTime(40);
    expect(closed).toHaveBeenCalledOnce();
    await used();
    expect(opened).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(1);
    client[Symbol.dispose]();
    expect([closed.mock.calls.length, vi.getTimerCount()]).toEqual([2, 0]);
  });
});
