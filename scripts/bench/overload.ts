/**
 * Overload: clients trigger the next run as soon as the last trigger is answered, for `--seconds`;
 * then they stop until all accepted runs have ended. A refused client waits for the time in its
 * answer. The result is the number of runs that end a second, in windows, so that a self-amplifying
 * collapse is visible.
 *
 * If a system loses work under load, or stops, the measurement ends after five minutes in which no
 * run ended. If a system breaks during the load, the measurement covers the time until the last run
 * that ended.
 */
import { BrokenSample, type Measure } from "./measure.ts";
import { medianOf } from "./statistics.ts";
import type { System, SystemName } from "./systems.ts";
import { KILOBYTE, type WorkName } from "./worker/works.ts";

const CLIENTS = 32;
/** Window of the progress display. */
const WINDOW_MS = 20_000;
const STALL_MS = 300_000;
/** Below this number of remaining runs, the rate of the drain means nothing. */
const WORTH_DRAINING = 100;

/** Creates the measure of a work under overload. */
export function overload(
  name: string,
  work: WorkName,
  suffix: string,
  systems: readonly SystemName[],
): Measure {
  const titled = (title: string): string => `overload by ${CLIENTS} clients${suffix}, ${title}`;
  return {
    name,
    metrics: [
      { name: `${name}_finished`, title: titled("finished"), unit: "runs/s" },
      { name: `${name}_flatness`, title: titled("last third / first third"), unit: "x" },
      { name: `${name}_accepted`, title: titled("accepted"), unit: "runs/s" },
      { name: `${name}_to_202`, title: titled("trigger to 202"), unit: "ms" },
      { name: `${name}_refused`, title: titled("refused"), unit: "runs" },
      { name: `${name}_left`, title: titled("left at its end"), unit: "runs" },
      { name: `${name}_drained`, title: titled("what was left, drained"), unit: "runs/s" },
      { name: `${name}_lasted`, title: titled("until it broke, if it did"), unit: "s" },
    ],
    systems,
    once: true,
    localOnly: true,
    sample: (system, share, { overloadMs, onProgress }) =>
      sampleOf(system, work, overloadMs * share, onProgress),
  };
}

async function sampleOf(
  system: System,
  work: WorkName,
  forMs: number,
  onProgress: (text: string) => void,
): Promise<readonly number[]> {
  if (system.offer === undefined) throw new Error(`${system.name} cannot be overloaded from here`);
  const offer = system.offer.bind(system);
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  const acceptedAt: number[] = [];
  const endedAt: number[] = [];
  const acceptedMs: number[] = [];
  let refused = 0;

  const broke: unknown[] = [];
  const client = async (): Promise<void> => {
    while (elapsed() < forMs && broke.length === 0) {
      const answer = await offer(work, KILOBYTE);
      if (answer.type === "refused") {
        refused += 1;
        await pause(Math.min(answer.retryAfterMs, Math.max(0, forMs - elapsed())));
        continue;
      }
      acceptedAt.push(elapsed());
      acceptedMs.push(answer.acceptedMs);
      void answer.ended.then(() => endedAt.push(elapsed()));
    }
  };
  const clients = Array.from({ length: CLIENTS }, () =>
    client().catch((error: unknown) => void broke.push(error)),
  );
  await Promise.all(clients);
  const loadedMs = broke.length === 0 ? elapsed() : (endedAt.at(-1) ?? elapsed());
  const left = acceptedAt.length - endedAt.length;
  if (broke.length === 0) await untilAllEnded(acceptedAt, endedAt, elapsed);
  const drainedMs = broke.length === 0 ? elapsed() - loadedMs : Number.NaN;

  for (const from of windowsOf(loadedMs)) {
    const to = Math.min(from + WINDOW_MS, loadedMs);
    const rates = [acceptedAt, endedAt].map((times) => rateIn(times, from, to).toFixed(0));
    onProgress(
      `  ${system.name}, ${(from / 1_000).toFixed(0)} s: accepted and finished a second ${rates.join(", ")}`,
    );
  }
  const third = loadedMs / 3;
  const finished = rateIn(endedAt, 0, loadedMs);
  const figures = [
    finished,
    rateIn(endedAt, loadedMs - third, loadedMs) / rateIn(endedAt, 0, third),
    rateIn(acceptedAt, 0, loadedMs),
    acceptedMs.length === 0 ? Number.NaN : medianOf(acceptedMs),
    refused,
    left,
    left < WORTH_DRAINING ? Number.NaN : (left * 1_000) / drainedMs,
    loadedMs / 1_000,
  ];
  if (broke.length === 0) return figures;
  throw new BrokenSample(`it broke after ${(loadedMs / 1_000).toFixed(0)} s`, figures, broke[0]);
}

async function untilAllEnded(
  acceptedAt: readonly number[],
  endedAt: readonly number[],
  elapsed: () => number,
): Promise<void> {
  let [ended, since] = [endedAt.length, elapsed()];
  while (endedAt.length < acceptedAt.length) {
    await pause(20);
    if (endedAt.length > ended) [ended, since] = [endedAt.length, elapsed()];
    else if (elapsed() - since > STALL_MS) {
      const missing = acceptedAt.length - endedAt.length;
      throw new Error(`${missing} runs have not ended, and none has for ${STALL_MS / 1_000} s`);
    }
  }
}

/** Start times of the windows; a rest of less than half a window is not shown. */
function windowsOf(loadedMs: number): number[] {
  return Array.from(
    { length: Math.round(loadedMs / WINDOW_MS) },
    (_, window) => window * WINDOW_MS,
  );
}

/** Events a second in this span of milliseconds. */
function rateIn(times: readonly number[], from: number, to: number): number {
  return (times.filter((at) => at >= from && at < to).length * 1_000) / (to - from);
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
