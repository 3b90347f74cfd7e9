import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Explained, outdated, readExplained, reasonOf } from "../../scripts/mutate/explained.ts";
import { mutate } from "../../scripts/mutate/mutants.ts";
import { intervalOf, keepMutations, mutationTable, readMutations } from "../../scripts/mutate/report.ts";
import { FOLDERS, folderOf, sourcesIn } from "../../scripts/mutate/scope.ts";

const { mutants } = mutate("src/x.ts", "function f(a, b) {\n  return a\n    < b && LIMIT;\n}\nconst LIMIT = 10;");
const FIGURES = {
  commit: "0123456789",
  taken_at: "2027-01-02T03:04:05.678Z",
  seconds: 60,
  tried: 100,
  noticed: 90,
  explained: 6,
  missed: ["src/x.ts:2: a < b → (a) <= (b)"],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-mutations-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("an explained change", () => {
  it("an explained change is found by its code, whatever the spaces, and all changes of that code where none is named", () => {
    const one: Explained = { "src/x.ts": [{ was: "a < b", becomes: "(a) <= (b)", why: "They are never equal." }] };
    const all: Explained = { "src/x.ts": [{ was: "LIMIT", why: "Nobody reaches it." }] };
    const reasons = (known: Explained): unknown[] => mutants.map((mutant) => reasonOf(known, mutant));
    expect(mutants.map(({ becomes }) => becomes)).toEqual(["(a\n    < b) || (LIMIT)", "(a) <= (b)", "LIMIT * 10"]);
    expect(reasons(one)).toEqual([null, "They are never equal.", null]);
    expect(reasons(all)).toEqual([null, null, "Nobody reaches it."]);
    const inLine = (code: string): Explained => ({
      "src/x.ts": [{ was: "LIMIT", inLine: code, why: "Nobody reaches it." }],
    });
    expect(reasons(inLine("< b && LIMIT;"))).toEqual([null, null, "Nobody reaches it."]);
    expect(reasons(inLine("const LIMIT = 10;"))).toEqual([null, null, null]);
    expect(reasons({ "src/y.ts": all["src/x.ts"] ?? [] })).toEqual([null, null, null]);
    expect([outdated(one, mutants), outdated({ "src/y.ts": one["src/x.ts"] ?? [] }, mutants)]).toEqual([
      [],
      ["src/y.ts: a < b → (a) <= (b)"],
    ]);
  });

  it("an explained change can be made today", () => {
    const known = readExplained();
    const today = sourcesIn(Object.keys(known)).flatMap((file) => mutate(file, readFileSync(file, "utf8")).mutants);
    expect(outdated(known, today)).toEqual([]);
  });
});

describe("the folders of the mutation check", () => {
  it("the folders of the mutation check have each file once, in the nearest folder", () => {
    const files = sourcesIn([]);
    expect(new Set(files).size).toBe(files.length);
    expect(folderOf("src/domain/run/machine.ts")).toBe("domain/run");
    expect(folderOf("src/domain/trials.ts")).toBe("domain");
    expect(new Set(files.map(folderOf))).toEqual(new Set(FOLDERS));
  });
});

describe("the figures of the mutation check", () => {
  it("the figures of the mutation check are kept folder by folder, the newest of each", () => {
    const path = join(folder, "mutation.json");
    expect(readMutations(path)).toEqual({ folders: {} });
    keepMutations(path, { triggers: FIGURES, payloads: FIGURES });
    keepMutations(path, { payloads: { ...FIGURES, noticed: 94 } });
    expect(readMutations(path)).toEqual({ folders: { payloads: { ...FIGURES, noticed: 94 }, triggers: FIGURES } });
  });

  it("the figures of the mutation check are shown with what is left, and with their sum", () => {
    const table = mutationTable({ folders: { payloads: FIGURES, triggers: { ...FIGURES, noticed: 84 } } });
    expect(table.split("\n").slice(2)).toEqual([
      "| src/payloads | 100 | 90 | 6 | 4 | 96.0 % | 0123456789, 2027-01-02 |",
      "| src/triggers | 100 | 84 | 6 | 10 | 90.0 % | 0123456789, 2027-01-02 |",
      "| **all of these** | 200 | 174 | 12 | 14 | 93.0 % |  |",
    ]);
  });

  it("the figures of the mutation check say of a sample what it tells of all", () => {
    const table = mutationTable({ folders: { payloads: { ...FIGURES, drawn_from: 900, seed: 7 } } });
    expect(table.split("\n")[2]).toBe(
      "| src/payloads | 100 of 900 | 90 | 6 | 4 | 96.0 % (90.2 to 98.4 %) | 0123456789, 2027-01-02 |",
    );
    // By the tables of Wilson's interval: 5 of 10, and all of 10.
    expect([intervalOf(5, 10), intervalOf(10, 10)]).toEqual(["23.7 to 76.3 %", "72.2 to 100.0 %"]);
  });
});
