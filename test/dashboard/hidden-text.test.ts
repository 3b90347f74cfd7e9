import { h, render } from "preact";
import { afterEach, describe, expect, it, vi } from "vitest";
import { showHidden } from "../../src/dashboard/hidden-text.ts";

/** As much of a node of a document as a first rendering needs. */
class Drawn {
  readonly childNodes: Drawn[] = [];
  readonly attributes: Record<string, string> = {};
  readonly data: string;
  parentNode: Drawn | null = null;

  constructor(data = "") {
    this.data = data;
  }

  get firstChild(): Drawn | null {
    return this.childNodes[0] ?? null;
  }

  get nextSibling(): Drawn | null {
    return null;
  }

  get text(): string {
    return this.data + this.childNodes.map(({ text }) => text).join("");
  }

  insertBefore(child: Drawn): Drawn {
    child.parentNode = this;
    this.childNodes.push(child);
    return child;
  }

  setAttribute(name: string, value: string): void {
    this.attributes[name] = value;
  }
}

afterEach(() => vi.unstubAllGlobals());

describe("a text that the dashboard draws", () => {
  it("a text that the dashboard draws shows its marks of the reading direction, in attributes as well", () => {
    vi.stubGlobal("document", {
      createElementNS: () => new Drawn(),
      createTextNode: (data: string) => new Drawn(data),
    });
    showHidden();
    const place = new Drawn();
    const error = "Error: \u202Elive\u202C of שלום";
    const Card = ({ name }: { readonly name: string }) =>
      h("p", { title: name, "data-key": name }, h("b", null, name), " twice");
    // The place is as much of an element as is drawn upon.
    Reflect.apply(render, undefined, [h(Card, { name: error }), place]);
    const shown = String.raw`Error: \u202elive\u202c of שלום`;
    const [card] = place.childNodes;
    expect(card?.text).toBe(`${shown} twice`);
    expect(card?.attributes).toEqual({ title: shown, "data-key": error });
  });
});
