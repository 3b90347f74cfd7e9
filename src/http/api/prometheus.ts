/**
 * Writes the Prometheus text format, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

/** A value and its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Observations under one set of labels. `bins` are not cumulative; the last bin counts values above
 * all bounds.
 */
export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly bins: readonly number[];
  readonly sum: number;
}

/**
 * Writes a counter or gauge. A family without samples still gets its head, so that the name is
 * known.
 *
 * ```ts
 * family("peach_dead_letters", "gauge", "Dead letters.", [{ labels: {}, value: 2 }]);
 * ```
 */
export function family(
  name: string,
  type: "counter" | "gauge",
  help: string,
  samples: readonly Sample[],
): string {
  return (
    head(name, type, help) + samples.map(({ labels, value }) => line(name, labels, value)).join("")
  );
}

/** Writes a histogram with these upper bounds; buckets become cumulative here. */
export function histogram(
  name: string,
  help: string,
  bounds: readonly number[],
  samples: readonly HistogramSample[],
): string {
  const lines = samples.map(({ labels, bins, sum }) => {
    let count = 0;
    const buckets = [...bounds.map(String), "+Inf"].map((le, index) => {
      count += bins[index] ?? 0;
      return line(`${name}_bucket`, { ...labels, le }, count);
    });
    return [
      ...buckets,
      line(`${name}_sum`, labels, sum),
      line(`${name}_count`, labels, count),
    ].join("");
  });
  return head(name, "histogram", help) + lines.join("");
}

/** Writes the lines before the samples of a family. */
function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

/** Writes a sample. */
function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

/** Escapes a label's value. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
