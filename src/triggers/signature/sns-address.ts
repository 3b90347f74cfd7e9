/**
 * Addresses of SNS. A message names an address that the worker fetches, so only SNS's own are
 * allowed.
 */
import type { Problem } from "../../domain/problem.ts";

/**
 * The form of region names. Similar hosts are not safe: `sns.s3.amazonaws.com` and
 * `sns.s3-us-west-2.amazonaws.com` are a bucket that anyone could have named "sns" and filled.
 */
const HOST = /^sns\.[a-z]{2}(-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?$/;

/** True for an https address of SNS in some region without any part that leads elsewhere. */
export function isOfSns(url: URL): boolean {
  return (
    url.protocol === "https:" &&
    url.port === "" &&
    url.username === "" &&
    url.password === "" &&
    HOST.test(url.hostname)
  );
}

/** The refusal of a message with a signature that the endpoint does not accept. */
export function snsMismatch(detail: string): Problem {
  return {
    code: "signature_mismatch",
    detail,
    hint: "Compare the topic with `topics` of the endpoint in peach.conf; SNS signs the message as it is sent.",
  };
}
