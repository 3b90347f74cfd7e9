import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { E2E_FILES, FOLDERS_OF_OTHERS, isChosen, UNIT_FILES } from "./scripts/test-projects.ts";
import { LongestFirst } from "./test/support/longest-first.ts";
import { bundledModules } from "./test/support/pool/bundled-modules.ts";
import { poolConfig } from "./test/support/pool/wrangler-config.ts";

const POOL = resolve(import.meta.dirname, "test/support/pool");

/** The worker under test runs the tasks of test/support/pool instead of the user's. */
const ALIASES = [
  { find: /^(?:#|\.\/)generated\/([^.]*)(?:\.ts)?$/, replacement: `${POOL}/generated/$1.ts` },
  { find: "peach/worker", replacement: resolve("src/worker/worker.ts") },
  { find: "peach/task-helpers", replacement: resolve("src/task-helpers.ts") },
  { find: "peach/stores", replacement: resolve("src/stores/stores.ts") },
  { find: "./hide-own-env.ts", replacement: `${POOL}/shown-env.ts` },
];
/** By them `imports` and `exports` of package.json lead to the clone's own sources in place of what the package has. */
const CONDITIONS = ["peach-source", "module"];

/** Those of more than one module. */
const PACKAGES = [
  "croner",
  "fast-check",
  "hono",
  "hono/cookie",
  "hono/cors",
  "hono/router",
  "jose",
  "standardwebhooks",
  "zod",
];

/** A whole number of 32 bits. */
function seedOf(text = String(Math.floor(Math.random() * 2 ** 31))): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw new Error(`PEACH_TEST_SEED is a whole number below 2147483648, given "${text}"`);
}

/** Loaded only for those who need it: that takes as long as the rest of the start of a test file without it. */
async function workersPool() {
  const { cloudflareTest } = await import("@cloudflare/vitest-plugin");
  return cloudflareTest({
    main: resolve("src/index.ts"),
    wrangler: { configPath: poolConfig(import.meta.dirname) },
    // It looks for exports in the text of src/index.ts, which passes them all on.
    additionalExports: { AlertEntrypoint: "WorkerEntrypoint", DriverEntrypoint: "WorkerEntrypoint" },
  });
}

/** The source as one module for the pool, but where it is changed module by module. */
function oneModule() {
  if (process.env["PEACH_MUTATION"] !== undefined) return null;
  return bundledModules({
    exclude: [...FOLDERS_OF_OTHERS, "test/support/**", "test/mutation/**"],
    conditions: [...CONDITIONS, "workerd", "worker", "browser"],
    aliases: ALIASES,
  });
}

export default defineConfig({
  // The others are what there is without this line.
  ssr: { resolve: { conditions: [...CONDITIONS, "node", "development|production"] } },
  test: {
    // One more than the cores that the suites are planned for: a worker waits while it starts, and for leases, delays and windows.
    maxWorkers: 3,
    provide: { isLong: process.env["PEACH_TEST_LONG"] === "1", seed: seedOf(process.env["PEACH_TEST_SEED"]) },
    // For machines that are busy with something else; what a test waits for has its own limit.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        // Not isolated, here and in e2e: no file changes what it imports, and to start a worker for each was a seventh of the time.
        test: { name: "unit", environment: "node", include: UNIT_FILES, isolate: false, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        plugins: isChosen("workers", process.argv) ? [oneModule(), workersPool()] : [],
        resolve: { alias: ALIASES },
        test: {
          name: "workers",
          include: ["test/**/*.test.ts"],
          exclude: [...UNIT_FILES, ...E2E_FILES],
          globalSetup: [`${POOL}/compile.ts`],
          setupFiles: [`${POOL}/setup.ts`],
          // A worker takes one file after the other (setup.ts): to start one costs more than most files.
          isolate: false,
          // It loads what it needs module by module: a library's as one of them.
          deps: { optimizer: { ssr: { enabled: true, include: PACKAGES } } },
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // Each file has runtimes of its own, on ports and state folders of their own.
        test: {
          name: "e2e",
          environment: "node",
          include: E2E_FILES,
          isolate: false,
          testTimeout: 120_000,
          // To start a runtime takes two seconds, and much longer on a machine that is busy.
          hookTimeout: 120_000,
          // They wait more than half of the time, for leases, delays, windows and starts.
          maxWorkers: 6,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
