/** Questions to the process that reads pipelines, and its answers. */
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

/** A value that is known before the run, to be parsed with the input of a task. */
export interface KnownValue {
  readonly id: string;
  /** The key of the method. */
  readonly key: string;
  readonly value: unknown;
  /** The task runs once per item of the value. */
  readonly isItem: boolean;
}

/** The kind of a method, with its sets. */
export type MethodAnswer =
  /** Null: the schema is not declared. */
  | { readonly type: "task"; readonly taken: ValueSet | null; readonly passed: ValueSet | null }
  | { readonly type: "function"; readonly takesPayload: boolean }
  /** No task: a class or a constant. */
  | { readonly type: "other" }
  /** The file threw when it was evaluated. */
  | { readonly type: "unread"; readonly why: string };

/** The question to the process. */
export interface SchemaQuestion {
  /** URL of the bundle. */
  readonly bundle: string;
  readonly methods: readonly WantedMethod[];
  readonly values: readonly KnownValue[];
}

export interface SchemaAnswer {
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
  readonly tsconfig: string;
}

export type Question =
  | { readonly type: "schemas"; readonly ask: SchemaQuestion }
  | { readonly type: "signatures"; readonly ask: SignatureQuestion };

/** The answers by the type of the question. */
export interface Answers {
  readonly schemas: Omit<SchemaAnswer, "errors">;
  /** By file and name, as `methodKey` joins them. */
  readonly signatures: ReadonlyMap<string, Signature>;
}
