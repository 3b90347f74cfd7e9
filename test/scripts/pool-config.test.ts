import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { unstable_getMiniflareWorkerOptions as workerOptions } from "wrangler";
import { poolConfig } from "../support/pool/wrangler-config.ts";

const CONFIG = 'name = "peach"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[vars]\nOURS = "of the config"\n';

let folder = "";
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  folder = mkdtempSync(join(tmpdir(), "peach-pool-config-test-"));
  writeFileSync(join(folder, "wrangler.toml"), CONFIG);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const bindings = (config: string): unknown => workerOptions(config).workerOptions["bindings"];

describe.each([".dev.vars", ".env"])("the configuration of the pool beside a developer's %s", (name) => {
  it("binds what wrangler.toml has, and nothing of that file", () => {
    writeFileSync(join(folder, name), "THEIRS=secret\n");
    expect(bindings(join(folder, "wrangler.toml"))).toMatchObject({ THEIRS: "secret" });
    expect(bindings(poolConfig(folder))).toEqual({ OURS: "of the config" });
  });
});

describe("the configuration of the pool", () => {
  it("the configuration of the pool follows changes of wrangler.toml", () => {
    poolConfig(folder);
    writeFileSync(join(folder, "wrangler.toml"), `${CONFIG}MORE = "since then"\n`);
    expect(bindings(poolConfig(folder))).toEqual({ OURS: "of the config", MORE: "since then" });
  });
});
