import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CODE_GROUPS, CODES, findCode } from "../../src/codes/codes.ts";
import type { Definition } from "../../src/codes/definition.ts";
import { checkExample } from "./code-examples.ts";
import { codePage } from "./code-page.ts";
import { REPO_ROOT } from "./project.ts";

const ALL: readonly [string, Definition][] = Object.entries(CODES);

describe("the codes of diagnostics", { timeout: 60_000 }, () => {
  it.each(ALL)("%s is what its wrong example gives, and no other code", async (code, { wrong }) => {
    if (wrong !== null) expect(await checkExample(wrong)).toMatchObject({ codes: [code] });
    // Only what would fill pages has no example.
    else expect(code).toBe("PEACH204");
  });

  it.each(ALL)("the right example of %s has no problem and no warning", async (_code, { wrong, right }) => {
    if (right !== null) expect(await checkExample(right)).toEqual({ codes: [], text: "" });
    else expect(wrong).toBe(null);
  });

  it("each code has three digits, the range of its group, and a title of one short line", () => {
    for (const [index, { codes }] of CODE_GROUPS.entries())
      for (const code of codes) {
        expect(code).toMatch(new RegExp(`^PEACH${index}\\d\\d$`));
        expect(CODES[code].title).toMatch(/^[^\n]{3,59}[^.\n]$/);
      }
    expect(CODE_GROUPS.flatMap(({ codes }) => [...codes])).toEqual(Object.keys(CODES).toSorted());
  });

  it("a code is found as users write it, and a wrong one leads to the most similar", () => {
    for (const written of ["PEACH203", "peach203", "203"]) expect(findCode(written)).toEqual({ code: "PEACH203" });
    for (const written of ["PEACH003", "3", "peach3"]) expect(findCode(written)).toEqual({ code: "PEACH003" });
    expect(findCode("PEECH203")).toEqual({ near: "PEACH203" });
    expect(findCode("toString")).toEqual({ near: null });
  });

  it("the reference explains each code, with what its wrong example gives", async () => {
    await expect(await codePage()).toMatchFileSnapshot(join(REPO_ROOT, "docs/reference/diagnostics.md"));
  });
});
