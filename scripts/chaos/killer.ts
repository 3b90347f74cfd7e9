/** Plans the kills of the runtime: at random moments, drawn from the seed, in each phase. */
import type { Prng } from "./prng.ts";

/**
 * - `load`: while triggers are sent.
 * - `drain`: while the last runs come to their end.
 * - `retention`: while final runs are deleted.
 */
export type Phase = "load" | "drain" | "retention";

export interface PlannedKill {
  readonly phase: Phase;
  /** In the phase `load`: kill after this number of accepted triggers. */
  readonly afterAccepted: number;
  /** Delay after this number; in other phases after the last start. */
  readonly delayMs: number;
}

const DELAYS_MS: Readonly<Record<Phase, number>> = { load: 2_500, drain: 6_000, retention: 15_000 };
/** Share of the kills; the load has the rest. */
const DRAIN_SHARE = 0.15;
const RETENTION_SHARE = 0.1;

/** Plans the kills in order: at least one in each phase, if there are three. */
export function planKills(prng: Prng, kills: number, triggers: number): PlannedKill[] {
  const later = (share: number): number => (kills < 3 ? 0 : Math.max(1, Math.round(kills * share)));
  const drain = later(DRAIN_SHARE);
  const retention = later(RETENTION_SHARE);
  const delayOf = (phase: Phase): number => {
    // A third of the kills come at once, when everything lost by the kill before is being repeated.
    const share = prng.chance(1 / 3) ? 0.05 : 1;
    return Math.round(prng.fraction() * share * DELAYS_MS[phase]);
  };
  const load = Array.from({ length: kills - drain - retention }, () =>
    prng.between(1, triggers),
  ).toSorted((earlier, afterwards) => earlier - afterwards);
  return [
    ...load.map((afterAccepted) => ({
      phase: "load" as const,
      afterAccepted,
      delayMs: delayOf("load"),
    })),
    ...Array.from({ length: drain }, () => ({
      phase: "drain" as const,
      afterAccepted: 0,
      delayMs: delayOf("drain"),
    })),
    ...Array.from({ length: retention }, () => ({
      phase: "retention" as const,
      afterAccepted: 0,
      delayMs: delayOf("retention"),
    })),
  ];
}
