import test from "ava";
import { picture, seriousFaults, startBrowser } from "../../support/browser.ts";
import { startOidcApi } from "../../support/oidc.ts";
import { startOpenIdProvider } from "../../support/openid-provider.ts";

test("a browser that comes back from the provider's site is in, with a strict cookie", async (t) => {
  // To a browser, localhost and 127.0.0.1 are two sites.
  const provider = await startOpenIdProvider("localhost");
  const { api, redirectUri, stop } = await startOidcApi({ issuer: provider.issuer });
  const browser = await startBrowser();
  t.teardown(async () => {
    await browser.close();
    await stop();
    await provider.stop();
  });
  provider.open(redirectUri);
  provider.be({ subject: "ann-there", email: "ann@example.org" });
  const ann = { name: "ann", email: "ann@example.org" };
  await api.access.users.add({ ...ann, role: "member", by: "test" });

  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${api.url}/sign-in`);
  t.deepEqual(await seriousFaults(page), []);
  await picture(page, "sign-in-provider");
  await page.getByRole("link", { name: "Sign in with localhost" }).click();
  await page.waitForURL(`${api.url}/`);
  t.regex(await page.locator(".account").innerText(), /ann/);
  const cookies = await context.cookies(api.url);
  t.deepEqual(
    cookies.map(({ name, sameSite, httpOnly }) => ({ name, sameSite, httpOnly })),
    [{ name: "teal_session", sameSite: "Strict", httpOnly: true }],
  );
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/sign-in$/);

  // At the provider ann is still signed in.
  await context.clearCookies({ domain: "localhost" });
  provider.be({ subject: "eve-there", email: "eve@example.org" });
  await page.getByRole("link", { name: "Sign in with localhost" }).click();
  await page.waitForURL(/answer/);
  t.regex(await page.locator("h1").innerText(), /knows you as eve@example\.org/);
  t.deepEqual(await seriousFaults(page), []);
  await picture(page, "sign-in-unknown");
  t.deepEqual(await context.cookies(api.url), []);
});
