/**
 * Runs whose driver is the test: it accepts with a claim, so the first lease is its own and no message is sent, and settles by
 * hand. The methods of such a run are those of test/support/pool, for the attempts that real drivers make later.
 */
import { driven, DrivenObject } from "./driven-object.ts";
import { env } from "./env.ts";
import { vi } from "vitest";
import { graphFrom } from "../../src/domain/plan/run-graph.ts";
import { runIdFromBytes, type RunId } from "../../src/domain/ids.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";
import { readAcceptAnswer, readGrant } from "../../src/objects/run/grant-text-rpc.ts";
import type { RunObject } from "../../src/objects/run/run-object.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { AcceptAnswer, AcceptRequest } from "../../src/objects/run/accept-rpc.ts";
import type { Settlement } from "../../src/objects/run/settlement-rpc.ts";
import type { ClaimRequest, Grant, Lease } from "../../src/objects/run/lease-rpc.ts";
import type { RunDocument } from "../../src/objects/run/run-documents-rpc.ts";
import type { RunRpc } from "../../src/objects/run/run-rpc.ts";
import { inline } from "./settlements.ts";

export const CLAIM: ClaimRequest = { holding: 0, budgetMs: 28_000 };

export function newRunId(): RunId {
  return runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
}

/** A trigger of `root`. With `claim: null` the queue is told; else the answer brings the first lease. */
export function acceptance(
  plan: Plan,
  root: string,
  { payload = null, claim = CLAIM }: { payload?: unknown; claim?: ClaimRequest | null } = {},
): AcceptRequest {
  const graph = graphFrom(plan, root);
  if (graph === null) throw new Error(`no task ${root}`);
  return {
    runId: newRunId(),
    nonce: crypto.randomUUID(),
    graph,
    origin: { source: "api", by: "test", parent: null },
    payload: inline(payload),
    ...(claim !== null && { claim }),
  };
}

/** One run and all that a test does with it. */
export class HandDrivenRun extends DrivenObject<RunObject> {
  readonly id: RunId;

  constructor(id: RunId) {
    super(() => env.RUNS.getByName(id));
    this.id = id;
  }

  /** Accepts a run; the answer's leases are the test's. */
  static async accept(request: AcceptRequest): Promise<{ run: HandDrivenRun; answer: AcceptAnswer }> {
    const run = new HandDrivenRun(request.runId);
    return { run, answer: readAcceptAnswer(await run.call((object) => object.accept(request))) };
  }

  call<T>(call: (run: RunRpc) => Promise<T>): Promise<T> {
    return callRun(env, this.id, call);
  }

  /** Settles and claims as a driver does. */
  async settle(...settlements: readonly Settlement[]): Promise<Grant> {
    return readGrant(await this.call((run) => run.settle({ settlements, claim: CLAIM })));
  }

  async claim(request = CLAIM): Promise<Grant> {
    return readGrant(await this.call((run) => run.claim(request)));
  }

  async document(): Promise<RunDocument> {
    const document = await this.call((run) => run.describe());
    if (document === null) throw new Error(`there is no run ${this.id}`);
    return document;
  }

  /** The document once the run is final; fails after ten seconds. */
  async final(): Promise<RunDocument> {
    const document = await this.call((run) => run.untilFinal(10_000));
    if (document === null) throw new Error(`${JSON.stringify(await this.document())} is not final`);
    return document;
  }

  /** Runs the alarm of the executor object of this attempt once it is set; resolves when the attempt in it has ended. */
  async executes(ordinal: number, attempt: number): Promise<void> {
    const executor = env.EXECUTORS.getByName(`${this.id}/${ordinal}/${attempt}/1`);
    await vi.waitFor(async () => {
      const at = await driven(executor).alarmAt();
      if (at === null) throw new Error(`nobody has started attempt ${attempt} of task ${ordinal}`);
    }, 10_000);
    await driven(executor).wake();
  }

  /** Rows of the journal as they are stored. */
  journal(): Promise<{ seq: number; kind: string; entry: string | null; size: number }[]> {
    return this.inside(({ storage }) =>
      storage.sql
        .exec<{ seq: number; kind: string; entry: string | null; size: number }>(
          "SELECT seq, kind, entry, coalesce(length(data), 0) AS size FROM journal ORDER BY seq",
        )
        .toArray(),
    );
  }
}

/** The one lease of a grant. */
export function only(grant: Grant): Lease {
  const [lease, ...others] = grant.leases;
  if (lease === undefined || others.length > 0) throw new Error(`${grant.leases.length} leases, one expected`);
  return lease;
}

/** The lease of this task. */
export function leaseOf(grant: Grant, task: string): Lease {
  const lease = grant.leases.find((candidate) => candidate.task === task);
  if (lease === undefined) throw new Error(`no lease of ${task} among ${grant.leases.map((each) => each.task).join()}`);
  return lease;
}
