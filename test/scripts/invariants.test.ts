import { describe, expect, it } from "vitest";
import { expectTestsExist, readProjectFile } from "../support/named-tests.ts";

const SECTIONS = readProjectFile("docs/design/invariants.md").split(/^## /m).slice(1);

describe("the list of invariants", () => {
  it("the list of invariants has the fifteen, in order", () => {
    expect(SECTIONS.map((section) => Number.parseInt(section, 10))).toEqual(
      Array.from({ length: 15 }, (_, n) => n + 1),
    );
  });

  it.for(SECTIONS.map((section) => [section.split("\n")[0] ?? "", section] as const))(
    "%s names tests that exist",
    ([, section]) => expectTestsExist(section),
  );
});
