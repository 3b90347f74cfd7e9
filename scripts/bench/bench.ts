/**
 * `npm run bench`: measures Peach beside Cloudflare Workflows and a bare lower bound, in one run.
 * Owns the order of measures and the time limit, and stops everything it has started.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { exitCodeOf } from "../../src/local/exit-code.ts";
import { RuntimeStartError } from "../../src/local/runtime.ts";
import { benchConf } from "./conf.ts";
import { countCost } from "./counted-cost.ts";
import { take, type MetricResult } from "./measurement.ts";
import { readOptions, USAGE, type BenchOptions } from "./options.ts";
import { renderReport, type BenchReport } from "./report.ts";
import { startLocalBench, type LocalBench } from "./runtimes.ts";
import { deployedPeach } from "./systems.ts";
import { judge } from "./targets.ts";

const LIMIT_MS = 20 * 60_000;
/** Repetitions of an overload, each with its drain. */
const OVERLOADS = 8;
/** Share of the work per sample, with --quick. */
const QUICK_SHARE = 0.3;

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, process.env);
  if (options.task !== "measure") {
    process.stdout.write(options.task === "help" ? `${USAGE}\n` : benchConf());
    return 0;
  }
  const told = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => told.abort());
  const limitMs = LIMIT_MS + OVERLOADS * options.overloadMs;
  const signal = AbortSignal.any([told.signal, AbortSignal.timeout(limitMs)]);
  try {
    const report = await measure(options, signal);
    console.log(options.json ? JSON.stringify(report, null, 2) : `\n${renderReport(report)}`);
    return 0;
  } catch (error) {
    if (told.signal.aborted) console.error("It was told to end.");
    else if (signal.aborted)
      console.error(
        `It did not finish within ${Math.ceil(limitMs / 60_000)} minutes; measure less with --only.`,
      );
    else if (error instanceof RuntimeStartError) console.error(error.message);
    else console.error(error);
    return 1;
  }
}

async function measure(options: BenchOptions, signal: AbortSignal): Promise<BenchReport> {
  const { quick, rounds, deployed } = options;
  const onProgress = (text: string): void => console.error(text);
  const cost = options.cost ? await countCost(signal) : null;
  const results = options.measures.length === 0 ? [] : await takeAll(options, signal, onProgress);
  return {
    taken_at: new Date().toISOString(),
    url: deployed?.url ?? null,
    versions:
      deployed === null ? { wrangler: versionOf("wrangler"), workerd: versionOf("workerd") } : {},
    cpus: cpus().length,
    rounds,
    quick,
    results,
    verdicts: judge(results),
    cost,
  };
}

async function takeAll(
  { measures, rounds, quick, overloadMs, deployed }: BenchOptions,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<MetricResult[]> {
  let local: LocalBench | null = null;
  try {
    if (deployed === null) {
      onProgress("Starting two local runtimes ...");
      local = await startLocalBench(signal);
    }
    const systems =
      local?.systems ?? (deployed === null ? [] : [deployedPeach(deployed.url, deployed.token)]);
    const results: MetricResult[] = [];
    for (const each of measures) {
      const options = { rounds, share: quick ? QUICK_SHARE : 1, overloadMs, signal, onProgress };
      results.push(...(await take(each, systems, options)));
    }
    return results;
  } catch (error) {
    if (!signal.aborted) for (const line of local?.output() ?? []) onProgress(line);
    throw error;
  } finally {
    await local?.stop();
  }
}

function versionOf(name: string): string {
  const path = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const manifest: unknown = JSON.parse(readFileSync(path, "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "?";
}

process.exitCode = await exitCodeOf(main, USAGE);
