import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

/** Starts a program behind the guard, in a Node that takes itself for this version. */
function startAs(version: string): { status: number | null; stderr: string } {
  const pretend = `Object.defineProperty(process.versions, "node", { value: ${JSON.stringify(version)} });`;
  const args = [
    "--import",
    `data:text/javascript,${encodeURIComponent(pretend)}`,
    "--import",
    "./scripts/node-version.js",
  ];
  return spawnSync(process.execPath, [...args, "--eval", ""], { encoding: "utf8" });
}

it("a command refuses to start on an old Node, and says where the right one comes from", () => {
  const { status, stderr } = startAs("20.20.2");
  expect(status).toBe(1);
  expect(stderr).toContain("need Node 24");
  expect(stderr).toContain("npm install");
});

it("a command starts on Node 24 and later", () => {
  expect(startAs("24.0.0")).toMatchObject({ status: 0, stderr: "" });
  expect(startAs("26.1.0")).toMatchObject({ status: 0, stderr: "" });
});
