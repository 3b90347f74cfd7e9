/** Takes the samples: a warm-up of each system, then rounds in which the systems take turns. */
import type { Measure, Metric } from "./measures.ts";
import { figureOf, type Figure } from "./statistics.ts";
import type { System, SystemName } from "./systems.ts";

/** Of a sample. */
const WARM_UP = 0.25;

export interface MetricResult extends Metric {
  readonly figures: Readonly<Partial<Record<SystemName, Figure>>>;
}

export interface MeasurementOptions {
  readonly rounds: number;
  /** Of the full amount of work in a sample. */
  readonly share: number;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/**
 * One sample. One of a baseline that breaks is taken once more, which is said: the local Workflows engine answers 500 now and then. Peach
 * has no second try.
 */
async function sampleOf(
  measure: Measure,
  system: System,
  share: number,
  onProgress: (text: string) => void,
): Promise<readonly number[]> {
  const sample = (): Promise<readonly number[]> => measure.sample(system, share);
  const giveUp = (error: unknown): never => {
    throw new Error(`${measure.name} broke on ${system.name}`, { cause: error });
  };
  if (system.name === "peach") return sample().catch(giveUp);
  return sample().catch((error: unknown) => {
    onProgress(`${measure.name} broke on ${system.name}, once more: ${String(error)}`);
    return sample().catch(giveUp);
  });
}

/** The figures of one measure, for those of the systems that can do it. */
export async function take(
  measure: Measure,
  systems: readonly System[],
  options: MeasurementOptions,
): Promise<MetricResult[]> {
  const { rounds, share, signal, onProgress } = options;
  const taking = systems.filter(({ name }) => measure.systems.includes(name));
  const samples = new Map<SystemName, number[][]>(taking.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const system of taking) {
      signal.throwIfAborted();
      const isWarmUp = round === 0;
      const sample = await sampleOf(measure, system, isWarmUp ? share * WARM_UP : share, onProgress);
      if (isWarmUp) continue;
      samples.get(system.name)?.push([...sample]);
      const shown = measure.metrics.map(({ unit }, metric) => `${(sample[metric] ?? Number.NaN).toFixed(2)} ${unit}`);
      onProgress(`${measure.name} ${round}/${rounds} ${system.name}: ${shown.join(", ")}`);
    }
  }
  return measure.metrics.map((metric, position) => ({
    ...metric,
    figures: Object.fromEntries(
      [...samples].map(([name, rows]) => [name, figureOf(rows.map((row) => row[position] ?? Number.NaN))]),
    ),
  }));
}
