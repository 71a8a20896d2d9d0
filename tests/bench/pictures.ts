import { join, resolve } from "node:path";
import { hold, hourOf, seedApp, seedHour, seedLog } from "../support/seed.ts";
import { pushOf, startApi, type TestApi } from "../support/api.ts";
import { signedIn, startBrowser } from "../support/browser.ts";

/** Makes the pictures of docs/dashboard.md, with made-up traffic: `npm run pictures`. */
const DOCS = resolve(import.meta.dirname, "../../docs");
const MINUTE = 60_000;

const api = await startApi();
const browser = await startBrowser();
try {
  await seedApps(api);
  const light = await signedIn(browser, api.url, api.tokens.admin, { deviceScaleFactor: 1 });
  const take = async (page: typeof light.page, path: string, file: string, height: number) => {
    await page.goto(api.url + path);
    await page.locator("[data-link=on]").waitFor();
    if (path.startsWith("/apps/")) await page.locator(".charts .line").first().waitFor();
    const { width } = page.viewportSize() ?? { width: 0 };
    const clip = { x: 0, y: 0, width, height };
    await page.screenshot({ path: join(DOCS, file), clip, fullPage: true });
  };
  await take(light.page, "/apps/shop", "dashboard.png", 1045);
  await take(light.page, "/", "dashboard-home.png", 520);
  const small = { viewport: { width: 360, height: 740 }, colorScheme: "dark" } as const;
  const dark = await signedIn(browser, api.url, api.tokens.admin, small);
  await take(dark.page, "/apps/shop", "dashboard-small.png", 1150);
} finally {
  await browser.close();
  await api.stop();
}

async function seedApps(world: TestApi): Promise<void> {
  // Nobody works here to look at what runs.
  world.dashboardOptions.diagnoses.of = () => ({ at: Date.now(), findings: [] });
  await seedApp(world, "shop", [
    ["3f2a91c", "Keep the cart for a week"],
    ["9be41d0", "Checkout in one step"],
    ["cd322c0", "Faster search"],
  ]);
  await ago(world, "shop", 17 * MINUTE);
  await seedHour(world, "shop", hourOf(42, "blue", 17 * MINUTE, "teal-shop-3-web-1"));
  await seedApp(world, "api", [
    ["51c07aa", "Orders by cursor"],
    ["e02b9f4", "Answer 304"],
  ]);
  await ago(world, "api", 190 * MINUTE);
  await seedHour(world, "api", hourOf(128, "green", 190 * MINUTE, "teal-api-2-web-1"));
  await seedApp(world, "blog", [["77d1e08", "New theme"]]);
  await ago(world, "blog", 2900 * MINUTE);
  await seedHour(world, "blog", hourOf(3, "blue", 2900 * MINUTE, "teal-blog-1-web-1"));
  await seedApp(world, "search", [["aa40c1e", "Index by night"]]);
  await ago(world, "search", 50 * MINUTE);
  await seedHour(world, "search", hourOf(17, "blue", 50 * MINUTE, "teal-search-1-web-1"));
  await hold(world, "search", "0b7d55f");
  await world.store.createApp("mail", "ann");
  await seedLog(world, await world.deploys.push(pushOf("mail", "c19d2e3", "First")));
}

/** What is recorded of an app was so much earlier. @param ms */
async function ago(world: TestApi, app: string, ms: number): Promise<void> {
  const redis = world.redis.connect();
  const earlier = (text: string) =>
    text.replaceAll(/\b1\d{12}\b/g, (time) => String(Number(time) - ms));
  for (const key of await redis.keys(`*${app}*`)) {
    if ((await redis.type(key)) !== "hash") continue;
    for (const [field, value] of Object.entries(await redis.hgetall(key)))
      await redis.hset(key, field, earlier(value));
  }
  redis.disconnect();
}
