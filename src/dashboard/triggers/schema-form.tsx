/** A field for each property of an object's schema; what is no text, number, choice or switch is written as JSON. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { Checked, Field } from "./schema-check.ts";

export interface SchemaFormProps {
  readonly fields: readonly Field[];
  /** The whole object as JSON: the form changes it property by property. */
  readonly text: string;
  readonly checked: Checked;
  readonly onInput: (text: string) => void;
}

/** The faults stand beside their fields. */
export function SchemaForm({ fields, text, checked, onInput }: SchemaFormProps): JSX.Element {
  const values = objectOf(text);
  const faults = checked.state === "wrong" ? checked.faults : [];
  const known = fields.map(({ name }) => `$.${name}`);
  const others = faults.filter(
    ({ path }) => path === null || !known.some((field) => isBelow(path, field)),
  );
  const set = (name: string, value: unknown): void => {
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

function isBelow(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

interface FieldProps {
  readonly field: Field;
  readonly value: unknown;
  readonly faults: readonly string[];
  /** Undefined takes the property away. */
  readonly onChange: (value: unknown) => void;
}

function FieldView({ field, value, faults, onChange }: FieldProps): JSX.Element {
  const id = useId();
  const { name, schema, isRequired } = field;
  const description = schema["description"];
  const attributes = { id, "aria-invalid": faults.length > 0, "aria-describedby": `${id}-note` };
  return (
    <div class="field">
      <label for={id}>
        {name}{" "}
        {isRequired ? <span class="required">required</span> : <span class="muted">optional</span>}
      </label>
      <Control schema={schema} value={value} attributes={attributes} onChange={onChange} />
      <div id={`${id}-note`} class="field-note" aria-live="polite">
        {faults.length > 0 ? (
          <span class="fault">{faults[0]}</span>
        ) : (
          <span class="muted">{typeof description === "string" ? description : ""}</span>
        )}
      </div>
    </div>
  );
}

interface ControlProps extends Pick<FieldProps, "value" | "onChange"> {
  readonly schema: Field["schema"];
  readonly attributes: { readonly id: string };
}

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
        <option value={-1}>–</option>
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
      return <JsonControl value={value} attributes={attributes} onChange={onChange} />;
  }
}

/** Keeps what is typed as long as it is no JSON yet. */
function JsonControl({ value, attributes, onChange }: Omit<ControlProps, "schema">): JSX.Element {
  const draft = useSignal<string | null>(null);
  return (
    <textarea
      {...attributes}
      class="mono"
      rows={3}
      spellcheck={false}
      placeholder="JSON"
      value={draft.value ?? (value === undefined ? "" : JSON.stringify(value))}
      onInput={(event) => {
        const text = event.currentTarget.value;
        draft.value = text;
        try {
          onChange(text === "" ? undefined : JSON.parse(text));
        } catch {
          // Half-written: the schema is asked again when it is whole.
        }
      }}
    />
  );
}
