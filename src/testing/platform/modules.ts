/**
 * Packages that the worker's code imports, evaluated once: no isolate could see a state of theirs.
 */
import * as aws4fetch from "aws4fetch";
import * as croner from "croner";
import * as levenshtein from "fastest-levenshtein";
import * as jose from "jose";
import * as zod from "zod";

/** The packages by specifier. */
export const PACKAGES: Readonly<Record<string, unknown>> = {
  aws4fetch,
  croner,
  "fastest-levenshtein": levenshtein,
  jose,
  zod,
};
