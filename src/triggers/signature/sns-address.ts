/** Addresses of SNS, which a message names and the worker fetches: none but SNS's own. */
import type { Problem } from "../../domain/problem.ts";

/**
 * By the form of the regions' names. Of all else that begins so, `sns.s3.amazonaws.com` and `sns.s3-us-west-2.amazonaws.com` are the bucket that
 * somebody has called "sns", with whatever they put there.
 */
const HOST = /^sns\.[a-z]{2}(-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?$/;

/** Whether it is an https address of SNS in some region, with nothing that leads elsewhere. */
export function isOfSns(url: URL): boolean {
  return (
    url.protocol === "https:" &&
    url.port === "" &&
    url.username === "" &&
    url.password === "" &&
    HOST.test(url.hostname)
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
