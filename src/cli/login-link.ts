/** Makes log-in links to the dashboard of the local runtime. Each link works once. */
import { signLoginCode } from "../http/auth/login-code.ts";

/**
 * Makes a link to a page of the dashboard. The code is in the fragment, which browsers do not send
 * to servers; the page exchanges it for a session.
 */
export async function loginLink(url: string, token: string, path = "/login"): Promise<string> {
  return `${url}/dashboard${path}#${await signLoginCode(token, Date.now())}`;
}
