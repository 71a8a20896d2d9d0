import test from "ava";
import type { Browser, Page } from "playwright-core";
import { staticPath } from "../../../apps/dashboard/static.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { picture, seriousFaults, signedIn, startBrowser } from "../../support/browser.ts";
import { faultsInAllLooks } from "../../support/browser-looks.ts";
import { addHook, deliver, pushPayload } from "../../support/webhook.ts";
import { hold, hourOf, seedApp, seedHour, seedLog } from "../../support/seed.ts";

let api: TestApi;
let browser: Browser;

test.before(async () => {
  api = await startApi();
  browser = await startBrowser();
  await seedApp(api, "shop", [
    ["3f2a91c", "Keep the cart for a week"],
    ["9be41d0", "Checkout in one step"],
    ["cd322c0", "Faster search"],
  ]);
  await seedHour(api, "shop", hourOf(42, "blue", 17 * 60_000, "teal-shop-3-web-1"));
  await api.senders.add("shop", { provider: "github" }, "ann");
  await api.store.createApp("empty", "ann");
});
test.after.always(async () => {
  await browser?.close();
  await api?.stop();
});

const open = (options: Parameters<typeof signedIn>[3] = {}) =>
  signedIn(browser, api.url, api.tokens.admin, options);

test.serial("the sign-in page and an error have no serious fault either", async (t) => {
  const { page, close } = await open();
  await page.goto(`${api.url}/apps/nosuch`);
  t.deepEqual(await faultsInAllLooks(page, "error"), []);
  await page.getByRole("link", { name: "All apps" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/sign-in/);
  t.deepEqual(await faultsInAllLooks(page, "sign-in"), []);
  await page.getByLabel("Token").fill("teal_wrong");
  await page.keyboard.press("Enter");
  t.is(await page.getByRole("alert").textContent(), "That is no valid token.");
  await close();
});

test.serial(
  "an open page sees the light move at a swap, says so, and is not loaded again",
  async (t) => {
    await seedApp(api, "moves", [["aaaaaaa", "One"]]);
    const { page, faults, close } = await open();
    await page.goto(`${api.url}/apps/moves`);
    await page.locator(".lane.blue.live .light").waitFor();
    await page.evaluate("window.same = true");
    await goLive(api.store, "moves", await api.deploys.push(pushOf("moves", "bbbbbbb", "Two")));
    await page.locator(".lane.green.live .light").waitFor();
    t.regex((await page.locator(".lane.green .release").textContent()) ?? "", /v2\s+bbbbbbb/);
    await page.locator(".lane.blue.standby").waitFor();
    t.is(await page.locator("#said").textContent(), "green is live now");
    t.true(await page.evaluate("window.same"));
    t.deepEqual(faults, []);
    await close();
  },
);

test.serial("what is wrong with an app comes onto its open page, with what to do", async (t) => {
  await seedApp(api, "unwell", [["aaaaaaa", "One"]]);
  const { page, faults, close } = await open();
  await page.goto(`${api.url}/apps/unwell`);
  // Nobody works here.
  const found = page.getByRole("region", { name: "What was found" }).getByRole("listitem");
  t.regex(await found.first().innerText(), /soon wrong|wrong/);
  t.regex(await found.first().innerText(), /0 workers answered.*teal/s);
  t.deepEqual(await seriousFaults(page), []);
  t.deepEqual(faults, []);
  await close();
});

test.serial(
  "at a glance: which app a page is about, what goes into the idle colour, and that an app is stopped",
  async (t) => {
    await seedApp(api, "glance", [["aaaaaaa", "One"]]);
    const { page, faults, close } = await open();
    await page.goto(`${api.url}/apps/glance/config`);
    const where = page.locator(".where");
    t.regex(await where.innerText(), /glance\s+blue v1 live$/i);
    await goLive(api.store, "glance", await api.deploys.push(pushOf("glance", "bbbbbbb", "Two")));
    await where.getByText("v2 live").waitFor();
    t.regex(await where.innerText(), /green v2 live\s+blue v1 standby$/i);
    await where.getByRole("link", { name: "glance" }).click();
    const third = await api.deploys.push(pushOf("glance", "ccccccc", "Three"));
    await seedLog(api, third);
    const next = page.locator(".lane.blue .guard");
    await next.getByText("glance-3 takes this colour next: Checking web.1").waitFor();
    await goLive(api.store, "glance", third);
    await next.waitFor({ state: "detached" });
    await page.locator(".lane.live .light").waitFor();
    await api.deploys.stop({ app: "glance", by: "ann", stopped: true });
    await page.locator(".lane.live.stopped").waitFor();
    t.is(await page.locator(".light").count(), 0);
    await page.goto(`${api.url}/`);
    const card = page.getByRole("listitem").filter({ hasText: "glance" });
    t.is(await card.locator(".health").innerText(), "stopped");
    await page.goto(`${api.url}/apps/empty`);
    await page.getByText("The first version starts here").waitFor();
    t.false(await page.locator("[data-charts]").isVisible());
    t.deepEqual(faults, []);
    await close();
  },
);

test.serial("who wants less motion sees the swap without it", async (t) => {
  await seedApp(api, "calm", [["aaaaaaa", "One"]]);
  const { page, close } = await open({ reducedMotion: "reduce" });
  await page.goto(`${api.url}/apps/calm`);
  await page.locator("[data-link=on]").waitFor();
  await page.evaluate(
    "document.startViewTransition = () => { throw new Error('moved'); }; addEventListener('error', () => (window.moved = true))",
  );
  await goLive(api.store, "calm", await api.deploys.push(pushOf("calm", "bbbbbbb", "Two")));
  await page.locator(".lane.green.live").waitFor();
  t.is(await page.evaluate("window.moved"), undefined);
  await close();
});

const untilDeploy = async (page: Page, id: string) =>
  page.getByRole("region", { name: `Deploy ${id}` }).waitFor();

test.serial(
  "rolling back by keyboard: the button says what it will do, Escape leaves it, Enter does it",
  async (t) => {
    await seedApp(api, "keys", [
      ["aaaaaaa", "One"],
      ["bbbbbbb", "Two"],
    ]);
    const { page, faults, close } = await open();
    await page.goto(`${api.url}/apps/keys`);
    const button = page.getByRole("button", { name: "Roll back to v1", exact: true });
    await button.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    t.regex((await dialog.textContent()) ?? "", /blue still runs v1.*No request is dropped/s);
    t.deepEqual(await faultsInAllLooks(page, "roll-back-asks"), []);
    await page.keyboard.press("Escape");
    t.is(await dialog.count(), 0);
    t.is((await api.store.listDeploys("keys", 9)).length, 2);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    t.is(await page.evaluate("document.activeElement.textContent"), "Swap now");
    await page.keyboard.press("Enter");
    await untilDeploy(page, "keys-3");
    t.like(await api.store.getDeploy("keys-3"), { kind: "rollback", toRelease: 1, by: "ann" });
    t.is(page.url(), `${api.url}/apps/keys`);
    t.deepEqual(faults, []);
    await close();
  },
);

test.serial(
  "what is held is promoted or thrown away, and a deploy is cancelled, each after asking",
  async (t) => {
    await seedApp(api, "holds", [["aaaaaaa", "One"]]);
    await hold(api, "holds", "bbbbbbb");
    const { page, close } = await open();
    await page.goto(`${api.url}/apps/holds`);
    await page.locator(".lane.green.held").waitFor();
    await picture(page, "held");
    await page.getByRole("button", { name: "Promote v2" }).click();
    await page.getByRole("button", { name: "Make it live" }).click();
    await untilDeploy(page, "holds-3");
    t.like(await api.store.getDeploy("holds-3"), {
      kind: "promote",
      toRelease: 2,
      state: "queued",
    });
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel the deploy" }).click();
    await page.waitForURL(/holds-3$/);
    t.is((await api.store.getDeploy("holds-3"))?.state, "cancelled");
    await page.goto(`${api.url}/apps/holds`);
    await page.getByRole("button", { name: "Abort", exact: true }).click();
    await page.getByRole("button", { name: "Throw it away" }).click();
    await page.locator(".lane.green.idle").waitFor();
    t.is((await api.store.getApp("holds"))?.held, null);
    await close();
  },
);

test.serial(
  "a deploy that goes on: steps with times, its log grows in colour, is searched, and each line has an address",
  async (t) => {
    await api.store.createApp("builds", "ann");
    const deploy = await api.deploys.push(pushOf("builds", "aaaaaaa"));
    await seedLog(api, deploy);
    const { page, faults, close } = await open();
    await page.goto(`${api.url}/apps/builds/deploys/${deploy.id}`);
    await page.locator("[data-link=on]").waitFor();
    t.is(await page.locator(".log li").count(), 8);
    await api.deployLog.append(deploy.id, [
      { kind: "step", text: "Swapped to blue" },
      { kind: "output", text: "\u001B[31m<img src=x onerror=alert(1)>\u001B[0m" },
    ]);
    const line = page.locator("#L10");
    await line.waitFor();
    t.is(await line.locator(".c1").textContent(), "<img src=x onerror=alert(1)>");
    await page.locator(".steps li", { hasText: "Swapped to blue" }).waitFor();
    t.regex((await page.locator(".steps li").first().textContent()) ?? "", /\d ms|\d s/);
    await page.keyboard.press("/");
    await page.keyboard.type("WARN");
    t.is(await page.locator(".log li:visible").count(), 1);
    t.is(await page.getByRole("status").getByText("1 lines").count(), 1);
    await page.getByLabel("Search the log").fill("");
    await line.getByRole("link").click();
    t.regex(page.url(), /#L10$/);
    await page.reload();
    t.false(await page.getByLabel("Follow").isChecked());
    await goLive(api.store, "builds", deploy);
    await page.locator(".title .state.live").waitFor();
    await picture(page, "deploy-log");
    t.deepEqual(faults, []);
    await close();
  },
);

test.serial(
  "config is masked until it is asked for; set and unset each ask for a release",
  async (t) => {
    await seedApp(api, "vars", [["aaaaaaa", "One"]]);
    const { page, close } = await open();
    await page.goto(`${api.url}/apps/vars/config`);
    await page.getByRole("textbox", { name: "Name" }).fill("DATABASE_URL");
    await page.getByRole("textbox", { name: "Value" }).fill("postgres://u:s3cret@db/shop");
    await page.getByRole("button", { name: "Set and release" }).click();
    await page.getByText("not live yet").waitFor();
    t.false((await page.content()).includes("s3cret"));
    t.like(await api.store.getDeploy("vars-2"), { kind: "config", why: "set DATABASE_URL" });
    await page.getByRole("button", { name: "Show the values" }).click();
    await page.getByText("postgres://u:s3cret@db/shop").waitFor();
    const [shown] = await api.audit.list({ app: "vars", limit: 1 });
    t.like(shown, { who: "ann", over: "dashboard", action: "config:reveal", outcome: "done" });
    t.false(api.logged.some((line) => line.includes("s3cret")));
    await page.getByRole("link", { name: "Hide the values" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("PORT");
    await page.getByRole("button", { name: "Set and release" }).click();
    t.regex((await page.getByRole("alert").textContent()) ?? "", /PORT is given by the platform/);
    await page.getByRole("button", { name: "Unset DATABASE_URL" }).click();
    await page.getByRole("button", { name: "Unset and release" }).click();
    await page.getByText("goes with the next release").waitFor();
    t.like(await api.store.getDeploy("vars-3"), { why: "unset DATABASE_URL" });
    await close();
  },
);

test.serial(
  "a webhook's delivery shows what came and what was answered, and is looked at again",
  async (t) => {
    await seedApp(api, "hooked", [["aaaaaaa", "One"]]);
    const hook = await addHook(api, "hooked", { provider: "github", branch: "main" });
    const away = await deliver(api, hook, pushPayload("b".repeat(40), { ref: "refs/heads/other" }));
    t.is(away.json.deploy, null);
    const { page, faults, close } = await open();
    await page.goto(`${api.url}/apps/hooked/webhooks`);
    await page.locator(".row", { hasText: "deploys main" }).locator("a").click();
    await page.getByText('"refs/heads/other"').waitFor();
    t.regex(await page.locator(".payload").first().innerText(), /^200 .*this sender deploys main/);
    t.false((await page.content()).includes(hook.secret));
    t.deepEqual(await seriousFaults(page), []);
    await picture(page, "delivery");
    await page.getByRole("button", { name: "Redeliver" }).click();
    await page.getByRole("button", { name: "Look at it again" }).click();
    await page.waitForURL(/webhooks$/);
    t.is(await page.locator(".row", { hasText: "deploys main" }).count(), 2);
    t.deepEqual(faults, []);
    await close();
  },
);

test.serial(
  "scale, domains, hold, webhooks, notifications, tokens and keys are changed where they are shown",
  async (t) => {
    await seedApp(api, "many", [["aaaaaaa", "One"]]);
    const { page, faults, close } = await open();
    const at = `${api.url}/apps/many`;
    await page.goto(`${at}/processes`);
    await page.getByRole("spinbutton", { name: "web" }).fill("3");
    await page.getByRole("button", { name: "Scale" }).click();
    await page.locator('input[name=web][value="3"]').waitFor();
    t.deepEqual((await api.store.getSettings("many")).formation, { web: 3 });
    await page.getByRole("button", { name: "Hold new versions" }).click();
    await page.waitForURL(`${at}/processes`);
    await page.goto(`${at}/domains`);
    await page.getByLabel("Host").fill("shop.example.org");
    await page.getByRole("button", { name: "Add the domain" }).click();
    await page.getByRole("button", { name: "Remove shop.example.org" }).click();
    await page.getByRole("button", { name: "Remove it" }).click();
    await page
      .getByRole("button", { name: "Remove shop.example.org" })
      .waitFor({ state: "detached" });
    t.deepEqual((await api.store.getSettings("many")).domains, []);
    await page.goto(`${at}/webhooks`);
    await page.getByLabel("Provider").selectOption("gitea");
    await page.getByRole("button", { name: "Add the webhook" }).click();
    await page.getByText("This is shown once").waitFor();
    await page.getByRole("link", { name: "I have it" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByRole("button", { name: "Remove it" }).click();
    await page.getByText("No webhook may deploy this app.").waitFor();
    await page.goto(`${at}/notifications`);
    await page.getByLabel("URL").fill("https://chat.example.org/x");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("link", { name: "I have it" }).click();
    await page.getByText("chat.example.org").first().waitFor();
    t.is((await api.notifiers.list("many")).length, 1);
    await page.goto(`${api.url}/access`);
    await page.getByRole("form", { name: "A new token" }).getByLabel("Name").fill("ci");
    await page.getByRole("button", { name: "Make a token" }).click();
    const secret = (await page.locator(".once code").textContent()) ?? "";
    t.like(await api.access.verifyToken(secret), { name: "ci", role: "deploy" });
    await page.getByRole("link", { name: "I have it" }).click();
    await page.getByRole("button", { name: "End ci" }).click();
    await page.getByRole("button", { name: "End the token" }).click();
    await page.getByRole("button", { name: "End ci" }).waitFor({ state: "detached" });
    t.is(await api.access.verifyToken(secret), null);
    t.deepEqual(faults, []);
    await close();
  },
);

test.serial(
  "the first load is small: everything that home and an app's page need is under 150 KB",
  async (t) => {
    for (const path of ["/", "/apps/shop"]) {
      const { page, close } = await open();
      const session = await page.context().newCDPSession(page);
      await session.send("Network.enable");
      await session.send("Network.setCacheDisabled", { cacheDisabled: true });
      let bytes = 0;
      const known = new Map<string, string>();
      session.on("Network.responseReceived", ({ requestId, response }) =>
        known.set(requestId, response.url),
      );
      const seen: string[] = [];
      // What a file took on the wire, heads and all; a stream never finishes, and is no part of the load.
      session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
        bytes += encodedDataLength;
        seen.push(new URL(known.get(requestId) ?? api.url).pathname);
      });
      await page.goto(api.url + path);
      await page.locator("[data-link=on]").waitFor();
      await page.waitForLoadState("load");
      for (const file of [path, staticPath("style.css"), staticPath("charts.js")])
        t.true(seen.includes(file));
      t.true(bytes > 10_000 && bytes < 150_000, `${path}: ${bytes}`);
      t.log(`${path}: ${bytes} bytes`);
      await close();
    }
  },
);

test.serial("the next page asks for no script and no style again", async (t) => {
  const { page, close } = await open();
  await page.goto(`${api.url}/apps/shop`);
  await page.locator("[data-link=on]").waitFor();
  const before = api.logged.length;
  await page.getByRole("link", { name: "Config" }).click();
  await page.waitForURL(/config$/);
  await page.locator("[data-link=on]").waitFor();
  const asked = api.logged.slice(before).filter((line) => line.includes('"path":"/static/'));
  t.deepEqual(asked, []);
  t.true(api.logged.slice(before).some((line) => line.includes("/apps/shop/config")));
  await close();
});

test.serial(
  "the Tab key reaches all that can be used, in the page's order, and shows where it is",
  async (t) => {
    const { page, close } = await open();
    for (const path of ["/", "/apps/shop", "/apps/shop/processes"]) {
      await page.goto(api.url + path);
      await page.locator("[data-link=on]").waitFor();
      const wanted = await page.evaluate<string[]>(`
      window.usable = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
        .filter((one) => one.checkVisibility() && !one.disabled && one.type !== 'hidden');
      usable.map((one, i) => i + ' ' + (one.textContent.trim() || one.name || one.tagName));
    `);
      const met: string[] = [];
      const unseen: string[] = [];
      for (const name of wanted) {
        await page.keyboard.press("Tab");
        const [at, isShown] = await page.evaluate<[number, boolean]>(`
        [usable.indexOf(document.activeElement), getComputedStyle(document.activeElement).outlineStyle !== 'none']
      `);
        met.push(wanted[at] ?? "something else");
        if (!isShown) unseen.push(name);
      }
      t.deepEqual(met, wanted, path);
      t.deepEqual(unseen, [], path);
      t.true(wanted.length > 5);
    }
    await close();
  },
);

test.serial("at 360 px each figure of an instance is in sight, with its name", async (t) => {
  const { page, close } = await open({ viewport: { width: 360, height: 740 } });
  await page.goto(`${api.url}/apps/shop/processes`);
  const live = page.getByRole("row", { name: /web\.1 blue v3/i });
  for (const name of ["CPU", "Throttled", "Memory", "Requests/s", "Errors", "Crashes"]) {
    const cell = live.locator(`[data-name="${name}"]`);
    t.regex((await cell.textContent()) ?? "", /\d/, name);
    const { x = -1, width = 0 } = (await cell.boundingBox()) ?? {};
    t.true(x >= 0 && x + width <= 360, `${name} from ${x}, ${width} wide`);
    const said = `getComputedStyle(document.querySelector('[data-name="${name}"]'), '::before').content`;
    t.is(await page.evaluate<string>(said), JSON.stringify(name));
  }
  await close();
});

test.serial("charts read out what they show, with the swaps, by keyboard too", async (t) => {
  const { page, close } = await open();
  await page.goto(`${api.url}/apps/shop`);
  const chart = page.getByRole("img", {
    name: /^Requests, a second, over the last hour: blue now/,
  });
  await chart.waitFor();
  t.regex((await chart.getAttribute("aria-label")) ?? "", /green .*highest \d+; [123] swaps$/);
  await chart.focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator("#said", { hasText: /: blue .*\d/ }).waitFor({ state: "attached" });
  const says = async (name: RegExp) =>
    (await page.getByRole("img", { name }).getAttribute("aria-label")) ?? "";
  t.regex(await says(/^CPU, % of a core/), /blue now [23]\d, highest [34]\d; green highest/);
  t.regex(await says(/^Memory, MB/), /blue now (8|9)\d, highest 9\d; green highest/);
  t.regex(await says(/^Saturation, % of its limits/), /blue now 3\d, highest/);
  await close();
});
