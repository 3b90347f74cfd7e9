import { describe, expect, it } from "vitest";
import {
  diagnosticDocument,
  inFileOrder,
  renderDiagnostic,
  reportInto,
  type Diagnostic,
} from "../../src/compiler/diagnostic.ts";
import { positionAt } from "../../src/compiler/source.ts";

const CONF = { path: "peach.conf", text: "one: 1\r\n\ttwo: 22\nthree: [\n  3]\n" };
const OTHER = { path: "a.ts", text: "export" };

describe("a diagnostic", () => {
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics);
  report("PEACH308", { source: OTHER, start: 0, end: 6 }, "last");
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

      a.ts:1:1: last [PEACH308]
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

describe("the place of a diagnostic", () => {
  /** The place and the marker of the text `wrong` in a file. */
  function shown(text: string): string {
    const start = text.indexOf("wrong");
    const span = { source: { path: "peach.conf", text }, start, end: start + 5 };
    return renderDiagnostic({ code: "PEACH101", span, message: "unknown key", hint: null, related: [] });
  }

  it("a byte order mark is no column of the first line", () => {
    expect(shown("\uFEFFwrong: 1\r\n")).toBe("peach.conf:1:1: unknown key [PEACH101]\n  1 | wrong: 1\n    | ^^^^^");
    expect(shown("\uFEFFa: 1\nwrong: 1\n")).toBe(shown("a: 1\nwrong: 1\n"));
  });

  it("columns count UTF-16 units, as editors do", () => {
    expect(shown("{é: 😀, wrong: 1}")).toContain("peach.conf:1:9: ");
  });

  it("a marker stands below its token behind characters that are wide or have several parts", () => {
    const markerOf = (text: string): string => shown(text).split("\n")[2] ?? "";
    expect(markerOf("{a: 日本語, wrong: 1}")).toBe(`    | ${" ".repeat(12)}^^^^^`);
    expect(markerOf("{a: 👩‍👩‍👧 e\u0301, wrong: 1}")).toBe(`    | ${" ".repeat(10)}^^^^^`);
    expect(markerOf("{\ta: 日,\twrong: 1}")).toBe("    |  \t      \t^^^^^");
  });

  it("the places of many problems of one large file are found without reading it for each", () => {
    const text = "key: value\n".repeat(100_000);
    const source = { path: "peach.conf", text };
    const from = performance.now();
    for (let line = 0; line < 100_000; line += 1) positionAt(source, line * 11 + 5);
    // Reading the file up to each place takes minutes.
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(positionAt(source, 50_000 * 11 + 5)).toEqual({ line: 50_001, column: 6 });
  });
});
