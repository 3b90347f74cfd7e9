/** What a measure is: figures that one sample gives, and the systems that it is taken of. */
import type { System, SystemName } from "./systems.ts";

export interface Metric {
  readonly name: string;
  readonly title: string;
  readonly unit: "ms" | "s" | "runs/s" | "runs" | "x";
}

export interface Measure {
  readonly name: string;
  readonly metrics: readonly Metric[];
  /** Those that can do it. */
  readonly systems: readonly SystemName[];
  /** One sample says enough, since it is itself of many runs over a long time; absent: it is repeated. */
  readonly once?: true;
  /** Its systems are told of the end of a run; no deployed one is. */
  readonly localOnly?: true;
  /** One sample of each metric, in their order; `NaN` where there is nothing to say. `share`: of the full amount of work, for a quick run. */
  sample(system: System, share: number, options: SampleOptions): Promise<readonly number[]>;
}

export interface SampleOptions {
  /** How long an overload lasts, of the full amount of work. */
  readonly overloadMs: number;
  readonly onProgress: (text: string) => void;
}

/** A baseline broke in the middle of a sample, whose figures count until then. */
export class BrokenSample extends Error {
  override name = "BrokenSample";
  readonly figures: readonly number[];

  constructor(message: string, figures: readonly number[], cause: unknown) {
    super(message, { cause });
    this.figures = figures;
  }
}
