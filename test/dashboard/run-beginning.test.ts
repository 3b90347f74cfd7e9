import { describe, expect, it } from "vitest";
import { runIdBeginning } from "../../src/dashboard/run-beginning.ts";

const WHOLE = "run_01abcdefghjkmnpqrstvwxyz01";

describe("the palette", () => {
  it.each([
    ["fk3x", "run_fk3x"],
    [" FK3X9 ", "run_fk3x9"],
    ["run_fk3x", "run_fk3x"],
    [WHOLE, WHOLE],
    [WHOLE.slice(4), WHOLE],
    ["fk3", null],
    ["run_", null],
    ["billing", null],
    ["no space", null],
    [`${WHOLE}0`, null],
  ])("the palette takes %s as the beginning of a run's id only if it can be one", (text, beginning) => {
    expect(runIdBeginning(text)).toBe(beginning);
  });
});
