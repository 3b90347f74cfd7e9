/**
 * The endpoints, and the inspector of one: its requests, their results, and replays.
 *
 * API calls:
 * - `GET /endpoints/NAME/deliveries`: the newest page, every four seconds; older pages by `cursor`.
 * - `POST /endpoints/NAME/deliveries/ID/replay`: sends a stored request again.
 *
 * Query parameter: `delivery` is the open request.
 *
 * A request whose body was truncated cannot be sent again.
 */
import type { JSX } from "preact";
import { post } from "../api.ts";
import type { Delivery, DeliveryPage } from "../../contract/deliveries.ts";
import type { DeployedEndpoint } from "../../contract/endpoints.ts";
import { formatBytes, formatDuration } from "../format.ts";
import { query, setQuery } from "../location.ts";
import { ActionButton, CopyButton } from "../parts/button.tsx";
import { Choices } from "../parts/choices.tsx";
import { Fact } from "../parts/fact.tsx";
import { Icon } from "../parts/icon.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { usePages } from "../parts/load.ts";
import { viewerOf } from "../parts/payload-kind.ts";
import { Empty, Loading, NoSuch, Problem } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { tell, tellProblem } from "../parts/toasts.tsx";
import { runPath } from "../routes.ts";
import { mayOperate } from "../session.ts";

/** The interval between reads of the first page. */
const REFRESH_MS = 4_000;

/** Lists the endpoints and shows one. `name` is the open endpoint; without it the first. */
export function EndpointsView({
  endpoints,
  name,
}: {
  readonly endpoints: readonly DeployedEndpoint[];
  readonly name: string | null;
}): JSX.Element {
  const chosen =
    name === null ? endpoints[0] : endpoints.find((endpoint) => endpoint.name === name);
  return (
    <div class="split">
      <Choices
        label="Endpoints"
        section="endpoints"
        entries={endpoints.map((endpoint) => ({ name: endpoint.name, note: endpoint.url }))}
        chosen={chosen?.name}
      />
      {chosen !== undefined && <Inspector key={chosen.name} endpoint={chosen} />}
      {chosen === undefined && name !== null && <NoSuch kind="endpoint" name={name} />}
    </div>
  );
}

/**
 * The recent requests of an endpoint. The first page is read again every few seconds; older pages
 * on demand.
 */
function Inspector({ endpoint }: { readonly endpoint: DeployedEndpoint }): JSX.Element {
  const path = `/endpoints/${encodeURIComponent(endpoint.name)}/deliveries`;
  const { entries, problem, reload, readOlder } = usePages(
    `${path}?limit=50`,
    (page: DeliveryPage) => page.deliveries,
    REFRESH_MS,
  );
  const open = query.value.get("delivery");
  const url = location.origin + endpoint.url;
  return (
    <section class="card form" aria-label={`Endpoint ${endpoint.name}`}>
      <header class="panel-head">
        <h2 class="ellipsis">{endpoint.name}</h2>
        <span class="spacer" />
        <span class="tag">{endpoint.methods?.join(", ") ?? "any method"}</span>
        <span class="tag">{authText(endpoint.auth)}</span>
      </header>
      <p class="endpoint-url">
        <code class="ellipsis">{url}</code> <CopyButton text={url} label="Copy the address" />
      </p>
      {problem.value !== null ? (
        <Problem problem={problem.value} onRetry={reload} />
      ) : entries === null ? (
        <Loading lines={6} label="the deliveries" />
      ) : entries.length === 0 ? (
        <Empty icon="inbox" title="Nothing has come in">
          The last hundred requests are kept for a week.
        </Empty>
      ) : (
        <ul class="deliveries">
          {entries.map((delivery) => (
            <DeliveryItem
              key={delivery.id}
              delivery={delivery}
              isOpen={delivery.id === open}
              onReplay={() => replay(`${path}/${encodeURIComponent(delivery.id)}/replay`, reload)}
            />
          ))}
        </ul>
      )}
      {readOlder !== null && (
        <p class="more">
          <ActionButton action={readOlder}>Older ones</ActionButton>
        </p>
      )}
    </section>
  );
}

/**
 * Sends a stored request again and reports the answer. An answer of the endpoint with an error
 * status is not an error of the call.
 */
async function replay(path: string, reload: () => void): Promise<void> {
  const answer = await post<Pick<Delivery, "id" | "status" | "runs">>(path);
  reload();
  const [run] = answer.runs;
  if (answer.status < 400)
    tell(
      `Sent again: ${answer.status}.`,
      run === undefined ? null : { href: runPath(run.run_id), text: "Its run" },
    );
  else tellProblem(new Error(`It was sent again, and answered ${answer.status}.`));
}

/** Names the authentication of an endpoint. */
function authText(auth: unknown): string {
  if (typeof auth === "string") return auth === "none" ? "open to all" : auth;
  if (typeof auth !== "object" || auth === null) return "open to all";
  if ("signature" in auth) return String(auth.signature);
  if ("scheme" in auth) return String(auth.scheme);
  const type = "type" in auth ? String(auth.type) : "none";
  return type === "none" ? "open to all" : type;
}

/** Properties of a request. */
interface DeliveryProps {
  readonly delivery: Delivery;
  readonly isOpen: boolean;
  readonly onReplay: () => Promise<void>;
}

/**
 * A request: status, reason or triggered runs, size and time. Open, it shows headers and body too.
 * Repeated refusals of an address are one entry with a count.
 */
function DeliveryItem({ delivery, isOpen, onReplay }: DeliveryProps): JSX.Element {
  const { id, at, method, status, reason, runs, body, duration_ms, replay_of, refused } = delivery;
  return (
    <li class={`delivery ${isOpen ? "is-open" : ""}`}>
      <button
        type="button"
        class="delivery-row"
        aria-expanded={isOpen}
        onClick={() => setQuery({ delivery: isOpen ? null : id })}
      >
        <span class={`pill ${status < 400 ? "s-succeeded" : "s-failed"}`}>
          <Icon name={status < 400 ? "check" : "cross"} size={12} />
          {status}
        </span>
        <span class="delivery-method">{method}</span>
        <span class="ellipsis">
          {reason !== null ? (
            <span class="fault">{reason.replaceAll("_", " ")}</span>
          ) : runs.length > 0 ? (
            `triggered ${runs.map(({ task }) => task).join(", ")}`
          ) : (
            <span class="muted">triggered nothing</span>
          )}
          {replay_of !== null && <span class="muted"> (sent again)</span>}
          {refused !== null && (
            <span class="muted">
              {" "}
              {refused.count > 1 ? `${refused.count} times ` : ""}from {refused.address}
            </span>
          )}
        </span>
        <span class="spacer" />
        <span class="muted delivery-size">{formatBytes(body.size)}</span>
        <span class="muted">
          <Time at={at} />
        </span>
      </button>
      {isOpen && (
        <div class="delivery-body">
          <dl class="facts">
            <Fact name="Answered">
              {status}
              {reason === null ? "" : `: ${reason}`} in {formatDuration(duration_ms)}
            </Fact>
            {delivery.sender_id !== null && (
              <Fact name="Its sender calls it" style="ellipsis">
                {delivery.sender_id}
              </Fact>
            )}
            {refused !== null && refused.count > 1 && (
              <Fact name="Refused">
                {refused.count} times since <Time at={refused.first_at} />; this is the last
              </Fact>
            )}
            {runs.length > 0 && (
              <Fact name="Runs" style="children">
                {runs.map(({ run_id, task, deduplicated }) => (
                  <a key={run_id} class="tag" href={runPath(run_id)}>
                    {task}
                    {deduplicated ? " (was there)" : ""}
                  </a>
                ))}
              </Fact>
            )}
          </dl>
          {mayOperate() && (
            <p>
              <ActionButton icon="retry" disabled={body.truncated} action={onReplay}>
                Send again
              </ActionButton>{" "}
              <span class="muted small">
                {body.truncated
                  ? "Its body was not kept whole."
                  : "Without its signature; what it triggers are new runs."}
              </span>
            </p>
          )}
          <h3 class="small-title">Headers</h3>
          <dl class="headers">
            {Object.entries(delivery.headers).map(([name, value]) => (
              <Fact key={name} name={name}>
                {value}
              </Fact>
            ))}
          </dl>
          <h3 class="small-title">Body</h3>
          <BodyView delivery={delivery} />
        </div>
      )}
    </li>
  );
}

/**
 * The stored body: JSON as a tree, text as text, other bytes in base64. A truncated body is never
 * parsed.
 */
function BodyView({ delivery: { body, headers } }: { readonly delivery: Delivery }): JSX.Element {
  if (body.size === 0) return <p class="muted">None.</p>;
  if (body.text === undefined)
    return (
      <pre class="text" tabIndex={0}>
        {body.base64 ?? ""}
      </pre>
    );
  if (viewerOf(headers["content-type"] ?? "") === "json" && !body.truncated) {
    try {
      return <JsonTree value={JSON.parse(body.text)} />;
    } catch {
      // The content type is wrong: the body is shown as text.
    }
  }
  return (
    <pre class="text" tabIndex={0}>
      {body.text}
    </pre>
  );
}
