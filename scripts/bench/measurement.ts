/** Takes the samples: a warm-up of each system, then rounds in which the systems take turns. */
import { BrokenSample, type Measure, type Metric, type SampleOptions } from "./measure.ts";
import { figureOf, type Figure } from "./statistics.ts";
import type { System, SystemName } from "./systems.ts";

/** The warm-up's share of a sample; less for measures that are taken once. */
const WARM_UP = { repeated: 0.25, once: 0.05 } as const;

export interface MetricResult extends Metric {
  readonly figures: Readonly<Partial<Record<SystemName, Figure>>>;
}

export interface MeasurementOptions extends SampleOptions {
  readonly rounds: number;
  /** Share of the full amount of work in a sample. */
  readonly share: number;
  readonly signal: AbortSignal;
}

/**
 * Takes one sample. A broken baseline is restarted, with a message: its local runtime answers 500
 * now and then, and runs out of open files if it keeps every object open. Figures up to the break
 * count if the measure allows it (`BrokenSample`); otherwise the sample is repeated once. Peach has
 * no second try.
 */
async function sampleOf(
  measure: Measure,
  system: System,
  share: number,
  options: SampleOptions,
): Promise<readonly number[]> {
  const sample = (): Promise<readonly number[]> => measure.sample(system, share, options);
  const { name } = system;
  const restart = system.restart?.bind(system);
  const giveUp = (error: unknown): never => {
    throw new Error(`${measure.name} broke on ${name}`, { cause: error });
  };
  if (restart === undefined) return sample().catch(giveUp);
  return sample().catch(async (error: unknown) => {
    options.onProgress(`${measure.name} broke on ${name}, which starts anew: ${String(error)}`);
    await restart();
    return error instanceof BrokenSample ? error.figures : sample().catch(giveUp);
  });
}

/** The figures of one measure, for each system that supports it. */
export async function take(
  measure: Measure,
  systems: readonly System[],
  options: MeasurementOptions,
): Promise<MetricResult[]> {
  const { share, signal, onProgress } = options;
  const rounds = measure.once === true ? 1 : options.rounds;
  const warmUp = share * WARM_UP[measure.once === true ? "once" : "repeated"];
  const taking = systems.filter(({ name }) => measure.systems.includes(name));
  const samples = new Map<SystemName, number[][]>(taking.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const system of taking) {
      signal.throwIfAborted();
      const isWarmUp = round === 0;
      const sample = await sampleOf(measure, system, isWarmUp ? warmUp : share, options);
      if (isWarmUp) continue;
      samples.get(system.name)?.push([...sample]);
      const shown = measure.metrics.map(
        ({ unit }, metric) => `${(sample[metric] ?? Number.NaN).toFixed(2)} ${unit}`,
      );
      onProgress(`${measure.name} ${round}/${rounds} ${system.name}: ${shown.join(", ")}`);
    }
  }
  return measure.metrics.map((metric, position) => ({
    ...metric,
    figures: Object.fromEntries(
      [...samples].map(([name, rows]) => [
        name,
        figureOf(rows.map((row) => row[position] ?? Number.NaN)),
      ]),
    ),
  }));
}
