/** The answers and errors after which a client that insists repeats its request. */
import { RequestDied } from "./platform/rig.ts";
import { isPlatforms } from "./platform/wire.ts";

/** Tests for a failure of the platform. A client then repeats the request. */
export function isOfPlatform(error: unknown): boolean {
  if (error instanceof RequestDied || isPlatforms(error)) return true;
  return error instanceof Error && (isOfPlatform(error.cause) || /Unreachable/.test(error.name));
}

/** Tests for a temporary refusal: another try may succeed. */
export function isForNow(answer: unknown): boolean {
  if (answer instanceof Response) return answer.status === 429 || answer.status === 503;
  if (typeof answer !== "object" || answer === null || !("problem" in answer)) return false;
  const { problem } = answer;
  return (
    typeof problem === "object" &&
    problem !== null &&
    "code" in problem &&
    problem.code === "overloaded"
  );
}
