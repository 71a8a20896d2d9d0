import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import type { Browser } from "playwright-core";
import { signedIn, startBrowser } from "../support/browser.ts";
import { createIssuer } from "../support/certificates.ts";
import { until } from "../support/platform.ts";
import { press, type Press } from "../support/press.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";

/** Buttons that a worker or a router has to do something for, pressed where there are both. */
const APP = "desk";
const HOST = `${APP}.localhost`;
const OWN_HOST = "www.desk.test";

interface Context extends AppWorld {
  browser: Browser;
  open: Awaited<ReturnType<typeof signedIn>>;
}
const test = testApp<Context>({ app: APP, fixture: "hello-plain", env: { TEAL_DRAIN: "1" } });

test.serial.before("a browser that is signed in", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  t.context.browser = await startBrowser();
  t.context.open = await signedIn(t.context.browser, platform.apiUrl, platform.adminToken());
});
test.serial.after.always("it is closed", (t) => t.context.browser?.close());

/** What is asked in these tests of the pages, the API and the routers. */
function hands({ platform, open: { page } }: Context) {
  const api = async (path: string) => (await platform.api("GET", path)).body;
  return {
    api,
    async press(at: string, names: string[], done: () => Promise<boolean>, fill?: Press["fill"]) {
      await page.goto(`${platform.apiUrl}/apps/${APP}${at}`);
      await page.locator("[data-link=on]").waitFor();
      const one = { at, press: names, done, withinMs: 40_000, ...(fill && { fill }) };
      await press(page, [], one);
    },
    async ask(host = HOST): Promise<IncomingMessage & { body: string }> {
      const headers = { host, accept: "text/html" };
      const asked = get({ host: "127.0.0.1", port: platform.routerPort, headers, agent: false });
      const answer = await new Promise<IncomingMessage>((resolve, reject) =>
        asked.once("response", resolve).once("error", reject),
      );
      return Object.assign(answer, { body: await text(answer) });
    },
    /** The names of the certificate that routers show for a host; "" when they have none. */
    certificateFor(servername: string): Promise<string> {
      const { promise, resolve } = Promise.withResolvers<string>();
      const at = { port: platform.tlsPort, host: "127.0.0.1", servername };
      const socket = connect({ ...at, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? "");
        socket.destroy();
      });
      socket.once("error", () => resolve(""));
      return promise;
    },
    /** Whether something newer than what is the newest deploy now is live. */
    async isReleased(): Promise<() => Promise<boolean>> {
      const before = (await api(`/apps/${APP}`)).lastDeploy.id;
      return async () => {
        const { lastDeploy } = await api(`/apps/${APP}`);
        return lastDeploy.id !== before && lastDeploy.state === "live";
      };
    },
    async container() {
      const { instances } = await api(`/apps/${APP}/inspect`);
      return instances.find((one: { serves: string }) => one.serves === "live").container;
    },
  };
}

test.serial(
  "maintenance, pages, rules, domains and certificates are what routers do",
  async (t) => {
    t.timeout(120_000);
    const { press: push, ask, certificateFor } = hands(t.context);
    const status = (is: number, host?: string) => async () => (await ask(host)).statusCode === is;
    await push("/routing", ["Begin the maintenance", "Answer 503"], status(503));
    const page = { page: "maintenance", html: "<p>Back at noon</p>" };
    const sends = (its: boolean) => async () => (await ask()).body.includes("Back at noon") === its;
    await push("/routing", ["Send this page"], sends(true), page);
    await push("/routing", ["Remove", "Remove the page"], sends(false));
    await push("/routing", ["End the maintenance", "Let the app answer"], status(200));
    const sticks = async () => /teal_instance=/.test(String((await ask()).headers["set-cookie"]));
    t.false(await sticks());
    await push("/routing", ["Change the rules"], sticks, { sticky: true });

    await push("/domains", ["Add the domain"], status(200, OWN_HOST), { host: OWN_HOST });
    const pair = await (await createIssuer()).issue([OWN_HOST]);
    const shows = (names: string) => async () => (await certificateFor(OWN_HOST)) === names;
    const own = { certificate: pair.cert, key: pair.key };
    await push("/domains", ["Serve with it"], shows(`DNS:${OWN_HOST}`), own);
    await push("/domains", ["Remove", "Remove the certificate"], shows(""));
    await push("/domains", [`Remove ${OWN_HOST}`, "Remove it"], status(404, OWN_HOST));
    t.is((await ask()).statusCode, 200);
    t.deepEqual(t.context.open.faults, []);
  },
);

test.serial("config, limits and storage are those of the instance that is live", async (t) => {
  t.timeout(150_000);
  const { press: push, api, isReleased, container } = hands(t.context);
  const guarded = async () => (await api(`/apps/${APP}/guard`)).limits.window === 7;
  await push("/settings", ["Change the guard"], guarded, { window: "7" });
  const greeting = { name: "GREETING", value: "hello" };
  await push("/config", ["Set and release"], await isReleased(), greeting);
  const { watch } = await api(`/apps/${APP}/guard`);
  t.is(watch.until - watch.since, 7000);
  t.true((await container()).env.includes("GREETING"));

  await push("/config", ["Unset GREETING", "Unset and release"], await isReleased());
  t.false((await container()).env.includes("GREETING"));

  await push("/processes", ["Change and release"], await isReleased(), { memory: "200" });
  t.is((await container()).limits.memory, 200 * 1024 ** 2);

  const mount = { mount: "data:/data", overlap: true };
  await push("/settings", ["Mount and release"], await isReleased(), mount);
  t.is((await container()).mounts[0]?.target, "/data");
  await push("/settings", ["Unmount data", "Unmount and release"], await isReleased());
  t.deepEqual((await container()).mounts, []);
  t.deepEqual(t.context.open.faults, []);
});

test.serial(
  "an older release, the warm one, and one that is held go live from their list",
  async (t) => {
    t.timeout(150_000);
    const { press: push, api, ask } = hands(t.context);
    const { repo, platform } = t.context;
    const live = async () => (await api(`/apps/${APP}`)).live.release;
    const release = async (n: number) => api(`/apps/${APP}/releases/${n}`);
    const before = await live();
    await push("/releases", ["Roll back to v1", "Roll back"], async () => (await live()) > before);
    t.is((await release(await live())).rollbackOf, 1);
    const colour = (await api(`/apps/${APP}`)).live.colour;
    const swapped = async () => (await api(`/apps/${APP}`)).live.colour !== colour;
    await push("/releases", [`Swap back to v${before}`, "Swap now"], swapped);

    await platform.api("POST", `/apps/${APP}/hold`, { hold: true });
    t.is((await repo.push({ "version.txt": "held" })).status, 0);
    const { held } = await api(`/apps/${APP}`);
    t.false((await ask()).body.includes("held"));
    await push("/releases", [`Promote v${held.release}`, "Make it live"], async () =>
      (await ask()).body.includes("held"),
    );
    await platform.api("POST", `/apps/${APP}/hold`, { hold: false });
    t.deepEqual(t.context.open.faults, []);
  },
);

test.serial(
  "what a build is told holds for the next one, and a deploy under way is cancelled",
  async (t) => {
    t.timeout(120_000);
    const { press: push, api, ask } = hands(t.context);
    const { repo, open, platform } = t.context;
    const told = async () => (await api(`/apps/${APP}/build`)).build.root ?? "";
    await push("/settings", ["Set it"], async () => (await told()) === "apps/web", {
      ...{ name: "root", value: "apps/web" },
    });
    const failed = await repo.push({ "note.txt": "one" });
    t.not(failed.status, 0);
    t.regex(failed.text, /apps\/web/);
    await push("/settings", ["Unset root"], async () => (await told()) === "");

    const Procfile = "web: node server.js\nrelease: sleep 100\n";
    const pushing = repo.push({ Procfile, "version.txt": "never" });
    const newest = async () => (await api(`/apps/${APP}`)).lastDeploy;
    await until(20_000, async () => (await newest()).state === "running");
    await open.page.goto(`${platform.apiUrl}/apps/${APP}`);
    const progress = open.page.getByRole("region", { name: /^Deploy desk-/ });
    await progress
      .getByText(/release command/i)
      .first()
      .waitFor();
    await push(
      "",
      ["Cancel", "Cancel the deploy"],
      async () => (await newest()).state === "cancelled",
    );
    t.not((await pushing).status, 0);
    t.true((await ask()).body.includes("held"), "what is live goes on");
    t.deepEqual(open.faults, []);
  },
);
