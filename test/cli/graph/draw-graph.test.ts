import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { drawGraph } from "../../../src/cli/graph/draw-graph.ts";
import type { DrawnTask } from "../../../src/cli/graph/layered-graph.ts";

/** Tasks of a text such as `fetch > parse, store; parse > store`. */
function tasksOf(text: string): DrawnTask[] {
  const edges = new Map<string, string[]>();
  for (const line of text.split(";")) {
    const [name = "", children = ""] = line.split(">").map((part) => part.trim());
    const names = children.split(",").flatMap((child) => child.trim() || []);
    edges.set(name, [...(edges.get(name) ?? []), ...names]);
  }
  for (const child of [...edges.values()].flat()) if (!edges.has(child)) edges.set(child, []);
  return [...edges].map(([name, downstream]) => ({ name, downstream }));
}

function draw(text: string, columns = 80): string {
  return `\n${drawGraph(tasksOf(text), { columns, colors: false })}\n`;
}

const FAN = Array.from({ length: 12 }, (_, index) => `translate_language_${index}`);

describe("the drawing of a graph in the terminal", () => {
  it("the drawing of a graph in the terminal is the name of a task alone, and a chain from top to bottom", () => {
    expect(draw("transcribe")).toBe("\ntranscribe\n");
    expect(draw("fetch > parse; parse > store")).toMatchInlineSnapshot(`
      "
      fetch
        ▼
      parse
        ▼
      store
      "
    `);
  });

  it("the drawing of a graph in the terminal shows a fan-out and a join", () => {
    expect(draw("transcribe > recommend, archive, subtitles; recommend > done; archive > done; subtitles > done"))
      .toMatchInlineSnapshot(`
      "
                 transcribe
          ┌──────────┼──────────┐
          ▼          ▼          ▼
      recommend   archive   subtitles
          └──────────┼──────────┘
                     ▼
                    done
      "
    `);
  });

  it("the drawing of a graph in the terminal leads an edge around the tasks that it passes", () => {
    expect(draw("a > b, d; b > c; c > d")).toMatchInlineSnapshot(`
      "
        a
      ┌─┴─┐
      ▼   │
      b   │
      ▼   │
      c   │
      └──┬┘
         ▼
         d
      "
    `);
  });

  it("the drawing of a graph in the terminal shows tasks that share some of their downstream tasks without doubt", () => {
    expect(
      draw(
        "ingest > probe, checksum; probe > encode_hd, encode_sd, thumbnails; checksum > archive; encode_hd > package; encode_sd > package; thumbnails > publish; package > publish; publish > notify, index; archive > notify",
      ),
    ).toMatchInlineSnapshot(`
      "
                                ingest
                      ┌───────────┴───────────┐
                      ▼                       ▼
                    probe                  checksum
          ┌───────────┼───────────┐           │
          ▼           ▼           ▼           ▼
      encode_hd   encode_sd   thumbnails   archive
          └───────────┴┐      ┌───┘ ┌─────────┘
                       ▼      │     │
                    package   │     │
                       └─────┬┘     │
                             ▼      │
                          publish   │
                         ┌───┴─────┐└┐
                         ▼         ▼ ▼
                       index      notify
      "
    `);
  });

  it("the drawing of a graph in the terminal becomes an outline where it is too wide, in which each task stands once", () => {
    expect(draw(`start > ${FAN.join(", ")}; ${FAN.map((name) => `${name} > publish`).join("; ")}; publish > notify`))
      .toMatchInlineSnapshot(`
      "
      start
      ├─ translate_language_0  → publish
      ├─ translate_language_1  → publish
      ├─ translate_language_2  → publish
      ├─ translate_language_3  → publish
      ├─ translate_language_4  → publish
      ├─ translate_language_5  → publish
      ├─ translate_language_6  → publish
      ├─ translate_language_7  → publish
      ├─ translate_language_8  → publish
      ├─ translate_language_9  → publish
      ├─ translate_language_10  → publish
      └─ translate_language_11
         └─ publish
            └─ notify
      "
    `);
  });

  it("the drawing of a graph in the terminal becomes a list of edges where the outline is too deep", () => {
    const steps = Array.from({ length: 70 }, (_, index) => `task_${index} > task_${index + 1}, note_${index}`);
    const lines = draw(steps.join("; ")).trim().split("\n");
    expect(lines.slice(0, 2)).toEqual(["task_0 → task_1, note_0", "task_1 → task_2, note_1"]);
    expect(lines).toHaveLength(141);
  });

  it("the drawing of a graph in the terminal paints lines and names where the terminal has colours, and nothing elsewhere", () => {
    const tasks = tasksOf("a > b");
    const painted = drawGraph(tasks, { columns: 80, colors: true }, (name, text) =>
      name === "a" ? `<${text}>` : text,
    );
    expect(painted).toBe("<a>\n▼\nb");
    const lines = drawGraph(tasksOf("a > b, c"), { columns: 80, colors: true });
    expect(lines).toContain("\u001B[90m┌─┴─┐\u001B[39m");
  });

  it("the drawing of a graph in the terminal keeps 80 columns for every graph of 1 to 40 tasks, and names each task", () => {
    fc.assert(
      fc.property(graphs(40), (tasks) => {
        const lines = drawGraph(tasks, { columns: 80, colors: false }).split("\n");
        for (const { name } of tasks) expect(lines.join(" ").split(/[^\w]+/)).toContain(name);
        expect(lines.filter((line) => line.length > 80)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("the drawing of a graph in the terminal leads from each task to its downstream tasks, and to no other", () => {
    let drawn = 0;
    fc.assert(
      fc.property(graphs(12), (tasks) => {
        const text = drawGraph(tasks, { columns: 1_000, colors: false });
        if (text.includes("→") || /[├└]─ /.test(text)) return;
        drawn += 1;
        const traced = tasks.map(({ name }) => ({ name, downstream: followedFrom(name, text.split("\n")) }));
        expect(traced, text).toEqual(
          tasks.map(({ name, downstream }) => ({ name, downstream: downstream.toSorted() })),
        );
      }),
      { numRuns: 500 },
    );
    expect(drawn).toBeGreaterThan(250);
  });
});

/** Graphs without a cycle: edges lead from a task to later ones only. Names have several lengths. */
function graphs(most: number): fc.Arbitrary<DrawnTask[]> {
  return fc.integer({ min: 1, max: most }).chain((count) =>
    fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: count * 2 }).map((pairs) => {
      const names = Array.from({ length: count }, (_, index) => `t${index}${"_long".repeat(index % 3)}`);
      return names.map((name, index) => ({
        name,
        downstream: names.filter(
          (_, other) => other > index && pairs.some(([a, b]) => Math.min(a, b) === index && Math.max(a, b) === other),
        ),
      }));
    }),
  );
}

const OPENINGS: Readonly<Record<string, string>> = {
  "│": "UD",
  "┘": "UL",
  "┐": "DL",
  "┤": "UDL",
  "└": "UR",
  "┌": "DR",
  "├": "UDR",
  "─": "LR",
  "┴": "ULR",
  "┬": "DLR",
  "┼": "UDLR",
};

/** Follows the lines from below a name to the names at their arrow heads, as an eye would. */
function followedFrom(name: string, rows: readonly string[]): string[] {
  const words = rows.map((row) =>
    [...row.matchAll(/\w+/g)].map((found) => ({
      word: found[0],
      start: found.index,
      end: found.index + found[0].length,
    })),
  );
  const row = words.findIndex((line) => line.some(({ word }) => word === name));
  const own = words[row]?.find(({ word }) => word === name);
  const reached = new Set<string>();
  const seen = new Set<string>();
  const open = Array.from({ length: (own?.end ?? 0) - (own?.start ?? 0) }, (_, index) => ({
    row: row + 1,
    column: (own?.start ?? 0) + index,
    going: "D",
  }));
  for (const { row: at, column, going } of open) {
    const character = rows[at]?.[column] ?? " ";
    if (seen.has(`${at} ${column} ${going}`)) continue;
    seen.add(`${at} ${column} ${going}`);
    if (character === "▼" && going === "D") {
      const away = ({ start, end }: { start: number; end: number }) => Math.max(start - column, column - end + 1, 0);
      const [target] = (words[at + 1] ?? []).toSorted((a, b) => away(a) - away(b));
      if (target !== undefined) reached.add(target.word);
      continue;
    }
    const openings = OPENINGS[character] ?? "";
    const isEntered = openings.includes(going === "D" ? "U" : going === "L" ? "R" : "L");
    // A vertical line in the way of a horizontal one is crossed, not joined.
    const next =
      !isEntered && character === "│" && going !== "D"
        ? [going]
        : isEntered
          ? openings.split("").filter((one) => one === "D" || one === going || (going === "D" && one !== "U"))
          : [];
    for (const way of next)
      open.push({
        row: at + (way === "D" ? 1 : 0),
        column: column + (way === "L" ? -1 : way === "R" ? 1 : 0),
        going: way,
      });
  }
  return [...reached].toSorted();
}
