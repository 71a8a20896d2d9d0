import test from "ava";
import type { Browser, Page } from "playwright-core";
import { startApi, type TestApi } from "../../support/api.ts";
import { seriousFaults, signedIn, startBrowser } from "../../support/browser.ts";
import { createIssuer } from "../../support/certificates.ts";
import { seedApp } from "../../support/seed.ts";

let api: TestApi;
let browser: Browser;
let open: Awaited<ReturnType<typeof signedIn>>;

test.before(async () => {
  api = await startApi({ acme: { directory: null, email: null } });
  browser = await startBrowser();
  open = await signedIn(browser, api.url, api.tokens.admin);
  await seedApp(api, "shop", [["aaaaaaa", "One"]], {
    processes: { web: "node server.js", worker: "node work.js" },
    checks: {
      web: [
        {
          type: "startup",
          path: "/up",
          attempts: 3,
          timeoutMs: 5000,
          waitMs: 1000,
          initialDelayMs: 0,
        },
      ],
    },
    cron: [
      { id: "0a0a0a0a", command: "node sweep.js", schedule: "0 3 * * 1-5", concurrency: "forbid" },
    ],
  });
});
test.after.always(async () => {
  await browser?.close();
  await api?.stop();
});
test.afterEach((t) => t.deepEqual(open.faults, []));

const go = async (path: string): Promise<Page> => {
  await open.page.goto(api.url + path);
  await open.page.locator("[data-link=on]").waitFor();
  return open.page;
};
const optionsOf = async () => (await api.store.getSettings("shop")).options;
const press = (page: Page, ...names: string[]) =>
  names.reduce<Promise<void>>(
    (done, name) => done.then(() => page.getByRole("button", { name, exact: true }).click()),
    Promise.resolve(),
  );
/** What was done last, as the audit log has it. */
const newest = async () => (await api.audit.list({ app: "shop", limit: 1 }))[0];

test.serial(
  "maintenance is begun and ended after asking, with a page of the app's own",
  async (t) => {
    const page = await go("/apps/shop/routing");
    await page.getByLabel("Page").selectOption("maintenance");
    await page.getByLabel("HTML").fill("<h1>Back at noon</h1>");
    await press(page, "Send this page");
    await page.getByText("the app's own, 21 bytes").waitFor();
    await press(page, "Begin the maintenance");
    t.regex(
      await page.getByRole("dialog").innerText(),
      /every request gets 503 and the app's page/,
    );
    await press(page, "Answer 503");
    await page.getByText("Routers answer 503 with the app's page").waitFor();
    t.like(await optionsOf(), {
      "routing.maintenance": true,
      "page.maintenance": "<h1>Back at noon</h1>",
    });
    const event = await newest();
    t.like(event, { who: "ann", over: "dashboard", action: "maintenance", outcome: "done" });
    t.is((await api.store.getDeploy(event?.deploy ?? ""))?.kind, "routing");
    await go("/apps/shop");
    await page.getByText("In maintenance").waitFor();
    t.deepEqual(await seriousFaults(page), []);
    await go("/apps/shop/routing");
    await press(page, "End the maintenance", "Let the app answer");
    await page.getByText("The app answers.").waitFor();
    await press(page, "Remove", "Remove the page");
    await page.getByText("while in maintenance: the router's").waitFor();
    const after = await optionsOf();
    t.false("routing.maintenance" in after || "page.maintenance" in after);
  },
);

test.serial(
  "rules of the router are set in people's units, and taken away by leaving them empty",
  async (t) => {
    const page = await go("/apps/shop/routing");
    await page.getByLabel("Send http to https").check();
    await page.getByLabel("A line in the log for each request").uncheck();
    await page.getByLabel("Send all other hosts to").fill("shop.teal.test");
    await page.getByLabel("A request's body at most").fill("0.5");
    await page.getByLabel("Browsers stay with https for").fill("30");
    await press(page, "Change the rules");
    await page.locator("#done").waitFor();
    t.like(await optionsOf(), {
      "routing.httpsRedirect": true,
      "routing.accessLog": false,
      "routing.canonicalHost": "shop.teal.test",
      "routing.maxBodyBytes": 524_288,
      "routing.hstsSeconds": 2_592_000,
    });
    await page.reload();
    t.is(await page.getByLabel("A request's body at most").inputValue(), "0.5");
    await page.getByLabel("Send all other hosts to").fill("elsewhere.example.org");
    await press(page, "Change the rules");
    t.regex(await page.getByRole("alert").innerText(), /elsewhere\.example\.org/);
    for (const name of ["A request's body at most", "Send all other hosts to"])
      await page.getByLabel(name).fill("");
    await press(page, "Change the rules");
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.locator("#done").waitFor();
    t.false("routing.maxBodyBytes" in (await optionsOf()));
  },
);

test.serial(
  "certificates: ordered or not, one's own served, with its days left, and removed",
  async (t) => {
    const page = await go("/apps/shop/domains");
    await press(page, "Order none");
    await page.getByText("The platform orders none for this app.").waitFor();
    t.deepEqual((await optionsOf()).certificates, { auto: false });
    const issuer = await createIssuer();
    const notAfter = new Date(Date.now() + 9.5 * 86_400_000);
    const pair = await issuer.issue(["shop.teal.test"], { notAfter });
    await page.getByLabel("Certificate, then each one's issuer").fill(pair.cert);
    await page.getByRole("textbox", { name: "Key" }).fill("no key");
    await press(page, "Serve with it");
    await page.getByRole("alert").waitFor();
    await page.getByRole("textbox", { name: "Key" }).fill(pair.key);
    await press(page, "Serve with it");
    await page.getByText("9 days left").waitFor();
    t.is(await page.locator(".bad", { hasText: "9 days left" }).count(), 1);
    t.false((await page.content()).includes("PRIVATE KEY-----\nM"));
    t.deepEqual(await seriousFaults(page), []);
    await press(page, "Remove", "Remove the certificate");
    await page.getByText("None: the app answers by http.").waitFor();
    t.is((await newest())?.action, "certs:remove");
  },
);

test.serial("the guard's window and thresholds are set, and it is put off", async (t) => {
  const page = await go("/apps/shop/settings");
  await page.getByLabel("A new colour is watched for").fill("120");
  await page.getByLabel("So many crashes are too many").fill("1");
  await press(page, "Change the guard");
  await page.locator("#done").waitFor();
  t.deepEqual((await optionsOf()).guard, { window: 120, crashes: 1 });
  await page.reload();
  await page.getByLabel("A new colour is watched for").fill("");
  await page.getByLabel("Watch new versions").uncheck();
  await press(page, "Change the guard");
  await page.locator("#done").waitFor();
  t.deepEqual((await optionsOf()).guard, { off: true, crashes: 1 });
});

test.serial(
  "storage, build options and what is kept are changed; a bad word says what was expected",
  async (t) => {
    const page = await go("/apps/shop/settings");
    await page.getByLabel("Volume and where the app finds it").fill("data:/data");
    await press(page, "Mount and release");
    t.regex(await page.getByRole("alert").innerText(), /overlap|at once|same time/i);
    await page.getByLabel("At a swap two versions may use it at once").check();
    await press(page, "Mount and release");
    await page.getByRole("button", { name: "Unmount data" }).waitFor();
    t.deepEqual((await optionsOf()).storage, { mounts: [{ source: "data", target: "/data" }] });
    await press(page, "Unmount data", "Unmount and release");
    await page.getByText("None: what the app writes").waitFor();
    await page.getByLabel("Option").fill("root");
    await page.getByLabel("Value").fill("apps/web");
    await press(page, "Set it");
    await page.getByRole("button", { name: "Unset root" }).waitFor();
    t.deepEqual((await optionsOf()).build, { root: "apps/web" });
    await press(page, "Unset root");
    await page.getByText("As the tree says.").waitFor();
    await page.getByLabel("Newest good releases whose image is kept").fill("5");
    await press(page, "Change what is kept");
    await page.locator("#done").waitFor();
    t.deepEqual((await optionsOf()).retention, { keep: 5 });
  },
);

test.serial(
  "cron: the schedule in words, when next, how it went with exit code and log",
  async (t) => {
    const due = Date.now() - 3_600_000;
    const run = { due, run: "1234abcd", finishedAt: due + 4200 };
    await api.cron.write("shop", "0a0a0a0a", {
      seen: Date.now(),
      running: [],
      past: [
        { ...run, state: "failed", exit: 3 },
        { due: due - 1, state: "skipped", why: "run.aa still went on" },
      ],
    });
    const page = await go("/apps/shop/cron");
    const job = page.getByRole("region", { name: "node sweep.js" });
    t.regex(await job.innerText(), /At 03:00, Monday through Friday\s+0 3 \* \* 1-5/);
    t.regex(await job.innerText(), /Next \d{4}-\d\d-\d\d 03:00,\s+in \d+ [hd]/);
    t.regex(await job.innerText(), /No run begins while the one before goes on/);
    t.regex(
      await job.locator("li").first().innerText(),
      /failed\s+1 h ago\s+exit 3\s+4\.2 s\s+log/,
    );
    t.is(
      await job.getByRole("link", { name: "Log of run.1234abcd" }).getAttribute("href"),
      "/apps/shop/logs?ps=run.1234abcd",
    );
    t.deepEqual(await seriousFaults(page), []);
  },
);

test.serial(
  "limits and grace by process type; checks as app.json has them; crashes; stopped after asking",
  async (t) => {
    await api.crashes.record("shop", {
      ...{ at: Date.now(), instance: "teal-shop-1-web-1", process: "web.1", release: 1 },
      ...{ deploy: "shop-1", cause: "exit", status: 139 },
    } as const);
    const page = await go("/apps/shop/processes");
    t.regex(
      await page.locator("[data-part=checks]").innerText(),
      /GET \/up on port 5000\s+before it serves\s+3\s+5\.0 s/,
    );
    await page.getByText("web.1 ended with status 139 (SIGSEGV)").waitFor();
    const limits = page.getByRole("form", { name: "Limits of worker" });
    await limits.getByLabel("Memory").fill("256");
    await limits.getByLabel("Processors").fill("0.5");
    await limits.getByLabel("From SIGTERM to SIGKILL").fill("60");
    await limits.getByRole("button").click();
    await page.locator("#done").waitFor();
    t.deepEqual((await optionsOf()).runtime, { worker: { memory: 256, cpus: 0.5, grace: 60 } });
    await press(page, "Stop");
    t.regex(await page.getByRole("dialog").innerText(), /Routers answer 503/);
    await press(page, "Stop it");
    await page.waitForURL(`${api.url}/apps/shop`);
    t.is((await newest())?.action, "ps:stop");
  },
);

test.serial(
  "new versions are held, with a time after which they are promoted, and the time is cleared",
  async (t) => {
    const page = await go("/apps/shop/processes");
    await page.getByLabel("Promoted by itself after").fill("10m");
    await press(page, "Hold new versions");
    await page.getByText("or until 10m are over").waitFor();
    t.like(await api.store.getSettings("shop"), { hold: true, options: { promoteAfter: 600 } });
    await page.getByLabel("Promoted by itself after").fill("");
    await press(page, "Change the time");
    await page.getByText("until they are promoted.").waitFor();
    t.false("promoteAfter" in (await optionsOf()));
    await press(page, "Swap at once again");
    await page.getByText("become live as soon as they are healthy").waitFor();
    t.false((await api.store.getSettings("shop")).hold);
  },
);

test.serial(
  "a user is added, comes in by the invitation, is given a role with the app, and is removed",
  async (t) => {
    const page = await go("/users");
    await page.getByLabel("Name").fill("una");
    await press(page, "Add and invite");
    const invitation = await page.locator(".once code").first().innerText();
    t.regex(invitation, /^tealinvite_/);
    const context = await browser.newContext();
    const theirs = await context.newPage();
    await theirs.goto(`${api.url}/sign-in`);
    await theirs.getByLabel("Token or invitation").fill(invitation);
    await theirs.keyboard.press("Enter");
    const token = await theirs.locator(".once code").innerText();
    t.like(await api.access.verifyToken(token), { user: "una" });
    await theirs.getByRole("link", { name: "I have it" }).click();
    t.is(await theirs.getByRole("link", { name: "shop" }).count(), 0);
    await go("/apps/shop/people");
    await page.getByLabel("User").selectOption("una");
    await press(page, "Give the role");
    await page.getByRole("button", { name: "Remove una" }).waitFor();
    t.like(await newest(), { action: "access:add", who: "ann" });
    await theirs.goto(`${api.url}/apps/shop/people`);
    await theirs.getByRole("heading", { name: "People" }).waitFor();
    t.is(await theirs.getByRole("button", { name: "Remove una" }).count(), 0);
    await press(page, "Remove una", "Take the role away");
    await page.getByText("Nobody but admins and tokens.").waitFor();
    t.is((await theirs.goto(`${api.url}/apps/shop`))?.status(), 404);
    await go("/users");
    await press(page, "Remove una", "Remove the user");
    await page.getByText("None yet").waitFor();
    await theirs.goto(`${api.url}/`);
    t.regex(theirs.url(), /sign-in$/);
    await theirs.getByLabel("Token or invitation").fill(invitation);
    await theirs.keyboard.press("Enter");
    await theirs.getByRole("heading", { name: /invitation/i }).waitFor();
    await context.close();
  },
);

test.serial("what is done by a button is in the activity, and leads to its deploy", async (t) => {
  await seedApp(api, "back", [
    ["aaaaaaa", "One"],
    ["bbbbbbb", "Two"],
  ]);
  const page = await go("/apps/back");
  await press(page, "Roll back to v1", "Swap now");
  await page.getByRole("region", { name: "Deploy back-3" }).waitFor();
  await go("/apps/back/activity");
  const row = page.locator(".row", { hasText: "rollback" });
  await row.getByRole("link", { name: "back-3" }).click();
  await page.waitForURL(/\/apps\/back\/deploys\/back-3$/);
  const [event] = await api.audit.list({ app: "back", limit: 1 });
  t.like(event, { action: "rollback", deploy: "back-3", over: "dashboard" });
});
