import { describe, expect, it } from "vitest";
import { decisionValue, restOf, shapeOf } from "../../src/dashboard/decision.ts";

const SCHEMA = {
  type: "object",
  properties: {
    ok: { type: "boolean" },
    comment: { type: "string" },
    approver: { type: "string" },
    copies: { type: "integer" },
    colour: { type: "string" },
  },
  required: ["ok", "approver", "copies"],
};

describe("what an approval passes", () => {
  it("what an approval passes is a verdict, a note and who decided, where no schema says otherwise", () => {
    expect(decisionValue(null, true, "fine", "ada", {})).toEqual({ approved: true, note: "fine", by: "ada" });
    expect(decisionValue(null, true, "", "ada", {})).toEqual({ approved: true, by: "ada" });
  });

  it("what an approval passes has the names of the schema, and asks for the rest", () => {
    expect(shapeOf(SCHEMA)).toMatchObject({ verdict: "ok", note: "comment", person: "approver" });
    expect(shapeOf(SCHEMA).fields.map(({ name }) => name)).toEqual(["copies", "colour"]);
    expect(restOf(SCHEMA)).toEqual({ copies: 0 });
    expect(decisionValue(SCHEMA, false, "", "ada", { copies: 2 })).toEqual({ ok: false, approver: "ada", copies: 2 });
  });

  it("what an approval passes is an example, where the schema is no object", () => {
    expect(decisionValue({ type: "string" }, true, "fine", "ada", {})).toBe("");
  });
});
