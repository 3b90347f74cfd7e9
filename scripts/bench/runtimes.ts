/**
 * Starts the local systems under test: Peach with the bench's peach.conf, and the worker of the two
 * baselines.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeWorker } from "../../src/local/build.ts";
import { bundleModule } from "../../src/local/bundle.ts";
import { launch, startRuntime } from "../../src/local/runtime.ts";
import { openStateFolder } from "../../src/local/state-folder.ts";
import { benchConf } from "./conf.ts";
import { Recorder } from "./recorder.ts";
import { localSystem, peachTrigger, type System } from "./systems.ts";

export interface LocalBench {
  readonly systems: readonly System[];
  /** The last output lines of both runtimes, without requests. */
  output(): readonly string[];
  /** Ends all processes and deletes all files. */
  stop(): Promise<void>;
}

const WORKER_FOLDER = fileURLToPath(new URL("worker", import.meta.url));
const SHOWN_LINES = 20;
const COMPATIBILITY_DATE = "2026-11-01";

/**
 * Resolves once all systems answer. Rejects with `RuntimeStartError` and leaves no process running.
 */
export async function startLocalBench(signal: AbortSignal): Promise<LocalBench> {
  const folder = mkdtempSync(join(tmpdir(), "peach-bench-"));
  const undo: (() => Promise<void> | void)[] = [
    () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  ];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const recorder = await Recorder.start();
    undo.push(() => recorder.close());

    const confPath = join(folder, "peach.conf");
    writeFileSync(confPath, benchConf());
    const peach = await startRuntime({
      persistTo: join(folder, "peach"),
      confPath,
      pipelinesDir: join(WORKER_FOLDER, "pipelines"),
      signal,
    });
    undo.push(() => peach.stop());

    const state = openStateFolder(join(folder, "baselines"));
    const bundle = await bundleModule(join(WORKER_FOLDER, "baselines.ts"), state);
    writeWorker(state, bundle, baselinesConfig(state.bundlePath));
    let baselines = await launch(state, { signal });
    undo.push(() => baselines.stop());
    const restart = async (): Promise<void> => {
      await baselines.stop();
      baselines = await launch(state, { signal });
    };

    return {
      systems: [
        localSystem("peach", recorder, peachTrigger(peach.url), { token: peach.token }),
        localSystem("workflows", recorder, (work) => `${baselines.url}/workflows/${work}`, {
          restart,
        }),
        localSystem("bound", recorder, (work) => `${baselines.url}/bound/${work}`, { restart }),
      ],
      output: () =>
        [peach, baselines].flatMap(({ logs }) =>
          logs.filter((line) => !line.includes("[wrangler:info]")).slice(-SHOWN_LINES),
        ),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The configuration of the baselines: bundled beforehand by the same bundler as Peach. */
function baselinesConfig(main: string): object {
  return {
    name: "peach-bench-baselines",
    main,
    no_bundle: true,
    find_additional_modules: false,
    compatibility_date: COMPATIBILITY_DATE,
    durable_objects: { bindings: [{ name: "BOUND", class_name: "BoundRun" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["BoundRun"] }],
    workflows: [{ binding: "WORKFLOW", name: "bench", class_name: "BenchWorkflow" }],
    r2_buckets: [{ binding: "BLOBS", bucket_name: "blobs" }],
  };
}
