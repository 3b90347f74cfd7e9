/** Addresses of SNS, which a message names and the worker fetches: none but SNS's own. */
import type { Problem } from "../../core/result.ts";

/** Whether it is an https address of SNS in some region, with nothing that leads elsewhere. */
export function isOfSns(url: URL): boolean {
  return (
    url.protocol === "https:" &&
    url.port === "" &&
    url.username === "" &&
    url.password === "" &&
    /^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(url.hostname)
  );
}

/** The refusal of a message that is signed, but not as one that the endpoint takes. */
export function snsMismatch(detail: string): Problem {
  return {
    code: "signature_mismatch",
    detail,
    hint: "Compare the topic with `topics` of the endpoint in peach.conf; SNS signs the message as it is sent.",
  };
}
