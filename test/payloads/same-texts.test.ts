import { describe, expect, it } from "vitest";
import { encodePayload, type HeldPayload, valueOf } from "../../src/payloads/codec.ts";
import { fc } from "../support/property.ts";

const LONG = `€${"x".repeat(20_000)}`;

function held(value: unknown): HeldPayload {
  const encoded = encodePayload(value);
  if (!encoded.ok || !(encoded.value.body instanceof Uint8Array)) throw new Error("not encoded");
  const { body } = encoded.value;
  return { ...encoded.value, body, size: body.length };
}

function parsed({ body }: HeldPayload): unknown {
  return JSON.parse(new TextDecoder().decode(body));
}

/** Whether it need not be read from its bytes. */
function isKept(payload: HeldPayload): boolean {
  return payload.parsed !== undefined;
}

describe("the value of a payload with a long text", () => {
  it("the value of a payload with a long text is what its bytes are parsed to, and is not parsed", () => {
    const items = fc.array(fc.oneof(fc.jsonValue({ stringUnit: "binary" }), fc.constant(-0)));
    fc.assert(
      fc.property(items, fc.dictionary(fc.string(), fc.option(fc.integer(), { nil: undefined })), (list, record) => {
        const payload = held([LONG, list, { ...record, text: LONG }, JSON.parse('{"__proto__":{"a":1},"2":0,"1":0}')]);
        expect(isKept(payload)).toBe(true);
        const value = valueOf(payload);
        expect(value).toStrictEqual(parsed(payload));
        expect(JSON.stringify(value)).toBe(JSON.stringify(parsed(payload)));
      }),
      { numRuns: 30 },
    );
  });

  it("the value of a payload with a long text stays what was written, whatever is done to the value afterwards", () => {
    const given = { text: LONG, list: [1, { a: 1 }] };
    const payload = held(given);
    given.text = "";
    given.list.push(2);
    Object.assign(given.list[1] ?? {}, { a: 2 });
    expect(valueOf(payload)).toStrictEqual({ text: LONG, list: [1, { a: 1 }] });
  });

  it("the value of a payload with a long text is read from its bytes where a getter may give something else, and where it is deep or of many values", () => {
    let asked = 0;
    const counting = {
      text: LONG,
      get count() {
        return (asked += 1);
      },
    };
    let deep: unknown = LONG;
    for (let level = 0; level < 50_000; level += 1) deep = [deep];
    const many = [LONG, ...Array.from({ length: 20_000 }, () => 0)];
    for (const value of [counting, deep, many]) expect(isKept(held(value))).toBe(false);
    expect(valueOf(held(counting))).toStrictEqual({ text: LONG, count: asked });
    expect(isKept(held([LONG.slice(0, 100)]))).toBe(false);
  });
});
