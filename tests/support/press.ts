import type { Page } from "playwright-core";
import type { Route } from "../../apps/dashboard/route.ts";
import { actionOf, type Action } from "./buttons.ts";

/** A button that is pressed. `press` names it, behind that which opens its dialog. */
export interface Press {
  at: string;
  press: string[];
  /** By the names of fields; true ticks a box. */
  fill?: Record<string, string | boolean>;
  /** Whether it has done what it says. */
  done?: () => Promise<boolean>;
  /** Within so many ms; two seconds unless said. */
  withinMs?: number;
  /** What is shown instead: nobody works here. */
  says?: RegExp;
}

/**
 * Presses a button of the page that is open, waits until it has done what it says, and gives what
 * it sends. `ready`: all is filled in.
 * @throws Error when it does not do it
 */
export async function press(
  page: Page,
  routes: readonly Route[],
  { at, press: names, fill, says, done, withinMs = 2000 }: Press,
  ready: () => Promise<void> = () => Promise.resolve(),
): Promise<Action> {
  for (const name of names.slice(0, -1)) {
    await page.getByRole("button", { name, exact: true }).first().click();
  }
  const button = page.getByRole("button", { name: names.at(-1) ?? "", exact: true }).first();
  const form = page.locator("form", { has: button });
  for (const [name, value] of Object.entries(fill ?? {})) {
    const field = form.locator(`[name="${name}"]`);
    if (typeof value === "boolean") await field.setChecked(value);
    else if ((await field.evaluate((one) => one.nodeName)) === "SELECT") {
      await field.selectOption(value);
    } else await field.fill(value);
  }
  await ready();
  const action = await actionOf(button, routes);
  await button.click();
  if (says) await page.getByRole("alert").getByText(says).waitFor();
  const until = Date.now() + withinMs;
  while (done && !(await done().catch(() => false))) {
    if (Date.now() > until) {
      const alert = await page.locator(".alert").allInnerTexts();
      throw new Error(`${at}: '${names.join("', '")}' did nothing: ${alert.join(" ")}`);
    }
    await page.waitForTimeout(20);
  }
  // Else where the answer leads may overtake what is gone to next.
  await page.locator("form[aria-busy]").waitFor({ state: "detached" });
  return action;
}
