/**
 * A form with a field per property of a schema. Controls by type:
 * - choices (`enum`): a list;
 * - text: a field;
 * - number and integer: a number field;
 * - boolean: a checkbox;
 * - other types: a field for JSON.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { Checked, Field } from "./schema-check.ts";

/** Properties of the form. */
export interface SchemaFormProps {
  readonly fields: readonly Field[];
  /**
   * The whole object as JSON. The form changes one property of it at a time, so that form and
   * editor share their text.
   */
  readonly text: string;
  readonly checked: Checked;
  readonly onInput: (text: string) => void;
}

/** Shows the fields with their faults beside them, and other faults below. */
export function SchemaForm({ fields, text, checked, onInput }: SchemaFormProps): JSX.Element {
  const values = objectOf(text);
  const faults = checked.state === "wrong" ? checked.faults : [];
  const known = fields.map(({ name }) => `$.${name}`);
  const others = faults.filter(
    ({ path }) => path === null || !known.some((field) => isBelow(path, field)),
  );
  const set = (name: string, value: unknown): void => {
    // An emptied field is removed: an empty text would not count as missing.
    const { [name]: _, ...rest } = values;
    onInput(JSON.stringify(value === undefined ? rest : { ...values, [name]: value }, null, 2));
  };
  return (
    <div class="schema-form">
      {fields.map((field) => (
        <FieldView
          key={field.name}
          field={field}
          value={values[field.name]}
          faults={faults
            .filter(({ path }) => path !== null && isBelow(path, `$.${field.name}`))
            .map(({ message }) => message)}
          onChange={(value) => set(field.name, value)}
        />
      ))}
      {others.length > 0 && (
        <ul class="faults" aria-live="polite">
          {others.map(({ path, message }) => (
            <li key={`${path}${message}`}>{message}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Tests if a path is a field or a place inside it. */
function isBelow(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
}

/** Parses the text; anything but an object counts as empty. */
function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Properties of a field. */
interface FieldProps {
  readonly field: Field;
  readonly value: unknown;
  readonly faults: readonly string[];
  /** Called with the new value; undefined removes the property. */
  readonly onChange: (value: unknown) => void;
}

/**
 * A label, a control, and the first fault or the description. Before the user has been in the
 * field, a fault is no alarm but says what belongs there.
 */
function FieldView({ field, value, faults, onChange }: FieldProps): JSX.Element {
  const id = useId();
  const isLeft = useSignal(false);
  const isWrong = faults.length > 0 && isLeft.value;
  const { name, schema, isRequired } = field;
  const description = schema["description"];
  const attributes = { id, "aria-invalid": isWrong, "aria-describedby": `${id}-note` };
  return (
    <div class="field" onFocusOut={() => (isLeft.value = true)}>
      <label for={id}>
        {name}{" "}
        {isRequired ? <span class="required">required</span> : <span class="muted">optional</span>}
      </label>
      <Control schema={schema} value={value} attributes={attributes} onChange={onChange} />
      <div id={`${id}-note`} class="field-note" aria-live="polite">
        {faults.length > 0 ? (
          <span class={isWrong ? "fault" : "muted"}>{faults[0]}</span>
        ) : (
          <span class="muted">{typeof description === "string" ? description : ""}</span>
        )}
      </div>
    </div>
  );
}

/** Properties of a control. */
interface ControlProps extends Pick<FieldProps, "value" | "onChange"> {
  readonly schema: Field["schema"];
  readonly attributes: { readonly id: string };
}

/**
 * Selects the control by the type of the schema. A choice is identified by its index, since its
 * values may be of any type.
 */
function Control({ schema, value, attributes, onChange }: ControlProps): JSX.Element {
  const { enum: choices, type } = schema;
  if (Array.isArray(choices)) {
    const known: readonly unknown[] = choices;
    return (
      <select
        {...attributes}
        value={known.indexOf(value)}
        onChange={(event) => onChange(known[Number(event.currentTarget.value)])}
      >
        <option value={-1}>{defaultText(schema) || "–"}</option>
        {known.map((choice, index) => (
          <option key={index} value={index}>
            {String(choice)}
          </option>
        ))}
      </select>
    );
  }
  switch (type) {
    case "string":
      return (
        <input
          {...attributes}
          placeholder={defaultText(schema)}
          value={typeof value === "string" ? value : ""}
          onInput={(event) =>
            onChange(event.currentTarget.value === "" ? undefined : event.currentTarget.value)
          }
        />
      );
    case "number":
    case "integer":
      return (
        <input
          {...attributes}
          type="number"
          placeholder={defaultText(schema)}
          step={type === "integer" ? 1 : "any"}
          value={typeof value === "number" ? value : ""}
          onInput={({ currentTarget: { value: text, valueAsNumber } }) =>
            onChange(text === "" || Number.isNaN(valueAsNumber) ? undefined : valueAsNumber)
          }
        />
      );
    case "boolean":
      return (
        <input
          {...attributes}
          type="checkbox"
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    default:
      return (
        <JsonControl schema={schema} value={value} attributes={attributes} onChange={onChange} />
      );
  }
}

/** The default of a property, which an empty field stands for; an empty text without a default. */
function defaultText({ default: value }: Field["schema"]): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A field for JSON. It keeps an incomplete text and reports a change once the text parses. */
function JsonControl({ schema, value, attributes, onChange }: ControlProps): JSX.Element {
  const draft = useSignal<string | null>(null);
  return (
    <textarea
      {...attributes}
      class="mono"
      rows={3}
      spellcheck={false}
      placeholder={defaultText(schema) || "JSON"}
      value={draft.value ?? (value === undefined ? "" : JSON.stringify(value))}
      onInput={(event) => {
        const text = event.currentTarget.value;
        draft.value = text;
        try {
          onChange(text === "" ? undefined : JSON.parse(text));
        } catch {
          // Incomplete JSON: the value is checked once it is complete.
        }
      }}
    />
  );
}
