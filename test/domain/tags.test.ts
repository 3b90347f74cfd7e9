import { describe, expect, it } from "vitest";
import { filledTag, TAG, TAG_TEMPLATE } from "../../src/domain/tags.ts";

const PAYLOAD = {
  language: "de",
  item: { id: 7, isNew: false, list: [1], nothing: null },
  long: "x".repeat(300),
  lines: "a\nb",
  blank: "  ",
};

/** The value at a path, read property by property. */
function valueAt(path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined),
    PAYLOAD,
  );
}

describe("a tag of peach.conf", () => {
  it.each([
    ["news", "news"],
    ["lang:{payload.language}", "lang:de"],
    ["{payload.item.id}-{payload.item.isNew}", "7-false"],
    ["{payload.language}", "de"],
    ["a{payload.lines}", "aa b"],
  ])("a tag of peach.conf %j is %j", (template, tag) => {
    expect(filledTag(template, valueAt)).toBe(tag);
  });

  it.each([
    "lang:{payload.no.such}",
    "{payload.item}",
    "{payload.item.list}",
    "x{payload.item.nothing}",
    "{payload.language}{payload.none}",
    "{payload.blank}",
  ])("a tag of peach.conf %j is left out where the payload has no such word", (template) => {
    expect(filledTag(template, valueAt)).toBeNull();
  });

  it("a tag of peach.conf with a long value is cut to a tag", () => {
    const tag = filledTag("long:{payload.long}", valueAt) ?? "";
    expect([tag.length, TAG.test(tag)]).toEqual([100, true]);
  });

  it.each(["a b", "lang:{payload.a.b}", "ä", "x".repeat(100)])("%j is a template", (text) => {
    expect(TAG_TEMPLATE.test(text)).toBe(true);
  });

  it.each(["", " a", "a ", "{language}", "{payload}", "a{", "a}", "x".repeat(101), "a\nb"])(
    "%j is no template",
    (text) => {
      expect(TAG_TEMPLATE.test(text)).toBe(false);
    },
  );

  it.each(["", " a", "a ", "a\u0007", "x".repeat(101)])("%j is no tag", (text) => {
    expect(TAG.test(text)).toBe(false);
  });
});
