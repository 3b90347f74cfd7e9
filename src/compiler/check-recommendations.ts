/**
 * Compares the keys of recommendation endpoints with each other. Values of single keys are checked
 * before, by the schema. `loaded` is the file as the user wrote it: a key with a wrong value is
 * absent from the conf, and must not be reported as missing as well.
 */
import { FALLBACK, OWN_PARAMS } from "../domain/plan/recommendation-plan.ts";
import { nearest } from "../domain/nearest.ts";
import { endpointUrl } from "./check-endpoints.ts";
import type { LoadedConf } from "./conf-file.ts";
import type { EndpointConf } from "./schema.ts";
import { RECOMMENDATION_SHAPE } from "./schema-recommendation.ts";
import type { ConfCheck } from "./validate.ts";

/** An endpoint, with the file and the reports about the file. */
interface Checked extends Omit<ConfCheck, "conf"> {
  readonly name: string;
  readonly endpoint: EndpointConf;
}

/** Reports keys that do not go together, and warns of keys without an effect. */
export function checkRecommendations({ conf, ...reports }: ConfCheck): void {
  for (const [name, endpoint] of conf.endpoints) {
    const checked = { name, endpoint, ...reports };
    if (endpoint.components === undefined) {
      checkPlain(checked);
      continue;
    }
    checkMethod(checked);
    checkComponents(checked);
    checkParams(checked);
    checkSplit(checked);
    checkCookies(checked);
  }
}

/**
 * Refuses keys of recommendation endpoints without `components`. An endpoint whose `components` are
 * wrong has a report already.
 */
function checkPlain({ name, endpoint, loaded, report }: Checked): void {
  if (isWritten(loaded, name, "components")) return;
  for (const key of Object.keys(RECOMMENDATION_SHAPE)) {
    if (Reflect.get(endpoint, key) === undefined) continue;
    report(
      "PEACH107",
      loaded.keySpan(["endpoints", name, key]),
      `endpoints.${name}.${key}: only an endpoint with \`components\` has \`${key}\``,
      { hint: "remove it, or write `components` in place of `method`" },
    );
  }
}

/**
 * Refuses `method`, and signatures, beside `components`. A request without a body has nothing that
 * a scheme of signatures covers.
 */
function checkMethod({ name, endpoint, loaded, report }: Checked): void {
  if (endpoint.method !== undefined)
    report(
      "PEACH107",
      loaded.keySpan(["endpoints", name, "method"]),
      `endpoints.${name}.method: an endpoint has either \`method\` or \`components\``,
      { hint: "remove `method`: one of the components answers each request" },
    );
  if (typeof endpoint.auth === "object")
    report(
      "PEACH407",
      loaded.valueSpan(["endpoints", name, "auth"]),
      `endpoints.${name}.auth: a recommendation endpoint reads its query, which no signature covers`,
      { hint: "write `auth: token`, or `auth: none`" },
    );
}

/**
 * Refuses weights that are all 0, and the name that stands for the fallback. A single weight of 0
 * is fine: a caller with a token reaches such a component by name.
 */
function checkComponents({ name, endpoint, loaded, report }: Checked): void {
  const components = endpoint.components ?? new Map();
  const place = `endpoints.${name}.components`;
  const isAnyWeighted = [...components.values()].some(({ weight = 1 }) => weight > 0);
  if (components.size > 0 && !isAnyWeighted)
    report(
      "PEACH408",
      loaded.keySpan(["endpoints", name, "components"]),
      `${place}: every weight is 0, so that no component answers`,
      { hint: "give one of them a weight above 0; without `weight` it is 1" },
    );
  if (components.has(FALLBACK))
    report(
      "PEACH409",
      loaded.keySpan(["endpoints", name, "components", FALLBACK]),
      `${place}.${FALLBACK}: \`${FALLBACK}\` stands for the fallback where clicks are counted`,
      { hint: "give the component another name" },
    );
}

/**
 * Refuses names that Peach reads, and `:params` of the url that are not declared. A declared param
 * of the url has a type, and is checked like a parameter of the query.
 */
function checkParams({ name, endpoint, loaded, report }: Checked): void {
  const params = endpoint.params ?? new Map();
  for (const own of OWN_PARAMS)
    if (params.has(own))
      report(
        "PEACH409",
        loaded.keySpan(["endpoints", name, "params", own]),
        `endpoints.${name}.params.${own}: Peach itself reads \`?${own}=\``,
        { hint: "give the parameter another name" },
      );
  for (const [, param = ""] of endpointUrl(name, endpoint).matchAll(/:(\w+)/g)) {
    if (params.has(param) || isWritten(loaded, name, "params", param)) continue;
    report(
      "PEACH410",
      loaded.valueSpan(["endpoints", name, "url"]),
      `endpoints.${name}.url: \`:${param}\` is not one of \`params\``,
      { hint: `declare it, such as params: {${param}: string}` },
    );
  }
}

/**
 * Checks that a split by user names a parameter with the user. The parameter need not be required:
 * a request without a user is split at random.
 */
function checkSplit({ name, endpoint, loaded, report }: Checked): void {
  const { split, params = new Map() } = endpoint;
  if (split?.by === undefined) return;
  const at = ["endpoints", name, "split"];
  const place = `endpoints.${name}.split`;
  if (split.by !== "user") {
    if (split.param !== undefined)
      report(
        "PEACH107",
        loaded.keySpan([...at, "param"]),
        `${place}.param: only \`by: user\` has \`param\``,
        {
          hint: "remove it, or write `by: user`",
        },
      );
    return;
  }
  const names = [...params.keys()];
  if (split.param === undefined) {
    if (!isWritten(loaded, name, "split", "param"))
      report("PEACH411", loaded.keySpan(at), `${place}: \`by: user\` needs \`param\``, {
        hint: `name the parameter with the user, such as param: ${names[0] ?? "user"}`,
      });
    return;
  }
  const param = params.get(split.param);
  if (param === undefined) {
    if (isWritten(loaded, name, "params", split.param)) return;
    const near = nearest(split.param, names);
    const known = names.length === 0 ? "declare it in `params`" : `params: ${names.join(", ")}`;
    report(
      "PEACH411",
      loaded.valueSpan([...at, "param"]),
      `${place}.param: there is no parameter \`${split.param}\``,
      { hint: near === null ? known : `did you mean \`${near}\`? ${known}` },
    );
    return;
  }
  if (param.type !== "string" && param.type !== "integer")
    report(
      "PEACH411",
      loaded.valueSpan([...at, "param"]),
      `${place}.param: \`${split.param}\` is a ${param.type}, which tells no users apart`,
      { hint: "name a parameter of the type string or integer" },
    );
}

/**
 * Warns of a split by cookies for pages without cookies. Browsers send cookies across origins only
 * if the answer names the origin.
 */
function checkCookies({ name, endpoint, loaded, warn }: Checked): void {
  const by = endpoint.split?.by;
  if (by !== "client" && by !== "session") return;
  if (endpoint.cors?.origins?.includes("*") !== true) return;
  warn(
    "PEACH711",
    loaded.valueSpan(["endpoints", name, "cors", "origins"]),
    `endpoints.${name}.cors: pages of \`*\` send no cookies, so each of their requests is split anew`,
    { hint: `name the origins, or split by user` },
  );
}

/** True if the file has the key. A wrong value of the key is reported elsewhere. */
function isWritten(loaded: LoadedConf, name: string, ...keys: readonly string[]): boolean {
  const path = ["endpoints", name, ...keys];
  return loaded.writtenPath(path).length === path.length;
}
