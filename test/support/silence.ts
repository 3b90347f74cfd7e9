/** The fault `hang`: calls that are never answered, and time that passes by hand while they are waited for. */
import { env } from "./env.ts";
import { vi } from "vitest";

/** An answer that never comes. */
export function silence<T = never>(): Promise<T> {
  return new Promise(() => {});
}

/** From now on timers fire, and the clock goes on, only when time is let pass; `vi.useRealTimers()` ends it. */
export function stopTimers(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
}

/** Lets other objects, and R2, answer: it is a turn of the runtime, not time that passes. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await env.PAYLOADS.head("no such object");
}

/**
 * Lets time pass, in steps, until the promise settles: after how many milliseconds, to a step, it did. What other objects answer needs
 * real turns of the runtime between the steps.
 */
export async function passUntil(pending: Promise<unknown>, stepMs = 250, mostMs = 120_000): Promise<number> {
  let isSettled = false;
  const settled = (): void => void (isSettled = true);
  pending.then(settled, settled);
  for (let ms = 0; ms <= mostMs; ms += stepMs) {
    await turns();
    if (isSettled) return ms;
    await vi.advanceTimersByTimeAsync(stepMs);
  }
  throw new Error(`still waiting after ${mostMs} ms`);
}
