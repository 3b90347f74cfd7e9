import { createServer } from "node:http";
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { startRuntime } from "../../src/local/runtime.ts";
import { hasPython, python } from "../lab/python.ts";
import { Stage } from "./stage.ts";

const ROOT = join(import.meta.dirname, "../..");
const NOTEBOOK = join(ROOT, "src/lab/peach_lab.ipynb");
const notebook = z.object({ cells: z.array(z.object({ cell_type: z.string(), source: z.array(z.string()) })) });

/** A server by which a program of its own opens the gates of the recorder. */
async function gatekeeper(stage: Stage): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    stage.recorder.open((request.url ?? "").split("/").at(-1) ?? "");
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gatekeeper has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}

describe.runIf(hasPython)("a notebook", () => {
  it("triggers, waits, and reads every kind of payload on a running pipeline", async () => {
    const stage = await Stage.openAsPeopleDo("lab");
    const gates = await gatekeeper(stage);
    try {
      const { url, token } = stage.peach;
      const env = { PEACH_URL: url, PEACH_API_TOKEN: token, RECORDER_URL: gates.url };
      const { code, output } = await python([join(ROOT, "test/lab/running_test.py")], { env });
      expect(output).toMatch(/Ran 7 tests in .*\n\nOK\n$/);
      expect(code).toBe(0);
    } finally {
      await gates.close();
      await stage.close();
    }
  });

  it("can be run as it is, beside the module", async () => {
    const folder = mkdtempSync(join(tmpdir(), "peach-notebook-"));
    const conf = { confPath: join(ROOT, "peach.conf.example"), pipelinesDir: join(ROOT, "src/pipelines") };
    const runtime = await startRuntime({ ...conf, persistTo: join(folder, "state") });
    try {
      const { cells } = notebook.parse(JSON.parse(readFileSync(NOTEBOOK, "utf8")));
      const code = cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => source.join(""));
      writeFileSync(join(folder, "cells.py"), code.join("\n\n"));
      const env = { PEACH_URL: runtime.url, PEACH_API_TOKEN: runtime.token };
      const { code: exit, output } = await python([join(folder, "cells.py")], { env, cwd: join(ROOT, "src/lab") });
      expect(output).toContain("succeeded in");
      expect(output).toContain('unknown_task - There is no task "recomend".');
      expect(exit).toBe(0);
    } finally {
      await runtime.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
