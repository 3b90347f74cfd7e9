/** A text field for JSON that shows faults while the user types. */
import type { JSX } from "preact";
import { useId, useMemo } from "preact/hooks";
import type { JsonSchema } from "../../contract/tasks.ts";
import { Icon } from "../parts/icon.tsx";
import { checkJson } from "./schema-check.ts";

/** Properties of the editor. The caller keeps the text. */
export interface JsonEditorProps {
  readonly label: string;
  readonly text: string;
  /** The schema to check against; null accepts any JSON. */
  readonly schema: JsonSchema | null;
  /** The text for a value that fits the schema. */
  readonly fits?: string;
  readonly onInput: (text: string) => void;
  readonly rows?: number;
}

/** The maximum number of faults to show. */
const SHOWN_FAULTS = 6;

/** A plain text field. The Tab key leaves it, so that the keyboard is never trapped. */
export function JsonEditor(props: JsonEditorProps): JSX.Element {
  const { label, text, schema, fits = "It fits what the task takes", onInput, rows = 10 } = props;
  const id = useId();
  const checked = useMemo(() => checkJson(text, schema), [text, schema]);
  const format = (): void => {
    if (checked.state === "fits") onInput(JSON.stringify(checked.value, null, 2));
  };
  return (
    <div class="editor">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="mono"
        rows={rows}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        value={text}
        aria-invalid={checked.state === "wrong"}
        aria-describedby={`${id}-faults`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <div class="editor-foot">
        <div id={`${id}-faults`} aria-live="polite" class="faults">
          {checked.state === "fits" ? (
            <span class="good">
              <Icon name="check" size={12} /> {schema === null ? "JSON" : fits}
            </span>
          ) : (
            <ul>
              {checked.faults.slice(0, SHOWN_FAULTS).map(({ path, message }) => (
                <li key={`${path}${message}`}>
                  {path !== null && <code>{path}</code>} {message}
                </li>
              ))}
            </ul>
          )}
        </div>
        <button
          type="button"
          class="button button-small"
          disabled={checked.state === "wrong"}
          onClick={format}
        >
          Format
        </button>
      </div>
    </div>
  );
}
