import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** Where pictures are kept. */
export const ARTEFACTS = resolve(import.meta.dirname, "../../artefacts");
const EXECUTABLE = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's Chromium without a screen; the caller closes it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });
}

/** A page of a browser of its own that is signed in. What goes wrong in the page is kept in `faults`. */
export async function signedIn(
  browser: Browser,
  url: string,
  token: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[]; close(): Promise<void> }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // A page that looks for a server that is away may say so.
    if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text()))
      faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) faults.push(`asked ${request.url()}`);
  });
  await page.goto(`${url}/sign-in`);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${url}/`);
  return { page, faults, close: () => context.close() };
}

/** Keeps a picture of the page in artefacts/. */
export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  await mkdir(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTEFACTS, `${name}.png`), fullPage });
}

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string }[];
}

/** What axe-core finds of serious faults in the page as it is. @param rules these alone */
export async function seriousFaults(page: Page, rules?: string[]): Promise<string[]> {
  // Through the debugger, not as a script of the page: the page's policy stays in force.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
  const violations = await page.evaluate<Violation[]>(
    `axe.run(document, ${JSON.stringify(options)}).then((found) => found.violations)`,
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`.slice(0, 600));
}
