import type { RetryPolicy } from "../plan/plan.ts";

/**
 * Delay in milliseconds before the next attempt, after `failures` failures (from 1). The jitter is
 * "equal jitter" (half fixed, half random: M. Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015). `fraction` in [0, 1) is the random part, so the delay lies between half
 * and all of the policy's delay.
 */
export function retryDelayMs(policy: RetryPolicy, failures: number, fraction: number): number {
  const full = Math.min(policy.maxDelayMs, policy.delayMs * growth(policy, failures));
  return Math.round(policy.jitter ? full / 2 + (full / 2) * fraction : full);
}

function growth(policy: RetryPolicy, failures: number): number {
  switch (policy.backoff) {
    case "exponential":
      return 2 ** (failures - 1);
    case "linear":
      return failures;
    case "constant":
      return 1;
  }
}

/** Deterministic hash of a text to [0, 1), evenly spread (FNV-1a, 32 bits). */
export function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  // FNV mixes high bits slowly for short texts with different ends; one multiply-and-shift round
  // spreads them.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 2 ** 32;
}
