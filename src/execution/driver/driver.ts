/**
 * The driver: runs the ready tasks of one run side by side and settles them. The answer to a settle
 * brings the next leases: a chain of n tasks costs n + 1 calls and no message ("work first").
 *
 * A driver is started by the queue consumer, or by the invocation that accepted a `dispatch:
 * direct` trigger. The driver lives in `waitUntil`, which ends after 30 s, and claims only tasks
 * whose timeout fits into the remaining time. All longer tasks are left to another driver.
 *
 * Each call for work has a name. If its answer is lost, the call is repeated under the same name
 * and gets the same leases.
 *
 * If a driver dies, its leases expire and the run's alarm starts the attempts again. Death before
 * the task: nothing has happened. Death between task and settle: the result is computed again.
 * Death after the settle: the result stands, and the leases granted with the settle expire. A
 * driver gives up with the same effect if its run object is unreachable.
 */
import { DRIVER_WIDTH } from "../../domain/run/leasing.ts";
import type { ClaimRequest, Grant, Lease } from "../../objects/run/lease-rpc.ts";
import type { Settlement, SettleRequest } from "../../objects/run/settlement-rpc.ts";
import { ItemBacklog, TICK_MS } from "./item-backlog.ts";

/** The driver's share of the 30 s of `waitUntil`, in milliseconds. */
export const DRIVER_BUDGET_MS = 28_000;

export interface DriverHost {
  /** The driver's id, unique within the run. */
  readonly id: string;
  claim(request: ClaimRequest): Promise<Grant>;
  settle(request: SettleRequest): Promise<Grant>;
  /** Never rejects. */
  execute(lease: Lease): Promise<Settlement>;
  /** Milliseconds left of the driver's time. */
  budgetMs(): number;
  pause(ms: number): Promise<void>;
}

/** Returns a random driver id of 48 bits. */
export function newDriverId(): string {
  return crypto.randomUUID().slice(-12);
}

/** Drives the run until nothing is left for this driver. `first`: leases granted before. */
export async function drive(host: DriverHost, first?: Grant): Promise<void> {
  const finished: Settlement[] = [];
  const backlog = new ItemBacklog(DRIVER_WIDTH);
  let holding = 0;
  let running = 0;
  let calls = 0;
  let wake = Promise.withResolvers<void>();

  const start = async (lease: Lease): Promise<void> => {
    const settlement = await host.execute(lease);
    running -= 1;
    finished.push(settlement);
    const isTime = backlog.noteEnd(lease, settlement);
    startNext();
    if (isTime) wake.resolve();
  };
  const startNext = (): void => {
    while (running < DRIVER_WIDTH) {
      const lease = backlog.next();
      if (lease === undefined) return;
      running += 1;
      void start(lease);
    }
  };
  const claim = (): ClaimRequest => {
    const budgetMs = host.budgetMs();
    calls += 1;
    return {
      holding,
      budgetMs,
      ...backlog.wanted(holding, budgetMs),
      call: `${host.id}/${calls}`,
    };
  };

  let { leases } = first ?? (await host.claim(claim()));
  for (;;) {
    holding += leases.length;
    backlog.take(leases);
    startNext();
    if (holding === 0) return;
    await untilTimeToSettle();
    wake = Promise.withResolvers<void>();
    const settlements = [...finished.splice(0), ...backlog.giveBack()];
    holding -= settlements.length;
    ({ leases } = await host.settle({ settlements, claim: claim() }));
  }

  /** Resolves when a task has ended, or when waiting items are overdue. */
  async function untilTimeToSettle(): Promise<void> {
    while (!backlog.isEmpty) {
      const isTime = await Promise.race([
        wake.promise.then(() => true),
        host.pause(TICK_MS).then(() => false),
      ]);
      if (isTime) break;
      backlog.tick();
      if (finished.length > 0 || backlog.isOverdue) return;
    }
    await wake.promise;
    if (backlog.tookMany) await host.pause(1);
    else if (running > 0) await untilOthersEnd();
  }
}

/** Turns of the microtask queue by which tasks may end apart and still be settled together. */
const SETTLE_TURNS = 16;

/** Waits a few turns, to settle tasks that end at about the same time in a single commit. */
async function untilOthersEnd(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await Promise.resolve();
}
