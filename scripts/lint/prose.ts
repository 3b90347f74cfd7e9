/**
 * `node scripts/lint/prose.ts`: measures the comments of each folder of src and scripts, and fails
 * when a folder reads worse than its bound in prose-bounds.json. Each bound only gets tighter:
 * `--tighten` moves the bounds of improved folders only.
 *
 * The measures count words: reading is still needed. The same counting gives 0.8 to 6 % indirect
 * comments and 1.3 to 5.5 pronouns in the code of hono, wireit, temporal and inngest.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { posix, sep } from "node:path";

const HELP = `node scripts/lint/prose.ts [--tighten]

Measures the comments of each folder of src and scripts, against its bounds in
scripts/lint/prose-bounds.json.

  --tighten   write the bounds of folders that have become better, or are new
  --help      this text

Exit code: 0 if every folder keeps its bounds and none could be tighter, 1 if not, 2 if it was
called wrongly.`;

const BOUNDS = "scripts/lint/prose-bounds.json";

/** Bounds are kept in steps of half a point: a single comment seldom moves a bound. */
const STEP = 0.5;

/** The measures of a folder's comments. All are percentages, or counts in 100 words. */
export interface Measures {
  /** Lines that are comment, of all lines. More is better. */
  readonly comment_percent: number;
  /**
   * Doc comments that begin without a named subject ("What …", "Whether …"), of all doc comments.
   */
  readonly indirect_percent: number;
  /** Pronouns ("it", "those", "somebody") in 100 words of comment. */
  readonly pronouns_per_100: number;
  /** Lines above 100 columns, of all lines. */
  readonly wide_percent: number;
}

/** The bounds of every folder, by its path with `/`. */
export type Bounds = Readonly<Record<string, Measures>>;

const NAMES = ["comment_percent", "indirect_percent", "pronouns_per_100", "wide_percent"] as const;

/** The loosest bounds of a new folder; src and scripts began with worse bounds. */
const GOAL: Measures = {
  comment_percent: 0,
  indirect_percent: 8,
  pronouns_per_100: 6,
  wide_percent: 1,
};

const INDIRECT = new RegExp(
  `^(${[
    "What|Of|Whether|How|Who|Those|It|That|Null|Which|When|Where|As|So|There|By|In|For|From|One",
    "To|With|Without|Else|Until|All|Each|Nobody|Somebody|Everything|Nothing|No|Not",
  ].join("|")})\\b`,
);

const PRONOUNS = new Set(
  [
    "it its that those this these they them what who whoever whatever one ones somebody nobody",
    "everybody others other so such",
  ].flatMap((words) => words.split(" ")),
);

/** Measures the texts of one folder. Figures have one decimal. */
export function measure(texts: readonly string[]): Measures {
  const lines = texts.flatMap((text) => text.split("\n"));
  const docs = texts.flatMap(docComments);
  const words = [...docs, ...texts.flatMap(lineComments)]
    .join(" ")
    .toLowerCase()
    .match(/[a-z']+/g);
  const percent = <T>(all: readonly T[], holds: (one: T) => boolean): number =>
    Math.round((1000 * all.filter(holds).length) / Math.max(1, all.length)) / 10;
  return {
    comment_percent: percent(lines, (line) => /^\s*(\/\*|\*|\/\/)/.test(line)),
    indirect_percent: percent(docs, (doc) => INDIRECT.test(doc)),
    pronouns_per_100: percent(words ?? [], (word) => PRONOUNS.has(word)),
    wide_percent: percent(lines, (line) => line.length > 100),
  };
}

/** The text of each doc comment, without its asterisks. */
function docComments(text: string): string[] {
  return [...text.matchAll(/\/\*\*(.*?)\*\//gs)].flatMap(([, body = ""]) => {
    const prose = body.replaceAll(/\s*\n\s*\*\s?/g, " ").trim();
    return prose.replace(/^[* ]+/, "") || [];
  });
}

function lineComments(text: string): string[] {
  return [...text.matchAll(/^\s*\/\/(.*)$/gm)].map(([, body = ""]) => body);
}

/** Compares the measures with the bounds. The faults are empty if nothing is to be done. */
export function compare(measured: Bounds, bounds: Bounds): string[] {
  const faults = Object.entries(measured).flatMap(([folder, measures]) => {
    const bound = bounds[folder];
    if (bound === undefined)
      return [`${folder} has no bounds yet: node scripts/lint/prose.ts --tighten`];
    return NAMES.flatMap((name) => {
      const [is, limit] = [measures[name], bound[name]];
      if (isWorse(name, is, limit))
        return [
          `${folder}: ${name} is ${is}, ${name === "comment_percent" ? "below" : "above"} its bound of ${limit}`,
        ];
      if (inSteps(name, is) === limit || isWorse(name, inSteps(name, is), limit)) return [];
      return [
        `${folder}: ${name} is ${is}, better than its bound of ${limit}: node scripts/lint/prose.ts --tighten`,
      ];
    });
  });
  const gone = Object.keys(bounds).filter((folder) => measured[folder] === undefined);
  return [
    ...faults,
    ...gone.map(
      (folder) => `${folder} has bounds and no source: node scripts/lint/prose.ts --tighten`,
    ),
  ];
}

/** Moves each bound that can be tighter, adds new folders and drops folders without source. */
export function tighten(measured: Bounds, bounds: Bounds): Bounds {
  return Object.fromEntries(
    Object.entries(measured).map(([folder, measures]) => {
      const bound = bounds[folder] ?? GOAL;
      const tighter = (name: (typeof NAMES)[number]): number => {
        const is = inSteps(name, measures[name]);
        return isWorse(name, is, bound[name]) ? bound[name] : is;
      };
      return [
        folder,
        {
          comment_percent: tighter("comment_percent"),
          indirect_percent: tighter("indirect_percent"),
          pronouns_per_100: tighter("pronouns_per_100"),
          wide_percent: tighter("wide_percent"),
        },
      ];
    }),
  );
}

function isWorse(name: keyof Measures, is: number, than: number): boolean {
  return name === "comment_percent" ? is < than : is > than;
}

/** The bound that a measure gives: the next step on its lenient side. */
function inSteps(name: keyof Measures, is: number): number {
  return (name === "comment_percent" ? Math.floor(is / STEP) : Math.ceil(is / STEP)) * STEP;
}

/** The folders directly under src and scripts, and the files beside them, each measured. */
function measureFolders(): Bounds {
  const files = globSync("{src,scripts}/**/*.{ts,tsx}").map((file) =>
    file.split(sep).join(posix.sep),
  );
  const own = files.filter((file) => !/\/(generated|node_modules|dist)\//.test(file));
  const byFolder = Map.groupBy(own, (file) => file.split("/").slice(0, -1).slice(0, 2).join("/"));
  return Object.fromEntries(
    [...byFolder]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([folder, paths]) => [folder, measure(paths.map((path) => readFileSync(path, "utf8")))]),
  );
}

function main(args: readonly string[]): number {
  if (args.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  const unknown = args.find((arg) => arg !== "--tighten");
  if (unknown !== undefined) {
    console.error(`there is no option ${unknown}\n\n${HELP}`);
    return 2;
  }
  // The file comes from `--tighten`.
  const bounds: Bounds = JSON.parse(readFileSync(BOUNDS, "utf8"));
  const measured = measureFolders();
  if (args.includes("--tighten")) {
    writeFileSync(BOUNDS, `${JSON.stringify(tighten(measured, bounds), null, 2)}\n`);
    const left = compare(measured, tighten(measured, bounds));
    console.log(
      left.length === 0 ? `the bounds are as tight as they can be: ${BOUNDS}` : left.join("\n"),
    );
    return left.length === 0 ? 0 : 1;
  }
  const faults = compare(measured, bounds);
  console.log(faults.length === 0 ? "every folder keeps its bounds" : faults.join("\n"));
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
