/**
 * The page Dead letters: messages that no consumer could process, with the reason, and buttons to
 * try again or delete.
 *
 * API calls:
 * - `GET /dead-letters`: the newest page, every ten seconds; older pages by `cursor`.
 * - `POST /dead-letters/ID/redrive`: processes a message again, which may start runs.
 * - `DELETE /dead-letters/ID`: drops a message for good, after a question.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { post, remove } from "../api.ts";
import type { DeadLetter, DeadLetterPage } from "../../contract/dead-letters.ts";
import type { RunReference } from "../../contract/values.ts";
import { formatPlural } from "../format.ts";
import { ActionButton, Button } from "../parts/button.tsx";
import { Dialog, DialogFoot } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { usePages } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { tell } from "../parts/toasts.tsx";
import { runPath } from "../routes.ts";
import { mayOperate } from "../session.ts";

/** The interval between reads of the first page. */
const REFRESH_MS = 10_000;

/**
 * Shows the newest messages, read again every ten seconds. Older pages are read on demand, and
 * dropped after a change.
 */
export function DeadLettersPage(): JSX.Element {
  usePageTitle("Dead letters");
  const { entries, problem, reload, readOlder, restart } = usePages(
    "/dead-letters?limit=50",
    (page: DeadLetterPage) => page.dead_letters,
    REFRESH_MS,
  );
  return (
    <>
      <h1>Dead letters</h1>
      <p class="muted lead">Messages that could not be processed, however often they were tried.</p>
      {problem.value !== null && entries === null ? (
        <Problem problem={problem.value} onRetry={reload} />
      ) : entries === null ? (
        <Loading lines={6} label="the dead letters" />
      ) : entries.length === 0 ? (
        <Empty icon="check" title="No dead letters">
          Everything that came in has been processed.
        </Empty>
      ) : (
        <div class="letters">
          {entries.map((letter) => (
            <Letter key={letter.id} letter={letter} onChanged={restart} />
          ))}
        </div>
      )}
      {readOlder !== null && (
        <p class="more">
          <ActionButton action={readOlder}>Older ones</ActionButton>
        </p>
      )}
    </>
  );
}

/**
 * A message: its reason, queue, attempts and body. Buttons are shown to sessions that may use them.
 */
function Letter({
  letter,
  onChanged,
}: {
  readonly letter: DeadLetter;
  /** Called after the message was redriven or deleted. */
  readonly onChanged: () => void;
}): JSX.Element {
  const isDeleting = useSignal(false);
  const path = `/dead-letters/${encodeURIComponent(letter.id)}`;
  /** Processes the message again and links the first run that it starts. */
  const redrive = async (): Promise<void> => {
    const { runs } = await post<{ readonly runs: readonly RunReference[] }>(`${path}/redrive`);
    // A redriven message may start several runs; the first is linked.
    const [run] = runs;
    tell(
      "It is on its way again.",
      run === undefined ? null : { href: runPath(run.run_id), text: run.task },
    );
    onChanged();
  };
  /** Deletes the message. The dialog has asked before. */
  const destroy = async (): Promise<void> => {
    await remove(path);
    isDeleting.value = false;
    tell("It is gone.");
    onChanged();
  };
  return (
    <article class="card letter">
      <header class="panel-head">
        <span class="pill s-failed">
          <Icon name="dead-letters" size={12} /> {letter.reason.replaceAll("_", " ")}
        </span>
        <span class="tag">{letter.queue}</span>
        <span class="spacer" />
        <span class="muted small">
          {formatPlural(letter.attempts, "attempt")}, <Time at={letter.received_at} />
        </span>
      </header>
      <p>{letter.detail}</p>
      <JsonTree value={letter.body} />
      {mayOperate() && (
        <footer class="form-foot">
          {letter.expires_at !== null && (
            <span class="muted small">
              It is deleted <Time at={letter.expires_at} />.
            </span>
          )}
          <span class="spacer" />
          <Button icon="trash" onClick={() => (isDeleting.value = true)}>
            Delete…
          </Button>
          <ActionButton icon="retry" tone="main" action={redrive}>
            Try again
          </ActionButton>
        </footer>
      )}
      {isDeleting.value && (
        <Dialog title="Delete this dead letter?" onClose={() => (isDeleting.value = false)}>
          <p>What it asked for will never be done.</p>
          <DialogFoot keep="Keep it" onClose={() => (isDeleting.value = false)}>
            <ActionButton tone="danger" icon="trash" action={destroy}>
              Delete
            </ActionButton>
          </DialogFoot>
        </Dialog>
      )}
    </article>
  );
}
