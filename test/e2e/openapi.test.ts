/** The description of the API that a runtime serves, used as others would: by a linter and by a generator of clients. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { codesIn, rowsUnder } from "../support/documents.ts";
import { Stage } from "./stage.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Below node_modules, so that what is generated finds its packages; no folder of it stays. */
const CACHE = join(ROOT, "node_modules/.cache");

let stage: Stage;
let source: string;
beforeAll(async () => {
  stage = await Stage.open("lab");
  const { url, token } = stage.peach;
  const response = await fetch(`${url}/api/v1/openapi.json`, { headers: { Authorization: `Bearer ${token}` } });
  source = await response.text();
  return () => stage.close();
});

/** A program as somebody would write it who has only the generated client. */
const PROGRAM = `
import { defaults, triggerTask, readRun, listTasks, readTaskPayload } from "./client.ts";

export async function main(url: string, token: string) {
  defaults.baseUrl = url + "/api/v1";
  defaults.headers = { Authorization: "Bearer " + token };
  const accepted = await triggerTask("echo", { hello: ["world", 1] }, { wait: "30s" });
  if (accepted.status !== 200 && accepted.status !== 202) throw new Error(accepted.data.detail);
  const run = await readRun(accepted.data.run_id);
  if (run.status !== 200) throw new Error(run.data.detail);
  const statuses: string[] = run.data.tasks.map((task) => task.status);
  const payload = await readTaskPayload(run.data.run_id, "after");
  const tasks = await listTasks();
  const unknown = await readRun("run_nothing");
  return {
    status: run.data.status,
    statuses,
    payload: payload.status,
    tasks: tasks.status === 200 ? tasks.data.tasks.length : 0,
    unknown: unknown.status === 404 ? unknown.data.code : "",
  };
}
`;

/** Calls that are no part of that document: they answer without a token, or on the local runtime only. */
const BESIDE_IT = [
  "DELETE /dev/r2/{}/{}",
  "GET /api/v1/docs",
  "GET /healthz",
  "POST /complete/{}",
  "PUT /dev/r2/{}/{}",
];
const described = z.object({
  paths: z.record(
    z.string(),
    z.partialRecord(
      z.enum(["get", "post", "delete"]),
      z.object({ parameters: z.array(z.object({ name: z.string(), in: z.string() })).default([]) }),
    ),
  ),
});

function withoutNames(path: string): string {
  return path.replaceAll(/\{\w+\}/g, "{}");
}

/** The calls of a row of the reference: a method with its path, and others of that method, by what differs at the end. */
function callsOf(cell: string): string[] {
  let [verbs, path] = [[""], ""];
  return codesIn(cell).flatMap((code, index, codes) => {
    const [, method = "", given = ""] = /^([A-Z]+) (\/[^\s?]*)/.exec(code) ?? [];
    // A method alone has the path of the next one.
    if (/^[A-Z]+$/.test(code)) return [`${code} ${withoutNames(codes[index + 1]?.split(" ")[1] ?? "")}`];
    if (code.startsWith("?")) return [];
    if (code.startsWith(".../")) path = path.replace(/\/[^/]+$/, code.slice(3));
    else [verbs, path] = [[method], given];
    return verbs.map((verb) => `${verb} ${withoutNames(path)}`);
  });
}

describe("the OpenAPI document of the runtime", () => {
  it("the OpenAPI document of the runtime has the calls that the reference lists, and each parameter of their queries stands there", () => {
    const rows = rowsUnder("docs/reference/http.md", "## Calls").map((cells) => ({
      calls: callsOf(cells[0] ?? ""),
      text: cells.join(" "),
    }));
    const calls = Object.entries(described.parse(JSON.parse(source)).paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { parameters }]) => ({
        call: `${method.toUpperCase()} /api/v1${withoutNames(path)}`,
        query: parameters.flatMap(({ name, in: where }) => (where === "query" ? [name] : [])),
      })),
    );
    expect(rows.flatMap((row) => row.calls).toSorted()).toEqual(
      [...calls.map(({ call }) => call), ...BESIDE_IT].toSorted(),
    );
    const missing = calls.flatMap(({ call, query }) => {
      const { text = "" } = rows.find((row) => row.calls.includes(call)) ?? {};
      if (text.includes("the same filters")) return [];
      return query.filter((name) => !new RegExp(`[?&]${name}\\b`).test(text)).map((name) => `${call} ?${name}`);
    });
    expect(missing).toEqual([]);
  });

  it("the OpenAPI document of the runtime has nothing that the linter objects to", async () => {
    const config = await createConfig({ extends: ["recommended"] });
    const problems = await lintFromString({ source, config });
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  it("the OpenAPI document of the runtime is enough for a generated client to trigger and read a run, and its types fit", async () => {
    mkdirSync(CACHE, { recursive: true });
    const folder = mkdtempSync(join(CACHE, "openapi-client-"));
    try {
      const [description, client, program] = ["openapi.json", "client.ts", "program.ts"].map((name) =>
        join(folder, name),
      );
      if (description === undefined || client === undefined || program === undefined) throw new Error("three names");
      writeFileSync(description, source);
      writeFileSync(program, PROGRAM);
      const bin = (name: string): string => join(ROOT, "node_modules/.bin", name);
      execFileSync(bin("oazapfts"), [description, client], { stdio: "pipe" });
      const flags =
        "--noEmit --ignoreConfig --strict --skipLibCheck --module esnext --moduleResolution bundler --target esnext --lib esnext,dom --checkers 1";
      execFileSync(bin("tsc"), [...flags.split(" "), "--allowImportingTsExtensions", program], {
        stdio: "pipe",
        cwd: folder,
      });
      const out = join(folder, "program.mjs");
      await build({ entryPoints: [program], bundle: true, format: "esm", outfile: out, logLevel: "silent" });
      const loaded: unknown = await import(/* @vite-ignore */ pathToFileURL(out).href);
      const { main } = z
        .object({ main: z.function({ input: [z.string(), z.string()], output: z.promise(z.unknown()) }) })
        .parse(loaded);
      const { url, token } = stage.peach;
      expect(await main(url, token)).toEqual({
        status: "succeeded",
        statuses: ["succeeded", "succeeded"],
        payload: 200,
        tasks: expect.any(Number),
        unknown: "unknown_run",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
