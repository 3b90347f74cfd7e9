/**
 * JSON as a tree. Closed branches are not rendered and long lists open in parts of a hundred, so
 * that a large payload does not block the page.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { formatCount, formatPlural } from "../format.ts";
import { Icon } from "./icon.tsx";

/** The number of entries in a part of a long list. */
const PART = 100;
/** The number of levels that are open at first. */
const OPEN_DEPTH = 2;
/** The number of characters after which a text is cut. */
const LONG_TEXT = 400;

/** Shows a value with its first levels open. */
export function JsonTree({ value }: { readonly value: unknown }): JSX.Element {
  return (
    <div class="json" tabIndex={0} role="group" aria-label="JSON">
      <JsonValue name={null} value={value} depth={0} />
    </div>
  );
}

/** A value with its key or index; null for the root. */
interface ValueProps {
  readonly name: string | null;
  readonly value: unknown;
  readonly depth: number;
}

/** A leaf, an empty object or list, or a branch. */
function JsonValue({ name, value, depth }: ValueProps): JSX.Element {
  if (typeof value !== "object" || value === null)
    return (
      <div class="json-leaf">
        <JsonName name={name} />
        <JsonScalar value={value} />
      </div>
    );
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0)
    return (
      <div class="json-leaf">
        <JsonName name={name} />
        <span class="json-punctuation">{open + close}</span>
      </div>
    );
  const count = formatPlural(entries.length, Array.isArray(value) ? "item" : "key");
  return (
    <JsonBranch
      name={name}
      bracket={open}
      count={count}
      isOpen={depth < OPEN_DEPTH && entries.length <= PART}
    >
      {() =>
        entries.length <= PART
          ? entries.map(([key, child]) => (
              <JsonValue key={key} name={key} value={child} depth={depth + 1} />
            ))
          : partsOf(entries).map(({ label, part }) => (
              <JsonBranch key={label} name={label} bracket="…" count="" isOpen={false}>
                {() =>
                  part.map(([key, child]) => (
                    <JsonValue key={key} name={key} value={child} depth={depth + 1} />
                  ))
                }
              </JsonBranch>
            ))
      }
    </JsonBranch>
  );
}

/** Divides entries into parts, labelled by their indexes. */
function partsOf<Entry>(entries: readonly Entry[]): { label: string; part: readonly Entry[] }[] {
  return Array.from({ length: Math.ceil(entries.length / PART) }, (_, index) => {
    const part = entries.slice(index * PART, (index + 1) * PART);
    return { label: `${index * PART} – ${index * PART + part.length - 1}`, part };
  });
}

/** Properties of a branch. `children` is a function, called only while the branch is open. */
interface BranchProps {
  readonly name: string | null;
  readonly bracket: string;
  readonly count: string;
  readonly isOpen: boolean;
  readonly children: () => JSX.Element[];
}

/** A branch that a button opens and closes. */
function JsonBranch({ name, bracket, count, isOpen, children }: BranchProps): JSX.Element {
  const open = useSignal(isOpen);
  return (
    <div class="json-branch">
      <button
        type="button"
        class="json-toggle"
        aria-expanded={open.value}
        aria-label={`${name ?? "value"}, ${count}`}
        onClick={() => (open.value = !open.value)}
      >
        <Icon name="chevron" size={10} />
        <JsonName name={name} />
        <span class="json-punctuation">{bracket}</span>
        <span class="json-count">{count}</span>
      </button>
      {open.value && <div class="json-children">{children()}</div>}
    </div>
  );
}

/** The key before a value. */
function JsonName({ name }: { readonly name: string | null }): JSX.Element | null {
  return name === null ? null : <span class="json-name">{name}: </span>;
}

/**
 * A text, number, boolean or null in the colour of its type. A long text is cut until the user
 * wants all of it.
 */
function JsonScalar({ value }: { readonly value: unknown }): JSX.Element {
  const isWhole = useSignal(false);
  const text = JSON.stringify(value) ?? String(value);
  const isCut = text.length > LONG_TEXT && !isWhole.value;
  return (
    <>
      <span class={`json-${value === null ? "null" : typeof value}`}>
        {isCut ? `${text.slice(0, LONG_TEXT)}…` : text}
      </span>
      {isCut && (
        <button type="button" class="link-button" onClick={() => (isWhole.value = true)}>
          show all {formatCount(text.length)} characters
        </button>
      )}
    </>
  );
}
