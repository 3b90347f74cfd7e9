/** Summary of a row of samples. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Samples in the order of the rounds. */
  readonly samples: readonly number[];
}

/** Summarizes samples; throws if there are none. */
export function figureOf(samples: readonly number[]): Figure {
  return {
    median: medianOf(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
    samples,
  };
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined)
    throw new RangeError("there is no median of no values");
  return (lower + upper) / 2;
}

/** The value that this share of all values (0 to 1) does not exceed. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (value === undefined) throw new RangeError("there is no quantile of no values");
  return value;
}

export function meanOf(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("there is no mean of no values");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
