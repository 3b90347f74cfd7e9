/** A measure: the metrics of one sample, and the systems to sample. */
import type { System, SystemName } from "./systems.ts";

export interface Metric {
  readonly name: string;
  readonly title: string;
  readonly unit: "ms" | "s" | "runs/s" | "runs" | "x";
}

export interface Measure {
  readonly name: string;
  readonly metrics: readonly Metric[];
  /** Systems that support this measure. */
  readonly systems: readonly SystemName[];
  /**
   * Set if one sample is enough, since it covers many runs over a long time. Absent: the sample is
   * repeated.
   */
  readonly once?: true;
  /** Set if the measure needs a report of each run's end, which a deployed system does not send. */
  readonly localOnly?: true;
  /**
   * Takes one sample of each metric, in their order; `NaN` for a metric without a value. `share`:
   * the part of the full amount of work, for a quick run.
   */
  sample(system: System, share: number, options: SampleOptions): Promise<readonly number[]>;
}

export interface SampleOptions {
  /** Duration of an overload with the full amount of work. */
  readonly overloadMs: number;
  readonly onProgress: (text: string) => void;
}

/** A baseline broke in the middle of a sample. Its figures count up to this moment. */
export class BrokenSample extends Error {
  override name = "BrokenSample";
  readonly figures: readonly number[];

  constructor(message: string, figures: readonly number[], cause: unknown) {
    super(message, { cause });
    this.figures = figures;
  }
}
