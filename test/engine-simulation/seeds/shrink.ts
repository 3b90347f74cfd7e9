/** Makes a failing seed as small as it stays failing: fewer kinds of faults, fewer faults, fewer triggers, smaller pipelines. */
import { FAULTS } from "../../../src/testing/ground/faults.ts";
import type { Limits, Live } from "../../../src/testing/ground/ground.ts";

/** Nothing held back. */
export const NO_LIMITS: Limits = { without: new Set(), faults: Number.POSITIVE_INFINITY, triggers: 4, tasks: 25 };

/** A world that never comes to rest takes long; then a larger story has to do. */
const TIME_MS = 15_000;

/** The tightest limits found in some time under which this seed still breaks this invariant. */
export async function shrink(live: Live, seed: number, limits: Limits, invariant: string): Promise<Limits> {
  let smallest = limits;
  const endsAt = performance.now() + TIME_MS;
  const stillFails = async (candidate: Limits): Promise<boolean> => {
    if (performance.now() > endsAt) return false;
    const { violation } = await live(seed, candidate);
    if (violation?.invariant !== invariant) return false;
    smallest = candidate;
    return true;
  };
  for (const fault of FAULTS) await stillFails({ ...smallest, without: new Set([...smallest.without, fault]) });
  for (let triggers = 1; triggers < smallest.triggers; triggers += 1)
    if (await stillFails({ ...smallest, triggers })) break;
  for (const tasks of [1, 2, 3, 4, 6, 9, 13, 18])
    if (tasks >= smallest.tasks || (await stillFails({ ...smallest, tasks }))) break;
  const { faults: struck } = await live(seed, smallest);
  for (let most = 0; most < Math.min(struck, 40); most += 1) if (await stillFails({ ...smallest, faults: most })) break;
  return smallest;
}

/** The command that lives through this seed again. */
export function replayCommand(seed: number, { without, faults, triggers, tasks, theme, quick }: Limits): string {
  const flags = [
    `--seed ${seed}`,
    ...(theme === undefined ? [] : [`--theme "${theme}"`]),
    ...(quick === false ? ["--no-quick"] : []),
    ...(without.size > 0 ? [`--without ${[...without].join(",")}`] : []),
    ...(Number.isFinite(faults) ? [`--faults ${faults}`] : []),
    ...(triggers === NO_LIMITS.triggers ? [] : [`--triggers ${triggers}`]),
    ...(tasks === NO_LIMITS.tasks ? [] : [`--tasks ${tasks}`]),
  ];
  return `npm run simulate -- ${flags.join(" ")}`;
}
