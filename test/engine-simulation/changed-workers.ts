/**
 * The worker's code with one seeded bug each. A bundle takes a quarter of a second, most of the time of a hunt. The bug
 * is therefore put into the bundle of the right worker. Only a bug whose lines are not in the bundle is bundled anew.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { bundleWorker, changed, ROOT, type Change } from "../../src/testing/platform/bundle.ts";

/** A name that is no member's. */
const NAME = /((?<![.\w$#])[A-Za-z_$][\w$]*)/;
const MOST_LINES_BEFORE = 20;

export class ChangedWorkers {
  readonly #worker = bundleWorker();

  async with(change: Change): Promise<string> {
    return patched(await this.#worker, await compiled(change)) ?? bundleWorker(change);
  }
}

interface Compiled {
  readonly before: string;
  readonly after: string;
}

/** The file as it is and as it is changed, in JavaScript as a bundle has it. */
async function compiled(change: Change): Promise<Compiled> {
  const [before, after] = await Promise.all(
    [readFileSync(join(ROOT, change.file), "utf8"), changed(change)].map((text) =>
      transform(text, { loader: "ts", format: "esm", target: "esnext" }),
    ),
  );
  return { before: before?.code ?? "", after: after?.code ?? "" };
}

/**
 * The bundle with the lines that differ, and as many before them as make them found once. Null if it does not say the same, or if a
 * name is new of which the bundle may have another one.
 */
function patched(bundle: string, { before, after }: Compiled): string | null {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  const least = Math.min(old.length, fresh.length);
  let from = 0;
  while (from < least && old[from] === fresh[from]) from += 1;
  let same = 0;
  while (same < least - from && old.at(-1 - same) === fresh.at(-1 - same)) same += 1;
  for (let first = from - 1; first >= Math.max(0, from - MOST_LINES_BEFORE); first -= 1) {
    const places = placesOf(old.slice(first, old.length - same).join("\n"), bundle);
    const [place] = places;
    if (place === undefined) return null;
    if (places.length > 1) continue;
    const is = renamed(fresh.slice(first, fresh.length - same).join("\n"), place.names, bundle);
    return is === null ? null : bundle.slice(0, place.from) + is + bundle.slice(place.to);
  }
  return null;
}

interface Place {
  readonly from: number;
  readonly to: number;
  /** What each name of the file is called in the bundle, which has one scope for all files. */
  readonly names: ReadonlyMap<string, string>;
}

/** Where these lines stand in the bundle, whatever their names are called there. */
function placesOf(lines: string, bundle: string): Place[] {
  const names: string[] = [];
  const pattern = lines
    .split(NAME)
    .map((part, index) => {
      if (index % 2 === 0) return RegExp.escape(part);
      const known = names.indexOf(part);
      if (known !== -1) return `\\${known + 1}(?![\\w$])`;
      names.push(part);
      return `(${RegExp.escape(part)}\\d*)(?![\\w$])`;
    })
    .join("");
  return [...bundle.matchAll(new RegExp(`(?<=\\n)${pattern}(?=\\n)`, "g"))].map((found) => ({
    from: found.index,
    to: found.index + found[0].length,
    names: new Map(names.map((name, index) => [name, found[index + 1] ?? name])),
  }));
}

/** These lines with the names of the bundle. */
function renamed(lines: string, names: ReadonlyMap<string, string>, bundle: string): string | null {
  let isKnown = true;
  const text = lines
    .split(NAME)
    .map((part, index) => {
      if (index % 2 === 0) return part;
      const name = names.get(part);
      isKnown &&= name !== undefined || !new RegExp(`(?<![\\w$])${RegExp.escape(part)}\\d+(?![\\w$])`).test(bundle);
      return name ?? part;
    })
    .join("");
  return isKnown ? text : null;
}
