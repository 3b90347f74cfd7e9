import { describe, expect, it } from "vitest";
import {
  diagnosticDocument,
  inFileOrder,
  renderDiagnostic,
  reportInto,
  type Diagnostic,
} from "../../src/compiler/diagnostic.ts";

const CONF = { path: "peach.conf", text: "one: 1\r\n\ttwo: 22\nthree: [\n  3]\n" };
const OTHER = { path: "a.ts", text: "export" };

describe("a diagnostic", () => {
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics);
  report("PEACH304", { source: OTHER, start: 0, end: 6 }, "last");
  report("PEACH103", { source: CONF, start: 25, end: 31 }, "a token of two lines\nwith a detail", {
    hint: "first\nsecond",
  });
  report("PEACH203", { source: CONF, start: 14, end: 16 }, "behind a tab", {
    related: [{ span: { source: CONF, start: 0, end: 3 }, message: "because of this" }],
  });
  const [tab, lines, other] = inFileOrder(diagnostics, [CONF.path]);

  it("a diagnostic shows its place, the source line and a marker below the token", () => {
    expect([tab, lines, other].map((one) => one && renderDiagnostic(one)).join("\n\n")).toMatchInlineSnapshot(`
      "peach.conf:2:7: behind a tab [PEACH203]
        2 | 	two: 22
          | 	     ^^
        peach.conf:1:1: because of this
        1 | one: 1
          | ^^^

      peach.conf:3:9: a token of two lines [PEACH103]
        3 | three: [
          |         ^
        with a detail
        hint: first
          second

      a.ts:1:1: last [PEACH304]
        1 | export
          | ^^^^^^"
    `);
  });

  it("a diagnostic is plain data for programs", () => {
    expect(tab && diagnosticDocument(tab)).toEqual({
      code: "PEACH203",
      severity: "error",
      title: "A cycle",
      file: "peach.conf",
      line: 2,
      column: 7,
      end_line: 2,
      end_column: 9,
      message: "behind a tab",
      hint: null,
      related: [{ file: "peach.conf", line: 1, column: 1, end_line: 1, end_column: 4, message: "because of this" }],
    });
  });
});
