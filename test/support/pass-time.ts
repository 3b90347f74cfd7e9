/** Time that passes for the alarms of runs, under a system time that the test has set. */
import { vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { HandDrivenRun } from "./hand-driven.ts";

/** So much time passes; the alarms of these runs that are due until then fire, each at its time. */
export async function passTime(ms: number, runIds: () => readonly RunId[]): Promise<void> {
  const end = Date.now() + ms;
  for (;;) {
    const alarms = await Promise.all(runIds().map((runId) => alarmOf(new HandDrivenRun(runId))));
    const next = alarms.filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0];
    if (next === undefined) break;
    vi.setSystemTime(Math.max(Date.now(), next.at));
    await next.run.wake();
  }
  vi.setSystemTime(end);
}

async function alarmOf(run: HandDrivenRun): Promise<{ readonly run: HandDrivenRun; readonly at: number }> {
  return { run, at: (await run.alarmAt()) ?? Number.POSITIVE_INFINITY };
}
