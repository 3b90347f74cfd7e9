import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { problem, serve } from "../client/scripted-server.ts";
import { commandLine } from "../scripts/command-line.ts";

/** A project in which `npm run dev` has left these behind. */
function project(left: { readonly url?: string; readonly devVars?: string }): string {
  const root = mkdtempSync(join(tmpdir(), "peach-cli-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  if (left.url !== undefined) {
    mkdirSync(join(root, ".peach/state/runtime"), { recursive: true });
    writeFileSync(join(root, ".peach/state/runtime/claim.json"), JSON.stringify({ owner: 1, group: 1, url: left.url }));
  }
  if (left.devVars !== undefined) writeFileSync(join(root, ".dev.vars"), left.devVars);
  return root;
}

describe("the deployment that a command talks to", () => {
  it("the deployment that a command talks to is the one of --url, else of PEACH_URL, else the local runtime with the token of .dev.vars", async () => {
    const [first, second, local] = [await serve({ body: {} }), await serve({ body: {} }), await serve({ body: {} })];
    const projectRoot = project({ url: local.url, devVars: "OTHER=1\nPEACH_API_TOKEN=of-dev-vars\n" });
    const env = { PEACH_URL: second.url, PEACH_API_TOKEN: "of-env" };
    await commandLine(["pause", "t", "--url", first.url, "--token", "of-option"], { env, projectRoot });
    await commandLine(["pause", "t"], { env, projectRoot });
    await commandLine(["pause", "t"], { projectRoot });
    await commandLine(["pause", "t"], { env: { PEACH_API_TOKEN: "of-env" }, projectRoot });
    const tokens = [first, second, local].map(({ asked }) => asked.map(({ headers }) => headers.authorization));
    expect(tokens).toEqual([["Bearer of-option"], ["Bearer of-env"], ["Bearer of-dev-vars", "Bearer of-env"]]);
  });

  it("the deployment that a command talks to gets a token from a file with a byte order mark, and none from a folder", async () => {
    const { url, asked } = await serve({ body: {} });
    const projectRoot = project({ url, devVars: "\uFEFFPEACH_API_TOKEN=of-dev-vars\n" });
    await commandLine(["pause", "t"], { projectRoot });
    expect(asked[0]?.headers.authorization).toBe("Bearer of-dev-vars");
    const other = project({ url });
    mkdirSync(join(other, ".dev.vars"));
    expect(await commandLine(["pause", "t"], { projectRoot: other })).toMatchObject({
      code: 2,
      err: expect.stringContaining("is missing: set PEACH_API_TOKEN (or --token)"),
    });
  });

  it("the deployment that a command talks to never gets the token of this machine if it is elsewhere", async () => {
    const projectRoot = project({ devVars: "PEACH_API_TOKEN=of-dev-vars\n" });
    expect(await commandLine(["pause", "t", "--url", "https://peach.example"], { projectRoot })).toMatchObject({
      code: 2,
      err: expect.stringContaining("the token for https://peach.example is missing: set PEACH_API_TOKEN (or --token)"),
    });
  });

  it.each([
    [{}, "nobody has said where Peach runs: start it here with `npm run dev`, or set PEACH_URL"],
    [{ PEACH_URL: "peach.example" }, "the token for peach.example is missing"],
    [{ PEACH_URL: "peach.example", PEACH_API_TOKEN: "t" }, "PEACH_URL: expected an address such as https://"],
    [{ PEACH_URL: "http://x", PEACH_API_TOKEN: "a b" }, "PEACH_API_TOKEN: expected an API token"],
  ])("the address of the deployment that a command talks to is missing or wrong with %j", async (env, message) => {
    const { code, err } = await commandLine(["runs"], { env, projectRoot: project({}) });
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe("what goes wrong", () => {
  it("an error is told with its hint, and what it concerns", async () => {
    const errors = [{ path: "$.text", message: "expected string" }];
    const { url } = await serve(problem(400, "invalid_payload", { errors }));
    const env = { PEACH_URL: url, PEACH_API_TOKEN: "t" };
    const { code, err } = await commandLine(["trigger", "t"], { env });
    expect([code, err.split("\n")]).toEqual([
      1,
      ["error: It is invalid_payload.", "  $.text: expected string", "hint: Do this.", "(invalid_payload, request r1)"],
    ]);
    const json = await commandLine(["trigger", "t", "--json"], { env });
    expect([json.code, json.err, JSON.parse(json.out)]).toEqual([
      1,
      "",
      { error: expect.objectContaining({ code: "invalid_payload", status: 400, request_id: "r1", errors }) },
    ]);
  });

  it("an error says where a token came from that is refused, and an address at which nobody is", async () => {
    const { url } = await serve(problem(401, "unauthorized"));
    const projectRoot = project({ url, devVars: "PEACH_API_TOKEN=old" });
    expect((await commandLine(["runs"], { projectRoot })).err).toContain(
      "hint: The token is from .dev.vars, the address from the runtime that `npm run dev` has started here.",
    );
    const gone = project({ url: "http://127.0.0.1:1", devVars: "PEACH_API_TOKEN=t" });
    const { code, err } = await commandLine(["pause", "t", "--json"], { projectRoot: gone });
    expect([code, err]).toEqual([1, ""]);
    const told = await commandLine(["dead-letters", "redrive", "d"], { projectRoot: gone });
    expect(told.err).toMatch(/^error: http:\/\/127.0.0.1:1 cannot be reached/);
    expect(told.err).toContain("hint: The address is from the runtime that `npm run dev` has started here.");
  });
});
