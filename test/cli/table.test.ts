import { expect, it } from "vitest";
import { tableLines } from "../../src/cli/table.ts";

it("a table has nothing of others' words that steers the terminal, or has a line read another way than it is", () => {
  const written = "a\u001b[2Jb\nc\u009bd\u202Etxet\u2066e\u2069f\u200Fg\u061Ch\u2028i";
  const lines = tableLines([{ title: "on" }, { title: "status" }], [[written, "200"]], {
    columns: null,
    colors: false,
  });
  expect(lines).toEqual([expect.stringMatching(/^on +status$/), "ab c d txet e f g h i  200"]);
});
