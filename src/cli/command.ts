/**
 * Declares commands. Parsing, `--help` and shell completion all follow from one declaration.
 *
 * Node's `parseArgs` does the parsing. A library would add subcommands and help texts, which are
 * little code here, and a small one has no completion.
 */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { nearest } from "../domain/nearest.ts";
import { PEACH } from "../compiler/peach-command.ts";

/** The host of a command: its streams, files and environment, from the process or from a test. */
export interface CommandHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly projectRoot: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Writes bytes unchanged to the stream of `out`. */
  readonly outBytes: (bytes: Uint8Array) => void;
  readonly terminal: Terminal;
  /** Reads all of stdin. */
  readonly readStdin: () => Promise<Uint8Array>;
  /** Asks the user; null if stdin is no terminal. */
  readonly ask: (question: string) => Promise<string | null>;
  /** Aborted when the command should end. */
  readonly signal: AbortSignal;
}

/** The terminal that `out` writes to. */
export interface Terminal {
  /** The width in characters. Null stands for a file or pipe: nothing is cut or drawn over. */
  readonly columns: number | null;
  readonly colors: boolean;
}

/** Exit codes. 0: done; 1: problems were found or the call failed; 2: wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** A wrong command line: exit code 2. */
export class UsageError extends Error {}

/** The meaning of a word on the command line, by which completion proposes values. */
export type Meaning = "task" | "run" | "file" | "shell" | "event" | "text";

/** A word after the command. */
export interface Positional {
  /** The name in `--help`, in capitals. */
  readonly name: string;
  readonly means: Meaning;
  readonly optional?: boolean;
  /** True takes all following words. */
  readonly several?: boolean;
}

/** An option of a command. */
export interface Option {
  /** The name of its value in capitals; absent for a flag. */
  readonly takes?: string;
  readonly means?: Meaning;
  /** True for an option that may be given several times. */
  readonly several?: true;
  /** The allowed values. */
  readonly values?: readonly string[];
  readonly help: string;
}

type Options = Readonly<Record<string, Option>>;

/** The given options; the types follow from the declaration. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]?:
    | (O[Name] extends { readonly several: true }
        ? string[]
        : O[Name] extends { readonly takes: string }
          ? string
          : boolean)
    | undefined;
};

/** A parsed command line. */
export interface Input<O extends Options> {
  readonly options: Values<O>;
  readonly words: readonly string[];
}

/** The declaration of a command. */
export interface Declaration<O extends Options> {
  readonly name: string;
  readonly summary: string;
  /** The text of `--help`, as paragraphs. */
  readonly description: string;
  readonly words?: readonly Positional[];
  readonly options: O;
  /**
   * The beginning of the usage line; default: `npm run peach -- `, or `npx peach ` where Peach is
   * installed.
   */
  readonly call?: string;
  readonly run: (input: Input<O>, host: CommandHost) => Promise<ExitCode>;
}

/** A command as other code lists, completes or runs it. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly Positional[];
  readonly options: Options;
  /** The complete output of `--help`. */
  readonly usage: string;
  /** Parses arguments. Throws `UsageError` if they do not fit. */
  prepare(args: readonly string[]): Prepared;
}

/** A command with parsed arguments. */
export interface Prepared {
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /**
   * Runs the command. Rejects with `UsageError` for faults that appear only now, and with
   * `PeachError`.
   */
  run(host: CommandHost): Promise<ExitCode>;
}

/** The width of help texts in characters. */
const WIDTH = 110;

/** Makes a command from its declaration. */
export function defineCommand<const O extends Options>(declared: Declaration<O>): Command {
  const { name, summary, words = [], options } = declared;
  const usage = usageOf({ ...declared, words });
  return {
    name,
    summary,
    words,
    options,
    usage,
    prepare(args) {
      const input = parse(options, words, args);
      return {
        options: { ...input.options },
        run: (host) => declared.run(input, host),
      };
    },
  };
}

/** Parses arguments and checks values and the number of words. */
function parse<O extends Options>(
  options: O,
  words: readonly Positional[],
  args: readonly string[],
): Input<O> {
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(options).map(([name, { takes, several = false }]) => [
      name,
      { type: takes === undefined ? "boolean" : "string", multiple: several },
    ]),
  );
  const parsed = parseOrRefuse(config, args);
  for (const [name, { values }] of Object.entries(options)) {
    const given = parsed.values[name];
    if (values !== undefined && given !== undefined && !values.includes(String(given)))
      throw new UsageError(
        `--${name}: expected one of ${values.join(", ")}, given ${String(given)}`,
      );
  }
  const { positionals } = parsed;
  const missing = words.find(
    (word, index) => word.optional !== true && index >= positionals.length,
  );
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing`);
  const surplus = words.at(-1)?.several === true ? undefined : positionals[words.length];
  const instead = Object.hasOwn(options, "json-payload")
    ? ": a payload is given by --text, --json-payload or --file"
    : "";
  if (surplus !== undefined) throw new UsageError(`Unexpected argument '${surplus}'${instead}`);
  // Node has parsed the values by the same options that define this type.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return { options: parsed.values as Values<O>, words: positionals };
}

function parseOrRefuse(options: ParseArgsOptionsConfig, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's message continues with advice on positional arguments.
    const [reason = error.message] = error.message.split(/\n|\. To specify/);
    const [, hungry] = /^Option '--(\S+)' argument is ambiguous/.exec(reason) ?? [];
    if (hungry !== undefined)
      throw new UsageError(
        `--${hungry} needs a value; one that begins with a dash is written --${hungry}=VALUE`,
      );
    const [, unknown] = /^Unknown option '--([^']+)'/.exec(reason) ?? [];
    const near = unknown === undefined ? null : nearest(unknown, Object.keys(options));
    throw new UsageError(near === null ? reason : `${reason}; did you mean \`--${near}\`?`);
  }
}

/** Renders the usage line, the description and the options. */
function usageOf({
  name,
  description,
  words = [],
  options,
  call = `${PEACH} `,
}: Omit<Declaration<Options>, "run">): string {
  const wordTexts = words.map((word) => {
    const text = `${word.name}${word.several === true ? "..." : ""}`;
    return word.optional === true ? `[${text}]` : text;
  });
  const optionTexts = Object.entries(options).map(
    ([option, { takes }]) => `[${flag(option, takes)}]`,
  );
  const rows = Object.entries(options).map(([option, { takes, help, values }]) => [
    flag(option, takes),
    values === undefined ? help : `${help}: ${values.join(", ")}`,
  ]);
  const width = Math.max(0, ...rows.map(([left = ""]) => left.length)) + 3;
  return [
    wrap(
      `usage: ${call}${[name, ...wordTexts, ...optionTexts].join(" ")}`,
      WIDTH,
      "         ",
    ).join("\n"),
    ...description.split("\n\n").map(paragraph),
    rows
      .map(([left = "", help = ""]) =>
        wrap(`  ${left.padEnd(width)}${help}`, WIDTH, " ".repeat(width + 2)).join("\n"),
      )
      .join("\n"),
  ].join("\n\n");
}

/** Wraps a paragraph; lines that begin with a space stay as written. */
function paragraph(text: string): string {
  return text.startsWith(" ") ? text : wrap(text.replaceAll("\n", " "), WIDTH, "").join("\n");
}

function flag(option: string, takes: string | undefined): string {
  return `--${option}${takes === undefined ? "" : ` ${takes}`}`;
}

/**
 * Wraps a text to lines of at most this width and indents all but the first. Words and `[--option
 * VALUE]` stay whole.
 */
export function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  for (const part of text.split(/ (?![^[]*\])(?=\S)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + part.length <= width)
      lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(last === undefined ? part : indent + part);
  }
  return lines;
}
