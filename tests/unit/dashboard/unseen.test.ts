import test from "ava";
import type { Browser, Page } from "playwright-core";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { signedIn, startBrowser } from "../../support/browser.ts";
import { seedApp } from "../../support/seed.ts";

let api: TestApi;
let browser: Browser;

test.before(async () => {
  api = await startApi();
  browser = await startBrowser();
  await seedApp(api, "shop", [["3f2a91c", "Keep the cart for a week"]]);
});
test.after.always(async () => {
  await browser?.close();
  await api?.stop();
});

/** As when somebody turns to another tab, and back: a browser without a screen has none that is hidden. */
const turn = (page: Page, hidden: boolean) =>
  page.evaluate(`
    Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  `);

test.serial(
  "a page that nobody sees gives its stream up, and shows what it missed when it is seen again",
  async (t) => {
    const { page, faults, close } = await signedIn(browser, api.url, api.tokens.admin);
    await page.clock.install();
    await page.goto(`${api.url}/apps/shop`);
    await page.locator("[data-link=on]").waitFor();
    await page.evaluate("window.same = true");
    const ended: string[] = [];
    page.on("requestfailed", (request) => void ended.push(request.resourceType()));

    await turn(page, true);
    await page.clock.fastForward(5000);
    await turn(page, false);
    await page.clock.fastForward(20_000);
    t.deepEqual(ended, [], "who is back soon has lost nothing");

    await turn(page, true);
    const gone = page.waitForEvent("requestfailed", (it) => it.resourceType() === "eventsource");
    await page.clock.fastForward(11_000);
    await gone;
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", "bbbbbbb", "Two")));
    t.is(await page.locator(".lane.green.live").count(), 0);

    await turn(page, false);
    await page.locator(".lane.green.live .light").waitFor();
    t.true(await page.evaluate("window.same"));
    t.deepEqual(faults, []);
    await close();
  },
);

test.serial("no open page asks for anything while nothing happens, for ten minutes", async (t) => {
  const { page, close } = await signedIn(browser, api.url, api.tokens.admin);
  await page.clock.install();
  for (const path of ["/", "/apps/shop", "/apps/shop/deploys/shop-1", "/apps/shop/logs"]) {
    await page.goto(api.url + path);
    await page.locator("[data-link=on]").waitFor();
    await page.waitForLoadState("load");
    const asked: string[] = [];
    const note = (request: { url(): string }) => void asked.push(request.url());
    page.on("request", note);
    await page.clock.runFor(600_000);
    page.off("request", note);
    t.deepEqual(asked, [], path);
  }
  await close();
});

test.serial("a page that the store had no answer for comes by itself once it has", async (t) => {
  const { page, faults, close } = await signedIn(browser, api.url, api.tokens.admin);
  await page.goto(`${api.url}/apps/shop`);
  await page.locator("[data-link=on]").waitFor();
  api.redis.server.kill("SIGSTOP");
  t.teardown(() => api.redis.server.kill("SIGCONT"));
  await page.getByRole("link", { name: "Releases", exact: true }).click();
  await page.getByText("does not answer").waitFor();
  await page.getByText("This page comes by itself").waitFor();
  api.redis.server.kill("SIGCONT");
  await page.getByRole("heading", { name: "Releases", level: 1 }).waitFor();
  await page.locator("[data-link=on]").waitFor();
  t.is(new URL(page.url()).pathname, "/apps/shop/releases");
  t.deepEqual(faults, []);
  await close();
});
