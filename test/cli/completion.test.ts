import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { commandLine } from "../scripts/command-line.ts";

const VALID = "test/compiler/fixtures/valid";
const ENV = { PEACH_CONF: `${VALID}/peach.conf`, PEACH_PIPELINES: `${VALID}/pipelines` };

/** What bash proposes for the last of these words. */
async function proposed(...words: readonly string[]): Promise<string[]> {
  const { out } = await commandLine(["completion", "bash"], { env: ENV });
  const program = `${out}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _peach; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", program, "bash", "peach", ...words], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean);
}

describe("completion in bash", () => {
  it("completion in bash proposes commands, options, their values, and the tasks of peach.conf", async () => {
    expect(await proposed("re")).toEqual(["reconcile", "retry", "replay", "resume"]);
    expect(await proposed("watch", "--")).toEqual(["--logs", "--url", "--token", "--json", "--help"]);
    expect(await proposed("graph", "--format", "m")).toEqual(["mermaid"]);
    expect(await proposed("trigger", "re")).toEqual(["recommend"]);
    expect(await proposed("runs", "--task", "arch")).toEqual(["archive"]);
    expect(await proposed("dead-letters", "re")).toEqual(["redrive"]);
    expect(await proposed("trigger", "t", "--file", "package.js")).toEqual(["package.json"]);
    expect(await proposed("nonsense", "")).toEqual([]);
  });

  it("completion in bash brings the command along, unless there is one", async () => {
    const { out } = await commandLine(["completion", "bash"], { env: ENV });
    const type = (before: string): string =>
      execFileSync("bash", ["-c", `${before}\n${out}\ntype peach`], { encoding: "utf8" });
    expect(type("")).toContain("npm run --silent --prefix");
    expect(type("peach() { true; }")).not.toContain("npm run");
  });
});

describe("completion in other shells", () => {
  it("completion in other shells is made of the same words", async () => {
    const zsh = await commandLine(["completion", "zsh"], { env: ENV });
    expect(zsh.out).toMatch(/^autoload -U \+X compinit[^]*\n_peach\(\) \{/);
    const fish = (await commandLine(["completion", "fish"], { env: ENV })).out.split("\n");
    expect(fish).toContain("complete -c peach -f -n __fish_use_subcommand -a watch -d 'shows a run as it goes on'");
    expect(fish.find((line) => line.includes("trigger' -a"))).toContain("transcribe recommend archive done");
    expect(fish.some((line) => line.includes("graph' -l format -x -a 'text json mermaid dot'"))).toBe(true);
  });

  it("completion is refused for shells that it does not know", async () => {
    expect(await commandLine(["completion", "csh"], { env: ENV })).toMatchObject({
      code: 2,
      err: expect.stringContaining("expected one of bash, zsh, fish, given csh"),
    });
  });
});
