import { describe, expect, it } from "vitest";
import { SetTypes } from "../../../src/compiler/edges/set-types.ts";
import {
  ABSENT,
  ANY,
  arrayOf,
  BOOLEAN,
  literal,
  NULL,
  NUMBER,
  objectOf,
  type Reference,
  TEXT,
  unionOf,
  type ValueSet,
} from "../../../src/compiler/edges/value-set.ts";

const written = (set: ValueSet): string => new SetTypes().of(set);

describe("the type of a set", () => {
  it.each<[string, ValueSet]>([
    ["unknown", ANY],
    ["string", TEXT],
    ["number", NUMBER],
    ["boolean", BOOLEAN],
    ["null", NULL],
    ["undefined", ABSENT],
    ["never", { kind: "none", what: "never" }],
    ["never", { kind: "lost", what: "a date" }],
    ['"a" | "b" | null', unionOf([literal("a"), literal("b"), NULL])],
    ["string | boolean", unionOf([BOOLEAN, TEXT])],
    ["string[]", arrayOf(TEXT)],
    ["(string | null)[]", arrayOf(unionOf([TEXT, NULL]))],
    ["[]", { kind: "array", first: [], rest: null, min: 0, max: 0 }],
    ["[string, number?]", { kind: "array", first: [TEXT, NUMBER], rest: null, min: 1, max: 2 }],
    ["[string, ...number[]]", { kind: "array", first: [TEXT], rest: NUMBER, min: 1, max: Infinity }],
    ['{ a: string; "b-c": number }', objectOf({ a: TEXT, "b-c": NUMBER })],
    ["{ a?: string }", objectOf({ a: { set: unionOf([TEXT, ABSENT]), mayBeAbsent: true } })],
    ["{ a?: string }", objectOf({ a: { set: TEXT, mayBeAbsent: "unsure" } })],
    ["Record<string, unknown>", objectOf({})],
    ["Record<string, number>", { ...objectOf({}), others: { type: "each", keys: TEXT, values: NUMBER } }],
    [
      "{ a: string; [key: string]: number | string }",
      { ...objectOf({ a: TEXT }), others: { type: "each", keys: TEXT, values: NUMBER } },
    ],
    [
      "{ a?: string; [key: string]: boolean | string | undefined }",
      {
        ...objectOf({ a: { set: TEXT, mayBeAbsent: true } }),
        others: { type: "each", keys: TEXT, values: BOOLEAN },
      },
    ],
    [
      "{ a: string; [key: string]: unknown }",
      { ...objectOf({ a: TEXT }), others: { type: "each", keys: TEXT, values: ANY } },
    ],
    ["string & (string | number)", { kind: "every", parts: [TEXT, unionOf([TEXT, NUMBER])] }],
    ["string", { kind: "unsure", within: TEXT, why: "a refinement" }],
    ["ReadableStream<Uint8Array>", { kind: "stream" }],
    ["Uint8Array | ArrayBuffer | Blob", { kind: "bytes", forms: ["Uint8Array"] }],
  ])("the type of a set is %s", (type, set) => {
    expect(written(set)).toBe(type);
  });

  it("the type of a set that contains itself has a name", () => {
    const tree: Reference = { kind: "reference", to: null };
    tree.to = objectOf({ value: TEXT, children: arrayOf(tree) });
    const types = new SetTypes();
    expect([types.of(objectOf({ tree })), types.of(tree)]).toEqual(["{ tree: Recursive1 }", "Recursive1"]);
    expect(types.aliases).toEqual(["type Recursive1 = { value: string; children: Recursive1[] };"]);
  });

  it("the type of a set that stands in many places does not grow with their number", () => {
    const types = new SetTypes();
    const levels = Array.from({ length: 30 });
    const set = levels.reduce((inner: ValueSet) => objectOf({ left: inner, right: arrayOf(inner) }), TEXT);
    expect(types.of(set).length + types.aliases.join("").length).toBeLessThan(50_000);
    expect(types.aliases[0]).toMatch(/^type Shared1 = \{ left: .*\};$/);
  });

  it("the type of a set behind a reference needs no name, unless it contains itself", () => {
    const types = new SetTypes();
    expect(types.of({ kind: "reference", to: TEXT })).toBe("string");
    expect(types.of({ kind: "reference", to: null })).toBe("unknown");
    expect(types.aliases).toEqual([]);
  });
});
