/** A strict reader of the Prometheus text format: whatever a scraper would refuse, or understand otherwise, throws. */

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)/y;
const NUMBER = /^[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)$/;

/** The families by name. */
export function parsePrometheusText(text: string): Map<string, MetricFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, MetricFamily & { readonly samples: MetricSample[] }>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | null = null;
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") help = { name, text: rest };
    else if (kind === "TYPE") {
      if (!NAME.test(name) || help?.name !== name) throw new Error(`TYPE of ${name} does not follow its HELP`);
      if (!["counter", "gauge", "histogram"].includes(rest)) throw new Error(`${name} is of the unknown type ${rest}`);
      if (families.has(name)) throw new Error(`${name} stands there twice`);
      families.set(name, { type: rest, help: help.text, samples: [] });
      current = name;
    } else {
      const sample = parseSample(line);
      const family = families.get(current);
      if (family === undefined || familyOf(sample.name, family.type) !== current)
        throw new Error(`"${line}" stands outside of its family`);
      const identity = `${sample.name}${JSON.stringify(Object.entries(sample.labels).toSorted(([one], [other]) => one.localeCompare(other)))}`;
      if (seen.has(identity)) throw new Error(`"${line}" stands there twice`);
      seen.add(identity);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

/** The other labels. */
export function labelsWithout(labels: MetricSample["labels"], name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([label]) => label !== name));
}

function parseSample(line: string): MetricSample {
  const [, name, labelText = "", number = ""] = SAMPLE.exec(line) ?? [];
  if (name === undefined || !NUMBER.test(number)) throw new Error(`"${line}" is no sample`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < labelText.length) {
    const [, label, value = ""] = LABEL.exec(labelText) ?? [];
    if (label === undefined || label in labels) throw new Error(`"${line}" has wrong labels`);
    labels[label] = value.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
  }
  return { name, labels, value: Number(number.replace("Inf", "Infinity")) };
}

function familyOf(name: string, type: string): string {
  return type === "histogram" ? name.replace(/_(bucket|sum|count)$/, "") : name;
}

/** Buckets go up, the last is +Inf and is the count. */
function checkHistogram(name: string, { samples }: MetricFamily): void {
  const sets = Map.groupBy(samples, ({ labels }) => JSON.stringify(labelsWithout(labels, "le")));
  for (const [labels, set] of sets) {
    const buckets = set.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le = "" } }) => Number(le.replace("Inf", "Infinity")));
    const isRising = (numbers: readonly number[]): boolean =>
      numbers.every((number, index) => index === 0 || number >= (numbers[index - 1] ?? number));
    const count = set.find((sample) => sample.name === `${name}_count`)?.value;
    const isWhole = bounds.at(-1) === Infinity && buckets.at(-1)?.value === count;
    if (!isWhole || !isRising(bounds) || !isRising(buckets.map(({ value }) => value)))
      throw new Error(`the histogram ${name}${labels} is none`);
    if (!set.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}${labels} has no sum`);
  }
}
