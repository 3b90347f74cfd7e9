import { expect, it } from "vitest";
import { idInBody } from "../../src/triggers/signature/body-id.ts";

function idIn(text: string): string | null {
  return idInBody(new TextEncoder().encode(text), "id");
}

it("the id of a delivery is read from its body, whatever letters stand beside it", () => {
  expect(idIn(' {"a":"€ ü 🍑","id":"evt_1","é":["\\u20ac"]}')).toBe("evt_1");
  expect(idIn(String.raw`{"id":"\u0065vt_1"}`)).toBe("evt_1");
  expect(idIn(`{"id":"${"x".repeat(255)}"}`)).toBe("x".repeat(255));
});

it.each([
  ["a body without one", '{"a":1}'],
  ["a list", '[{"id":"evt_1"}]'],
  ["a body that is no JSON", '{"id":"evt_1",}'],
  ["an empty one", '{"id":""}'],
  ["a number", '{"id":1}'],
  ["one of another's", '{"data":{"id":"evt_1"}}'],
  ["a longer one than any sender's", `{"id":"${"x".repeat(256)}"}`],
  ["one of letters that no sender uses", '{"id":"evt_é"}'],
  ["one of letters that are escaped", String.raw`{"id":"evt_\u00e9"}`],
])("there is no id in %s", (_, text) => {
  expect(idIn(text)).toBeNull();
});
