import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { plan } from "#generated/plan";
import { readGrant } from "../../../src/objects/run/grant-text-rpc.ts";
import { SessionClient } from "../../../src/objects/run/driver-session-client.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import { RunSession } from "../../../src/objects/run/driver-session.ts";
import { silence, stopTimers } from "../../support/silence.ts";
import { acceptance, CLAIM, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { succeeded } from "../../support/settlements.ts";

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
function watched(
  { claim }: { readonly claim: () => Promise<string> } = { claim: async () => "grant" },
  isOpen: Promise<void> = Promise.resolve(),
) {
  const closed = vi.fn();
  const session = { claim, [Symbol.dispose]: closed };
  const opened = vi.fn(() => isOpen.then(() => session));
  // A promise of a session takes calls as the session does.
  const stub = { session: () => Object.assign(opened(), session), claim: vi.fn(claim) };
  const RUNS = Object.assign(Object.create(env.RUNS), { getByName: () => stub });
  return { client: new SessionClient({ ...env, RUNS }, newRunId()), opened, closed, stub };
}

describe("a driver's client of its run", () => {
  it("a driver's client of its run makes calls that follow one another in one session, which the first opens", async () => {
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

  it("a driver's client of its run is told what was committed, also when the object has been reset since its last call", async () => {
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

  it("a driver's client of its run rejects with what the call itself throws", async () => {
    const { client } = await accepted();
    const wrong = new TypeError("no such thing");
    await expect(client.call(() => Promise.reject(wrong))).rejects.toBe(wrong);
  });

  it("a driver's client of its run closes a session in which the first call fails", async () => {
    const { client, closed } = watched();
    await expect(client.call(() => Promise.reject(new TypeError("no such thing")))).rejects.toThrow("no such thing");
    expect(closed).toHaveBeenCalledOnce();
  });

  it("a driver's client of its run gives up a call that its session does not answer for ten seconds, and makes it again without one", async () => {
    stopTimers();
    const { client, closed, stub } = watched({ claim: () => silence() });
    stub.claim.mockResolvedValue("granted");
    const answer = client.call((run) => run.claim(CLAIM));
    await vi.advanceTimersByTimeAsync(9_900);
    expect(stub.claim).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(100);
    expect(await answer).toBe("granted");
    expect([closed.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  });

  it("a driver's client of its run gives up a session that does not open, and closes it if it opens late", async () => {
    stopTimers();
    const opening = Promise.withResolvers<void>();
    const { client, closed, stub } = watched({ claim: () => silence() }, opening.promise);
    stub.claim.mockResolvedValue("granted");
    const answer = client.call((run) => run.claim(CLAIM));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await answer).toBe("granted");
    opening.resolve();
    await vi.advanceTimersByTimeAsync(100);
    expect([closed.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  });

  it("a driver's client of its run waits for each call anew", async () => {
    stopTimers();
    const calls: ((grant: string) => void)[] = [];
    const { client, opened } = watched({ claim: () => new Promise<string>((resolve) => void calls.push(resolve)) });
    for (let call = 0; call < 3; call += 1) {
      const answer = client.call((run) => run.claim(CLAIM));
      await vi.advanceTimersByTimeAsync(9_900);
      calls.at(-1)?.("granted");
      expect(await answer).toBe("granted");
    }
    expect(opened).toHaveBeenCalledOnce();
    client[Symbol.dispose]();
  });

  it("a driver's client of its run closes a session that nobody has used for a while, and opens another with the next call", async () => {
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
