/** The dashboard of a running Peach in a browser's page, and everything that went wrong in it. */
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import type { LocalRuntime } from "../../../src/local/runtime.ts";

const WAIT_MS = 20_000;

export interface DashboardOptions {
  readonly theme?: "light" | "dark";
  readonly width?: number;
  /** Default: logged in with the runtime's token. */
  readonly isLoggedIn?: boolean;
}

export class Dashboard {
  readonly page: Page;
  /** Errors of scripts, refusals of the policy, and requests to anybody else. */
  readonly faults: string[] = [];
  readonly #context: BrowserContext;
  readonly #url: string;

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.#context = context;
    this.page = page;
    this.#url = url;
    page.on("pageerror", (error) => this.faults.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // An answer of 4xx is told there too; the page shows it as a problem.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        this.faults.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== url && protocol !== "data:" && protocol !== "blob:") this.faults.push(`request: ${request.url()}`);
    });
  }

  /** A page of its own, with cookies of its own. */
  static async open(
    browser: Browser,
    runtime: Pick<LocalRuntime, "url" | "token">,
    options: DashboardOptions = {},
  ): Promise<Dashboard> {
    const { theme = "light", width = 1_280, isLoggedIn = true } = options;
    const context = await browser.newContext({
      viewport: { width, height: 860 },
      colorScheme: theme,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    context.setDefaultTimeout(WAIT_MS);
    const dashboard = new Dashboard(context, await context.newPage(), runtime.url);
    if (isLoggedIn) {
      await context.request.post(`${runtime.url}/dashboard/login`, {
        data: { token: runtime.token },
        headers: { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" },
      });
    }
    return dashboard;
  }

  /** Goes to a path below /dashboard. */
  async goto(path = ""): Promise<void> {
    await this.page.goto(`${this.#url}/dashboard${path}`);
  }

  /** Goes to a path below /dashboard as the browser's buttons do; only the first time the page is loaded. */
  async show(path: string): Promise<void> {
    if (this.page.url() === "about:blank") return this.goto(path);
    const to = JSON.stringify(`/dashboard${path}`);
    await this.page.evaluate(`history.pushState(null, "", ${to}); dispatchEvent(new PopStateEvent("popstate"))`);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name });
  }

  text(text: string | RegExp): Locator {
    return this.page.getByText(text).first();
  }

  /** The box of a task in the graph. */
  box(task: string): Locator {
    return this.page.locator(`[data-task="${task}"] button`);
  }

  /** Waits until the box of a task has this status. */
  async boxIs(task: string, status: string): Promise<void> {
    await this.page.locator(`[data-task="${task}"] [data-status="${status}"]`).waitFor();
  }

  /** The id of the run whose page is shown; waits for one. */
  async runId(): Promise<string> {
    await this.page.waitForURL(/\/dashboard\/runs\/run_/);
    return new URL(this.page.url()).pathname.split("/").at(-1) ?? "";
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}
