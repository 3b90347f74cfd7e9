/**
 * The entry point: draws the page, starts its clock and reads the session. Without an answer the
 * login form is shown with the reason.
 */
import { render } from "preact";
import { App } from "./app.tsx";
import { showHidden } from "./hidden-text.ts";
import { startClock } from "./live/clock.ts";
import { followLinks } from "./location.ts";
import { tellProblem } from "./parts/toasts.tsx";
import { restoreSession, session } from "./session.ts";

showHidden();
const place = document.getElementById("app");
if (place !== null) render(<App />, place);
followLinks();
startClock();
restoreSession().catch((error: unknown) => {
  session.value = null;
  tellProblem(error);
});
