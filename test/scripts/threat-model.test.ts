import { describe, expect, it } from "vitest";
import { expectTestsExist, readProjectFile } from "../support/named-tests.ts";

const [intro = "", ...threats] = readProjectFile("docs/operations/threat-model.md").split(/^### /m);

describe("the threat model", () => {
  it("the threat model says what is protected, from whom, and what is out of scope", () => {
    expect([...intro.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
      "What is protected",
      "From whom",
      "Out of scope",
      "Threats, and what holds them",
    ]);
    expect(threats.map((threat) => threat.split(".")[0])).toEqual(threats.map((_, index) => `T${index + 1}`));
  });

  it.for(threats.map((threat) => [threat.split("\n")[0] ?? "", threat] as const))(
    "%s names tests that exist",
    ([, threat]) => expectTestsExist(threat),
  );
});
