import { stat } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Browser, Page } from "playwright-core";
import { dashboardRoutes } from "../../../apps/dashboard/dashboard.ts";
import type { Route } from "../../../apps/dashboard/route.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { ARTEFACTS, signedIn, startBrowser } from "../../support/browser.ts";
import { faultsInAllLooks, LOOKS } from "../../support/browser-looks.ts";
import { actionsOf, pathsOf } from "../../support/buttons.ts";
import { press } from "../../support/press.ts";
import { lifePresses } from "../../support/presses.ts";
import { peoplePresses } from "../../support/presses-people.ts";
import { settingsPresses } from "../../support/presses-settings.ts";
import { seedAll } from "../../support/seed-all.ts";

let api: TestApi;
let browser: Browser;
let open: Awaited<ReturnType<typeof signedIn>>;
let routes: Route[];
let paths: string[];
let delivery: string;

test.before(async (t) => {
  t.timeout(60_000);
  api = await startApi({ acme: { directory: null, email: null } });
  await seedAll(api);
  browser = await startBrowser();
  open = await signedIn(browser, api.url, api.tokens.admin);
  routes = dashboardRoutes(api.dashboardOptions);
  const deliveries = (await api.senders.deliveries("shop")).flatMap(({ key }) => key ?? []);
  paths = [
    ...pathsOf(routes, ["shop", "empty"], {
      deploys: ["shop-3", "held-2", "builds-1"],
      deliveries,
    }),
    ...["", "/processes", "/releases"].map((tab) => `/apps/held${tab}`),
    ...["", "/processes"].map((tab) => `/apps/stopped${tab}`),
    "/apps/builds",
  ];
  delivery = `/apps/shop/webhooks/${deliveries[0]}`;
});
test.after.always(async () => {
  await browser?.close();
  await api?.stop();
});

async function go(page: Page, path: string): Promise<void> {
  // What was pressed before may lead elsewhere in that moment.
  await page.goto(api.url + path).catch(() => page.goto(api.url + path));
  const changes = await page.locator("main").getAttribute("data-live");
  if (changes) await page.locator("[data-link=on]").waitFor();
}

/** Every button that a page was seen to have. */
const seen = new Set<string>();

async function look(page: Page): Promise<void> {
  const { actions, strays } = await actionsOf(page, routes);
  if (strays.length > 0) throw new Error(`no form and no dialog: ${strays.join()}`);
  for (const action of actions) seen.add(action);
}

test.serial(
  "each page: no serious fault at 1280 and 360 px, by day and in the dark, one h1, its own title",
  async (t) => {
    t.timeout(240_000);
    const { page } = open;
    const titles = new Map<string, string>();
    const [began, kept] = [Date.now(), new Set<string>()];
    for (const path of paths) {
      await go(page, path);
      await look(page);
      const name = path.replaceAll(/\W+/g, "-").replaceAll(/^-|-$/g, "") || "home";
      const isEmpty = path.startsWith("/apps/empty");
      t.deepEqual(await faultsInAllLooks(page, isEmpty ? undefined : name), [], path);
      if (!isEmpty) for (const is of LOOKS) kept.add(`${name}-${is}.png`);
      t.is(await page.locator("h1").count(), 1, path);
      const title = await page.title();
      t.is(titles.get(title), undefined, `${path} is called ${title} too`);
      titles.set(title, path);
    }
    t.true(paths.length > 40);
    for (const file of kept) t.true((await stat(join(ARTEFACTS, file))).mtimeMs > began, file);
    const named = routes.flatMap((one) => (one.kind === "page" ? one.path.split("/").at(-1) : []));
    for (const last of named.filter((one) => one !== undefined && !/^:|^$/.test(one))) {
      for (const is of LOOKS)
        t.true(
          [...kept].some((file) => file.endsWith(`${last}-${is}.png`)),
          `${last} ${is}`,
        );
    }
    t.deepEqual(open.faults, []);
  },
);

test.serial("each link of each page leads somewhere, and to what it names there", async (t) => {
  const { page } = open;
  const links = new Set<string>();
  for (const path of paths) {
    const body = await (await page.request.get(api.url + path)).text();
    for (const [, href = ""] of body.matchAll(/ href="([^"]*)"/g)) {
      if (href.startsWith("#")) links.add(path + href);
      else if (href.startsWith("/")) links.add(href.replaceAll("&amp;", "&"));
      else t.true(URL.canParse(href), `${path}: ${href}`);
    }
  }
  t.true(links.size > 100);
  for (const link of links) {
    const answer = await page.request.get(api.url + link);
    t.is(answer.status(), 200, link);
    const [, id] = link.split("#");
    if (id !== undefined) t.true((await answer.text()).includes(`id="${id}"`), link);
  }
});

test.serial("each button of each page does what it says; one without a test fails", async (t) => {
  t.timeout(240_000);
  const { page } = open;
  const presses = [
    ...lifePresses(api, page),
    ...(await settingsPresses(api)),
    ...peoplePresses(api, page, delivery),
  ];
  const pressed = new Set<string>();
  for (const one of presses) {
    await go(page, one.at);
    pressed.add(await press(page, routes, one, () => look(page)));
  }
  t.deepEqual([...seen.difference(pressed)], [], "shown, and not pressed here");
  const forms = routes.filter(({ kind }) => kind === "form").map(({ path }) => path);
  const did = new Set([...pressed].map((one) => one.split(" ")[0]));
  t.deepEqual(
    forms.filter((path) => !did.has(path)),
    [],
    "forms of the dashboard that no button here has sent",
  );
  t.deepEqual(open.faults, []);
});

test.serial("who may only read sees no button that changes anything", async (t) => {
  const reader = await signedIn(browser, api.url, api.tokens.read);
  for (const path of paths.filter((one) => one.startsWith("/apps/shop"))) {
    const answer = await reader.page.goto(api.url + path);
    if (answer?.status() === 403) continue;
    t.is(answer?.status(), 200, path);
    const buttons = reader.page.locator("main form[method=post] button, main [popovertarget]");
    t.deepEqual(await buttons.allInnerTexts(), [], path);
  }
  await reader.close();
});
