/**
 * A form with a field per parameter, to try an endpoint or a single component. The fields follow
 * `params` of peach.conf. The API checks the values: the form shows the refusal, with every wrong
 * parameter.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type {
  RecommendationCounts,
  RecommendationParam,
  TriedRecommendation,
} from "../../contract/recommendations.ts";
import { get, problemOf } from "../api.ts";
import { ActionButton } from "../parts/button.tsx";
import { Fact } from "../parts/fact.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { Select } from "../parts/select.tsx";
import { Problem } from "../parts/states.tsx";
import type { ShownProblem } from "../shown-problem.ts";

/**
 * Shows the form and the last result. A trial is counted nowhere and bypasses the cache, so that
 * trying never changes the figures above.
 *
 * An empty field is left out of the call: the endpoint then uses the default of the parameter.
 */
export function TryForm({ endpoint }: { readonly endpoint: RecommendationCounts }): JSX.Element {
  const values = useSignal<Readonly<Record<string, string>>>({});
  const component = useSignal<string | null>(null);
  const tried = useSignal<TriedRecommendation | null>(null);
  const problem = useSignal<ShownProblem | null>(null);
  /** Asks the endpoint. A refusal replaces the last result, so that never both are shown. */
  const ask = async (): Promise<void> => {
    const given = Object.entries(values.value).filter(([, value]) => value !== "");
    const query = new URLSearchParams({ query: new URLSearchParams(given).toString() });
    if (component.value !== null) query.set("component", component.value);
    const path = `/recommendations/${encodeURIComponent(endpoint.endpoint)}/try`;
    try {
      tried.value = await get<TriedRecommendation>(`${path}?${query.toString()}`);
      problem.value = null;
    } catch (error) {
      tried.value = null;
      problem.value = problemOf(error);
    }
  };
  // Components that are no longer in peach.conf have counts, and cannot be asked.
  const names = endpoint.components.flatMap((one) => (one.method === null ? [] : [one.component]));
  return (
    <section class="card form try-form" aria-label="Try it">
      <h2>Try it</h2>
      <div class="try-fields">
        {endpoint.params.map((param) => (
          <ParamField
            key={param.name}
            param={param}
            value={values.value[param.name] ?? ""}
            onInput={(value) => (values.value = { ...values.value, [param.name]: value })}
          />
        ))}
        <div class="field">
          <span class="field-title">Component</span>
          <Select
            label="Component"
            none="by the split"
            values={names}
            chosen={component.value}
            onChoose={(name) => (component.value = name)}
          />
        </div>
      </div>
      <div class="form-foot">
        <ActionButton icon="play" tone="main" action={ask}>
          Ask
        </ActionButton>
        <span class="muted small">Counted nowhere, and not cached.</span>
      </div>
      {problem.value !== null && <Problem problem={problem.value} />}
      {tried.value !== null && <Tried tried={tried.value} />}
    </section>
  );
}

/**
 * Shows the result of a trial: the component that was asked, who answered, the time in
 * milliseconds, the error of the component, and the value.
 */
function Tried({ tried: { result, debug } }: { readonly tried: TriedRecommendation }): JSX.Element {
  return (
    <div aria-live="polite">
      <dl class="facts">
        <Fact name="Component">{debug.component}</Fact>
        <Fact name="Answered by">{debug.fallback ? "the fallback" : "the component"}</Fact>
        <Fact name="Time">{debug.ms} ms</Fact>
      </dl>
      {debug.error !== null && <p class="fault">{debug.error}</p>}
      <JsonTree value={result} />
    </div>
  );
}

/**
 * A field for a parameter: a list for choices and booleans, a number field, or a text field. The
 * placeholder is the default.
 */
function ParamField({
  param,
  value,
  onInput,
}: {
  readonly param: RecommendationParam;
  /** The text of the field; empty for the default. */
  readonly value: string;
  readonly onInput: (value: string) => void;
}): JSX.Element {
  const id = useId();
  const choices = param.enum?.map(String) ?? (param.type === "boolean" ? ["true", "false"] : null);
  const placeholder = param.default === null ? "" : String(param.default);
  const isNumber = param.type === "integer" || param.type === "number";
  return (
    <div class="field">
      <label for={id}>
        {param.name}
        {param.required && <span class="muted"> required</span>}
      </label>
      {choices === null ? (
        isNumber ? (
          <input
            id={id}
            type="number"
            step={param.type === "number" ? "any" : 1}
            {...(param.minimum !== null && { min: param.minimum })}
            {...(param.maximum !== null && { max: param.maximum })}
            placeholder={placeholder}
            value={value}
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
          />
        ) : (
          <input
            id={id}
            maxLength={param.max_length}
            placeholder={placeholder}
            value={value}
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
          />
        )
      ) : (
        <select
          id={id}
          value={value}
          onChange={({ currentTarget }) => onInput(currentTarget.value)}
        >
          <option value="">{param.default === null ? "–" : String(param.default)}</option>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      )}
      {param.description !== null && <p class="field-note muted">{param.description}</p>}
    </div>
  );
}
