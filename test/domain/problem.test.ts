import { describe, expect, it } from "vitest";
import { ok, ProblemError, refuse } from "../../src/domain/problem.ts";

const PROBLEM = { code: "run_final", detail: "The run is final.", hint: "Replay it." } as const;

describe("a result", () => {
  it("a result is a value or a problem", () => {
    expect(ok(7)).toEqual({ ok: true, value: 7 });
    expect(refuse(PROBLEM)).toEqual({ ok: false, problem: PROBLEM });
  });

  it("a result thrown says what is wrong and what to do, under a name of its own", () => {
    const error = new ProblemError(PROBLEM);
    expect(String(error)).toBe("PeachError: The run is final. Replay it.");
    expect(error.problem).toBe(PROBLEM);
  });
});
