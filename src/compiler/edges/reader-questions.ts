/**
 * The questions to the reader process, and the answers. All parts are plain data, since both cross
 * the boundary between processes.
 */
import type { Message } from "esbuild";
import type { FunctionName, Signature } from "./signatures.ts";
import type { ValueSet } from "./value-set.ts";

/** A method to read. */
export interface WantedMethod {
  /** Identifies the method in the answer. */
  readonly key: string;
  readonly file: string;
  readonly exportName: string;
}

/** A payload that is known before any run, to be parsed with the input of a task. */
export interface KnownValue {
  /** Identifies the value in the answer. */
  readonly id: string;
  /** The key of the method. */
  readonly key: string;
  readonly value: unknown;
  /** True if the task runs once per item of the value. */
  readonly isItem: boolean;
}

/** The kind of a method. */
export type MethodAnswer =
  /** A task with schemas. A set is null without a declared schema. */
  | {
      readonly type: "task";
      readonly taken: ValueSet | null;
      readonly passed: ValueSet | null;
      /** The first of the `examples` of the input schema; absent without any. */
      readonly example?: unknown;
    }
  /** A plain function. `takesPayload`: the function has a parameter. */
  | { readonly type: "function"; readonly takesPayload: boolean }
  /** Another value, such as a class or a constant. */
  | { readonly type: "other" }
  /** The evaluation of the file failed. `at`: the place of the failure, null if unknown. */
  | { readonly type: "unread"; readonly why: string; readonly at: SourcePlace | null };

/** A place in a source file. Line and column count from 1. */
export interface SourcePlace {
  /** The absolute path. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Asks for the kinds and schemas of methods. */
export interface SchemaQuestion {
  /** The URL of the bundle. */
  readonly bundle: string;
  readonly methods: readonly WantedMethod[];
  readonly values: readonly KnownValue[];
}

/** The answer about methods and known payloads. */
export interface SchemaAnswer {
  /** The kind of each method, by key. */
  readonly methods: ReadonlyMap<string, MethodAnswer>;
  /** Faults of known values, by id. */
  readonly refused: ReadonlyMap<string, string>;
  /** Errors of the bundler: files that do not parse, imports that are not found. */
  readonly errors: readonly Message[];
}

/** Asks for the signatures of functions. */
export interface SignatureQuestion {
  /** The folder from which TypeScript is resolved. */
  readonly projectRoot: string;
  readonly functions: readonly FunctionName[];
  /** The path of the tsconfig.json. */
  readonly tsconfig: string;
}

/** A question, by its type. */
export type Question =
  | { readonly type: "schemas"; readonly ask: SchemaQuestion }
  | { readonly type: "signatures"; readonly ask: SignatureQuestion };

/** The answers by the type of the question. */
export interface Answers {
  readonly schemas: Omit<SchemaAnswer, "errors">;
  /** The signatures of functions, by `methodKey`. */
  readonly signatures: ReadonlyMap<string, Signature>;
}
