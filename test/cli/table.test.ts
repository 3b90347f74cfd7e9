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

it("an id is never cut, however narrow the terminal is", () => {
  const id = "run_zbx5ej6f8vjgnyfsq8tt1fa0aa";
  const columns = [{ title: "run" }, { title: "task", shrinks: true }, { title: "created" }];
  const lines = tableLines(columns, [[id, "a task with a long name", "2026-11-22 10:00:00Z"]], {
    columns: 40,
    colors: false,
  });
  expect(lines[1]).toMatch(new RegExp(`^${id} {2}a task …`));
});
