import { describe, expect, it } from "vitest";
import { bindMethods } from "../../../src/execution/author/bind-methods.ts";

class Counter {
  #count = 0;

  up(): number {
    this.#count += 1;
    return this.#count;
  }
}
bindMethods(Counter.prototype, ["up"]);

describe("a bound method", () => {
  it("a bound method can be taken off its object, and is the same function each time", () => {
    const [one, other] = [new Counter(), new Counter()];
    const up: unknown = Reflect.get(one, "up");
    if (typeof up !== "function") throw new Error("it has no such method");
    expect([up(), up(), other.up()]).toEqual([1, 2, 1]);
    expect(Reflect.get(one, "up")).toBe(up);
    expect(Reflect.get(other, "up")).not.toBe(up);
  });

  it("a bound method is one that there is", () => {
    expect(() => bindMethods(Counter.prototype, ["down"])).toThrow("there is no method down to bind");
  });
});
