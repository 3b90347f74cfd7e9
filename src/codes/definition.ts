/** The form of the definition of a diagnostic code. */

/** The files of a small project by path; a text alone is its peach.conf. */
export type Example = string | Readonly<Record<string, string>>;

/** The definition of a code. */
export interface Definition {
  /** An error prevents the deployment, a warning does not. */
  readonly severity: "error" | "warning";
  /** A name for the problem, of at most 60 characters, without a full stop. */
  readonly title: string;
  /** Why this is a problem, and how to mend it. Markdown without headings and tables. */
  readonly explanation: string;
  /** A project with this problem alone. Null if the project would fill pages. */
  readonly wrong: Example | null;
  /** The same project without any problem or warning. */
  readonly right: Example | null;
}

/** The definitions of a range of codes, in ascending order. */
export type Definitions = Readonly<Record<`PEACH${number}`, Definition>>;
