/**
 * The driver: runs the ready tasks of one run, side by side, and reports them. A settle brings the next leases with it, so a
 * chain of n tasks is n + 1 calls and no message ("work first").
 *
 * It is started by the consumer of the queue, or by the invocation that accepted a `dispatch: direct` trigger, and lives in
 * `waitUntil`, which ends after 30 s: it claims only tasks whose timeout fits into what is left, and leaves the rest to others.
 *
 * Each call that asks for work has a name, so that one whose answer was lost is made again and gets the same leases.
 *
 * If it dies, at any point, its leases run out and the run's alarm starts the attempts again: before the task, nothing has
 * happened; after it but before the settle, the result is made once more; after the settle, the result stands and the leases
 * granted with it run out. If the run object cannot be reached, the driver gives up in the same way.
 */
import { DRIVER_WIDTH } from "../../domain/run/transition.ts";
import type {
  ClaimRequest,
  Grant,
  Lease,
  Settlement,
  SettleRequest,
} from "../../objects/run/run-rpc.ts";
import { ItemBacklog, TICK_MS } from "./item-backlog.ts";

/** What of the 30 s of `waitUntil` a driver uses. */
export const DRIVER_BUDGET_MS = 28_000;

export interface DriverWorld {
  /** Of this driver, among all of its run. */
  readonly id: string;
  claim(request: ClaimRequest): Promise<Grant>;
  settle(request: SettleRequest): Promise<Grant>;
  /** Resolves always. */
  execute(lease: Lease): Promise<Settlement>;
  /** Milliseconds left of the driver's time. */
  budgetMs(): number;
  pause(ms: number): Promise<void>;
}

/** Told apart from all drivers of its run: 48 random bits. */
export function newDriverId(): string {
  return crypto.randomUUID().slice(-12);
}

/** Drives the run until there is nothing left that this driver may do. `first`: leases it already has. */
export async function drive(world: DriverWorld, first?: Grant): Promise<void> {
  const finished: Settlement[] = [];
  const backlog = new ItemBacklog(DRIVER_WIDTH);
  let holding = 0;
  let running = 0;
  let calls = 0;
  let wake = Promise.withResolvers<void>();

  const start = async (lease: Lease): Promise<void> => {
    const settlement = await world.execute(lease);
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
    const budgetMs = world.budgetMs();
    calls += 1;
    return {
      holding,
      budgetMs,
      ...backlog.wanted(holding, budgetMs),
      call: `${world.id}/${calls}`,
    };
  };

  let { leases } = first ?? (await world.claim(claim()));
  for (;;) {
    holding += leases.length;
    backlog.take(leases);
    startNext();
    if (holding === 0) return;
    await untilTimeToSettle();
    wake = Promise.withResolvers<void>();
    const settlements = [...finished.splice(0), ...backlog.giveBack()];
    holding -= settlements.length;
    ({ leases } = await world.settle({ settlements, claim: claim() }));
  }

  /** Something has ended; or has waited too long. */
  async function untilTimeToSettle(): Promise<void> {
    while (!backlog.isEmpty) {
      const isTime = await Promise.race([
        wake.promise.then(() => true),
        world.pause(TICK_MS).then(() => false),
      ]);
      if (isTime) break;
      backlog.tick();
      if (finished.length > 0 || backlog.isOverdue) return;
    }
    await wake.promise;
    if (backlog.tookMany) await world.pause(1);
    else if (running > 0) await gather();
  }
}

/** How many turns of the microtask queue tasks may end apart and still be settled together. */
const GATHER_TURNS = 16;

/** Tasks that end at about the same time are settled together: one commit instead of one each. */
async function gather(): Promise<void> {
  for (let turn = 0; turn < GATHER_TURNS; turn += 1) await Promise.resolve();
}
