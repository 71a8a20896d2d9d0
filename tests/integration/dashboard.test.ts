import { get } from "node:http";
import type { Browser } from "playwright-core";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { picture, seriousFaults, signedIn, startBrowser } from "../support/browser.ts";
import { until } from "../support/platform.ts";
import { headersOf, type Hook, pushPayload } from "../support/webhook.ts";
import { startSteadyLoad, type SteadyLoad } from "../support/steady-load.ts";

const APP = "shop";

interface Context extends AppWorld {
  browser: Browser;
  open: Awaited<ReturnType<typeof signedIn>>;
}
const test = testApp<Context>({
  ...{ app: APP, fixture: "hello-plain", files: null, routers: 2, env: { TEAL_DRAIN: "2" } },
});
let load: SteadyLoad | null = null;

test.serial.before("a browser that is signed in", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  t.context.browser = await startBrowser();
  t.context.open = await signedIn(t.context.browser, platform.apiUrl, platform.adminToken());
});

test.serial.after.always("it is closed", async (t) => {
  await load?.stop();
  await t.context.browser?.close();
});

test.serial("a first push appears on the open home page, and its lane lights up", async (t) => {
  const { open, repo } = t.context;
  await open.page.getByText("No apps yet").waitFor();
  const pushed = await repo.push();
  t.is(pushed.status, 0, pushed.text);
  await open.page.getByRole("img", { name: "blue is live" }).waitFor();
  t.pass();
});

test.serial(
  "a push under load is watched: steps with times, the light moves, then the figures of what runs",
  async (t) => {
    const { open, repo, platform } = t.context;
    const { page } = open;
    load = startSteadyLoad(platform.routerPort, `${APP}.localhost`);
    await page.goto(`${platform.apiUrl}/apps/${APP}`);
    await page.locator(".lane.blue.live").waitFor();
    await page.evaluate("window.same = true");
    const pushing = repo.push({ "note.txt": "two" }, "Second");
    const progress = page.getByRole("region", { name: `Deploy ${APP}-2` });
    await progress.getByText(/Building/).waitFor();
    await picture(page, "running-deploy");
    await page.locator(".lane.green.live .light").waitFor({ timeout: 60_000 });
    t.is((await pushing).status, 0);
    await progress.waitFor({ state: "detached" });
    t.regex((await page.locator(".lane.green .why").textContent()) ?? "", /Second/);
    const figure = (name: string) =>
      page.locator(".lane.green .figures > div", { hasText: name }).locator("dd");
    await until(
      40_000,
      async () => Number((await figure("Requests/s").textContent())?.replaceAll(",", "")) > 0,
    );
    t.regex((await figure("p99").textContent()) ?? "", /\d ms|\d s/);
    t.regex((await figure("Memory").textContent()) ?? "", /\d MB/);
    t.regex((await figure("CPU").textContent()) ?? "", /\d %/);
    t.is(await figure("Errors").textContent(), "0 %");
    for (const name of [/^Latency.*green p50 now/, /^CPU.*green now/, /^Memory.*green now/])
      await page.getByRole("img", { name }).waitFor();
    await page.getByText("All is well").waitFor();
    t.true(await page.evaluate("window.same"));
    await picture(page, "app-on-a-platform");
  },
);

test.serial("rolling back by the button is a swap back, and no request is lost", async (t) => {
  const { page } = t.context.open;
  await page.getByRole("button", { name: "Roll back to v1", exact: true }).click();
  await page.getByRole("button", { name: "Swap now" }).click();
  await page.locator(".lane.blue.live .light").waitFor();
  await page.locator(".lane.blue .release", { hasText: "v3" }).waitFor();
  t.true(await page.evaluate("window.same"));
  const answers = await load?.stop();
  t.deepEqual(answers?.lost, []);
  t.true((answers?.answered ?? 0) > 100);
});

test.serial(
  "a version is held, thrown away, held again and promoted, each by its button",
  async (t) => {
    const { open, repo, platform } = t.context;
    const { page } = open;
    await page.getByRole("link", { name: "Processes" }).click();
    await page.getByRole("button", { name: "Hold new versions" }).click();
    await page.getByRole("button", { name: "Swap at once again" }).waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    const held = page.locator(".lane.green.held");
    const first = repo.push({ "note.txt": "three" });
    await held.waitFor({ timeout: 60_000 });
    await first;
    await page.getByRole("button", { name: "Abort", exact: true }).click();
    await page.getByRole("button", { name: "Throw it away" }).click();
    await held.waitFor({ state: "detached" });
    const second = repo.push({ "note.txt": "four" });
    await held.waitFor({ timeout: 60_000 });
    await second;
    await page.getByRole("button", { name: /^Promote v/ }).click();
    await page.getByRole("button", { name: "Make it live" }).click();
    await page.locator(".lane.green.live").waitFor();
    await until(20_000, async () => {
      const { body } = await platform.api("GET", `/apps/${APP}`);
      return body.live.colour === "green" && body.lastDeploy.state === "live";
    });
    await platform.api("POST", `/apps/${APP}/hold`, { hold: false });
    t.pass();
  },
);

test.serial(
  "an open page outlives the API: it says that it is cut off, comes back, and shows what it missed",
  async (t) => {
    const { open, platform } = t.context;
    const { page } = open;
    await page.locator("[data-link=on]").waitFor();
    await page.evaluate("window.same = true");
    platform.signal("web", "SIGKILL");
    await page.locator("[data-link=off]").waitFor();
    await until(30_000, async () => {
      const asked = await platform.api("POST", `/apps/${APP}/rollback`, {});
      return asked.status === 202;
    });
    await page.locator("[data-link=on]").waitFor({ timeout: 30_000 });
    await page.locator(".lane.blue.live .light").waitFor();
    t.true(await page.evaluate("window.same"));
  },
);

test.serial(
  "the app's logs: the routers' lines as they come, and only those asked for",
  async (t) => {
    const { open, platform } = t.context;
    const { page } = open;
    await page.getByRole("link", { name: "Logs" }).click();
    await page.getByLabel("From").selectOption("router");
    await page.getByLabel("With the text").fill("/looked-for");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.locator("[data-link=on]").waitFor();
    const before = await page.locator(".log li").count();
    for (const path of ["/something", "/looked-for?a=1"]) {
      await new Promise((done) => {
        const options = { host: "127.0.0.1", port: platform.routerPort, path };
        get({ ...options, headers: { host: `${APP}.localhost` } }, (answer) =>
          answer.resume().on("end", done),
        );
      });
    }
    await page.locator(".log li", { hasText: "/looked-for" }).waitFor();
    t.is(await page.locator(".log li").count(), before + 1);
    t.deepEqual(await seriousFaults(page), []);
    await picture(page, "logs-of-routers", false);
    await page.getByRole("link", { name: "Activity" }).last().click();
    await page.locator(".row", { hasText: "promote" }).first().waitFor();
    await picture(page, "activity", false);
    t.deepEqual(await seriousFaults(page), []);
  },
);

test.serial(
  "a build's log grows while it is read; scaling is seen; nothing went wrong in the browser",
  async (t) => {
    const { open, repo, platform } = t.context;
    const { page } = open;
    const pushing = repo.push({ "note.txt": "five" });
    const { body } = await platform.api("GET", `/apps/${APP}`);
    const next = `${APP}-${body.lastDeploy.seq + 1}`;
    await until(20_000, async () => (await platform.api("GET", `/deploys/${next}`)).status === 200);
    await page.goto(`${platform.apiUrl}/apps/${APP}/deploys/${next}`);
    await page.locator(".log li", { hasText: "Live at" }).waitFor({ timeout: 60_000 });
    await page.locator(".title .state.live").waitFor();
    t.is((await pushing).status, 0);
    const numbers = await page
      .locator(".log li")
      .evaluateAll((lines) => lines.map((one) => one.id));
    t.deepEqual(
      numbers,
      numbers.map((_, i) => `L${i + 1}`),
    );
    await page.reload();
    t.is(await page.locator(".log li").count(), numbers.length);
    t.deepEqual(await seriousFaults(page), []);
    await picture(page, "log-on-a-platform", false);
    await page.getByRole("link", { name: "Processes" }).click();
    await page.getByRole("spinbutton", { name: "web" }).fill("2");
    await page.getByRole("button", { name: "Scale" }).click();
    await page.getByRole("rowheader", { name: "web.2" }).waitFor({ timeout: 60_000 });
    t.deepEqual(open.faults, []);
  },
);

test.serial(
  "config, a restart, a domain, a webhook and a token: each set on its page, and true of what runs",
  async (t) => {
    const { open, platform } = t.context;
    const { page } = open;
    const at = `${platform.apiUrl}/apps/${APP}`;
    const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
    const live = async () => (await platform.api("GET", `/apps/${APP}`)).body.lastDeploy;
    const isLive = (why: string) => async () => {
      const deploy = await live();
      return deploy.why === why && deploy.state === "live";
    };
    await page.goto(`${at}/config`);
    await page.getByRole("textbox", { name: "Name" }).fill("GREETING");
    await page.getByRole("textbox", { name: "Value" }).fill("hello");
    await press("Set and release");
    await until(40_000, isLive("set GREETING"));
    await page.getByText("not live yet").waitFor({ state: "detached" });
    const { body } = await platform.api("GET", `/apps/${APP}/inspect`);
    t.true(body.instances[0].container.env.includes("GREETING"));

    await page.goto(`${at}/processes`);
    await press("Restart");
    await press("Restart through the idle colour");
    await page.waitForURL(at);
    await until(40_000, isLive("restart"));

    await page.goto(`${at}/domains`);
    await page.getByLabel("Host").fill("www.shop.test");
    await press("Add the domain");
    await page.getByRole("button", { name: "Remove www.shop.test" }).waitFor();
    await until(20_000, async () => {
      const answer = await ask(platform.routerPort, "www.shop.test");
      return answer === (await ask(platform.routerPort, `${APP}.localhost`));
    });

    await page.goto(`${at}/webhooks`);
    await page.getByLabel("Provider").selectOption("github");
    await press("Add the webhook");
    const [address = "", secret = ""] = await page.locator(".once code").allInnerTexts();
    await page.getByRole("link", { name: "I have it" }).click();
    const payload = JSON.stringify(pushPayload("b".repeat(40), { ref: "refs/heads/other" }));
    const sender = { provider: "github" } as Hook["sender"];
    const headers = headersOf({ sender, secret, path: "" }, payload);
    const answer = await fetch(address, { method: "POST", headers, body: payload });
    t.is(answer.status, 200);
    await page.locator(".row", { hasText: "this sender deploys main" }).waitFor();

    await page.goto(`${platform.apiUrl}/access`);
    await page.getByRole("form", { name: "A new token" }).getByLabel("Name").fill("ci");
    await press("Make a token");
    const token = await page.locator(".once code").innerText();
    const statusWith = async () =>
      (
        await fetch(`${platform.apiUrl}/api/v1/apps/${APP}`, {
          headers: { Authorization: `Bearer ${token}` },
        })
      ).status;
    t.is(await statusWith(), 200);
    await page.getByRole("link", { name: "I have it" }).click();
    await press("End ci");
    await press("End the token");
    await page.getByRole("button", { name: "End ci" }).waitFor({ state: "detached" });
    t.is(await statusWith(), 401);
    t.deepEqual(open.faults, []);
  },
);

test.serial("a job is run now, the app stopped and started, each by its button", async (t) => {
  const { open, repo, platform } = t.context;
  const { page } = open;
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  await load?.stop();
  load = null;
  const cron = [{ command: "echo swept by hand", schedule: "0 0 1 1 *" }];
  const pushed = await repo.push({ "app.json": JSON.stringify({ cron }) }, "A job");
  t.is(pushed.status, 0, pushed.text);

  await page.goto(`${platform.apiUrl}/apps/${APP}/cron`);
  await press("Run now");
  await press("Run it");
  await page.waitForURL(/\/logs/);
  await page.getByText("swept by hand").first().waitFor();

  await page.goto(`${platform.apiUrl}/apps/${APP}/processes`);
  await press("Stop");
  await press("Stop it");
  await page.waitForURL(`${platform.apiUrl}/apps/${APP}`);
  await page.getByText("Routers answer 503.").waitFor();

  await page.getByRole("link", { name: "Start it" }).click();
  await press("Start");
  await press("Start it");
  await page.waitForURL(`${platform.apiUrl}/apps/${APP}`);
  await page.getByText("Routers answer 503.").waitFor({ state: "detached" });
  t.pass();
});
