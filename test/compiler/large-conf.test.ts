/** Files of many keys: a look at each key must not look at every other one. */
import { expect, it } from "vitest";
import type { ConfFile } from "../../src/compiler/conf-file.ts";
import { loadFile } from "../../src/compiler/load.ts";

/** A mapping of so many keys that a search for each of them among all takes longer than the tests may. */
const KEYS = 25_000;
const LIMIT_MS = 10_000;

function loaded(): ConfFile {
  const text = Array.from({ length: KEYS }, (_, index) => `key_${index}: {kept: 1, wrong: 2}\n`).join("");
  const file = loadFile({ path: "peach.conf", text }, (code) => {
    throw new Error(code);
  });
  if (file === null || file === "empty") throw new Error("it has not been read");
  return file;
}

it(
  "a file of many keys is read, and copied without a value of each",
  () => {
    const file = loaded();
    const last = `key_${KEYS - 1}`;
    const copy = file.without(Array.from({ length: KEYS }, (_, index) => [`key_${index}`, "wrong"]));
    expect(copy?.value).toMatchObject({ key_0: { kept: 1 }, [last]: { kept: 1 } });
    expect(JSON.stringify(copy?.value)).not.toContain("wrong");
    expect(file.value).toMatchObject({ [last]: { kept: 1, wrong: 2 } });
  },
  LIMIT_MS,
);
