/**
 * A deployment of 0.2.0 with runs that are alive is upgraded, and goes back. `test/golden/0.2.0` has the project as its user
 * kept it, a fork of the repository, and the worker that 0.2.0 made of it.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { compileProject } from "../../src/compiler/compile.ts";
import { PACKAGE_ROOT, projectPaths } from "../../src/compiler/project-paths.ts";
import { writeWorker } from "../../src/local/build.ts";
import { bundleWorker, type Bundle } from "../../src/local/bundle.ts";
import { writeDashboard } from "../../src/local/dashboard.ts";
import { deriveConfig } from "../../src/local/derived-config.ts";
import { launch } from "../../src/local/runtime.ts";
import { openStateFolder, type StateFolder } from "../../src/local/state-folder.ts";
import { commandLine } from "../scripts/command-line.ts";
import { Peach } from "./peach.ts";

const GOLDEN = join(import.meta.dirname, "../golden/0.2.0");
const accepted = z.object({ run_id: z.string() });
const TOKEN = "token-of-the-end-to-end-tests";

let folder = "";
let state: StateFolder;
let runtime: Awaited<ReturnType<typeof launch>> | null = null;

const peach = (): Peach => new Peach({ url: runtime?.url ?? "", token: TOKEN });

/** Ends what runs, and starts a worker with this configuration on the same state. */
async function deploy(bundle: Bundle, wranglerToml: string): Promise<void> {
  await runtime?.stop();
  const vars = { PEACH_API_TOKEN: TOKEN };
  writeWorker(state, bundle, deriveConfig(wranglerToml, { main: state.bundlePath, buckets: {}, vars }));
  runtime = await launch(state, {});
}

const deployOld = (): Promise<void> =>
  deploy(
    { text: gunzipSync(readFileSync(join(GOLDEN, "worker.js.gz"))).toString(), sourceMap: "" },
    readFileSync(join(GOLDEN, "project/wrangler.toml"), "utf8"),
  );

/** Upgrades a copy of the project by the command, and deploys what the present release makes of it. */
async function deployUpgraded(): Promise<void> {
  const project = join(folder, "project");
  const generatedFolder = join(project, "src/generated");
  const compiled = compileProject({ ...projectPaths({}, project), outDir: generatedFolder });
  expect(compiled.diagnostics).toEqual([]);
  await writeDashboard(generatedFolder);
  const bundled = await bundleWorker({ ...state, projectRoot: project, generatedFolder });
  if (!bundled.ok) throw new Error(bundled.diagnostics);
  await deploy(bundled.bundle, readFileSync(join(project, "wrangler.toml"), "utf8"));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-upgraded-"));
  cpSync(join(GOLDEN, "project"), join(folder, "project"), { recursive: true });
  symlinkSync(join(PACKAGE_ROOT, "node_modules"), join(folder, "project/node_modules"));
  state = openStateFolder(join(folder, "state"));
});
afterAll(async () => {
  await runtime?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function drafted(title: string): Promise<string> {
  const { run_id } = await peach().trigger("draft", { title });
  await expect
    .poll(() => statusesOf(run_id), { timeout: 30_000, interval: 100 })
    .toEqual({ draft: "succeeded", approve: "waiting", publish: "pending" });
  return run_id;
}

async function statusesOf(run: string): Promise<Record<string, string>> {
  const { tasks } = await peach().run(run);
  return Object.fromEntries(tasks.map(({ task, status }) => [task, status]));
}

/** Approves, and returns what was published. */
async function published(run: string): Promise<string> {
  const body = JSON.stringify({ status: "succeeded", payload: "by the desk" });
  const answer = await peach().call(`/api/v1/runs/${run}/tasks/approve/complete`, { method: "POST", body });
  expect(answer.status).toBe(200);
  expect((await peach().finished(run, 60_000)).status).toBe("succeeded");
  return (await peach().payload(run, "publish")).text();
}

describe("a deployment of 0.2.0", () => {
  let first = "";
  let second = "";
  let later = "";
  let young = "";

  it("a deployment of 0.2.0 has runs that are alive when it is upgraded", async () => {
    await deployOld();
    first = await drafted("one");
    second = await drafted("two");
    const answer = await peach().call("/api/v1/tasks/count_words/trigger?delay=20s", {
      method: "POST",
      headers: { "Content-Type": "text/plain" },
      body: "three short words",
    });
    expect(answer.status).toBe(202);
    later = accepted.parse(await answer.json()).run_id;
  });

  it("a deployment of 0.2.0 is upgraded by one command, after which its runs go on and finish", async () => {
    const { code, err } = await commandLine(["upgrade", "--yes", "--peach", "0.3.0"], {
      projectRoot: join(folder, "project"),
    });
    expect([code, err]).toEqual([0, ""]);
    await deployUpgraded();
    expect(await published(first)).toBe('published after "by the desk"');
    expect((await peach().finished(later, 60_000)).status).toBe("succeeded");
    young = await drafted("three");
  });

  it("a deployment of 0.2.0 is rolled back to, after which runs of both releases finish", async () => {
    await deployOld();
    expect(await published(second)).toBe('published after "by the desk"');
    expect(await published(young)).toBe('published after "by the desk"');
  });
});
