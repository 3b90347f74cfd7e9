import { createServer } from "node:http";
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";
import { hasPython, python } from "../lab/python.ts";
import { blocksIn, page, userPages } from "../support/documents.ts";
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
    const stage = await Stage.open("lab");
    const gates = await gatekeeper(stage);
    try {
      const { url, token } = stage.peach;
      const env = { PEACH_URL: url, PEACH_API_TOKEN: token, RECORDER_URL: gates.url };
      const { code, output } = await python([join(ROOT, "test/lab/running_test.py")], { env });
      expect(output).toMatch(/Ran 11 tests in .*\n\nOK\n$/);
      expect(code).toBe(0);
    } finally {
      await gates.close();
      await stage.close();
    }
  });

  describe("on the example", () => {
    let folder: string;
    let runtime: LocalRuntime;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "peach-notebook-"));
      const conf = { confPath: join(ROOT, "peach.conf.example"), pipelinesDir: join(ROOT, "src/pipelines") };
      runtime = await startRuntime({ ...conf, persistTo: join(folder, "state") });
      return async () => {
        await runtime.stop();
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      };
    });

    /** Runs this code as a file beside the module. */
    function run(code: string): Promise<{ code: number | null; output: string }> {
      writeFileSync(join(folder, "code.py"), code);
      const env = { PEACH_URL: runtime.url, PEACH_API_TOKEN: runtime.token };
      return python([join(folder, "code.py")], { env, cwd: join(ROOT, "src/lab") });
    }

    it("can be run as it is, beside the module", async () => {
      const { cells } = notebook.parse(JSON.parse(readFileSync(NOTEBOOK, "utf8")));
      const code = cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => source.join(""));
      const { code: exit, output } = await run(code.join("\n\n"));
      expect(output).toContain("succeeded in");
      expect(output).toContain('unknown_task - There is no task "recomend".');
      expect(exit).toBe(0);
    });

    it("says what the guide's does, of an object that is there", async () => {
      const blocks = userPages().flatMap((path) => blocksIn(page(path), "python").map((block) => [path, block]));
      expect(blocks.map(([path]) => path)).toEqual(["docs/guides/notebook.md"]);
      const upload = async (name: string, body: string): Promise<void> => {
        const answer = await fetch(`${runtime.url}/dev/r2/uploads/audio/${name}`, {
          method: "PUT",
          headers: { Authorization: `Bearer ${runtime.token}` },
          body,
        });
        expect([name, answer.ok]).toEqual([name, true]);
      };
      await upload("a.vtt", "WEBVTT\n\n00:00.000 --> 00:02.000\nGlaciers are melting.\n");
      await upload("a.mp3", "the audio");
      const [[, block = ""] = []] = blocks;
      const { code, output } = await run(
        `${block}\nprint(run.result()["status"], run.payload("audio_transcription")["text"])`,
      );
      expect([code, output]).toEqual([0, "succeeded Glaciers are melting.\n"]);
    });
  });
});
