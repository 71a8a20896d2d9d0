import type { TestApi } from "./api.ts";
import { createIssuer } from "./certificates.ts";
import type { Press } from "./press.ts";

/** What is set of an app by buttons, in this order. */
export async function settingsPresses({ store, dashboardOptions }: TestApi): Promise<Press[]> {
  const settingsOf = (app: string) => store.getSettings(app);
  const optionsOf = async (app: string) => (await settingsOf(app)).options;
  const certificates = async () => (await dashboardOptions.certificates.list("shop")).length;
  const pair = await (await createIssuer()).issue(["shop.example.org"]);
  return [
    {
      at: "/apps/shop/domains",
      press: ["Add the domain"],
      fill: { host: "two.example.org" },
      done: async () => (await settingsOf("shop")).domains.includes("two.example.org"),
    },
    {
      at: "/apps/shop/domains",
      press: ["Remove two.example.org", "Remove it"],
      done: async () => !(await settingsOf("shop")).domains.includes("two.example.org"),
    },
    {
      at: "/apps/shop/domains",
      press: ["Order none"],
      done: async () => (await optionsOf("shop")).certificates?.auto === false,
    },
    {
      at: "/apps/shop/domains",
      press: ["Order and renew"],
      done: async () => (await optionsOf("shop")).certificates?.auto !== false,
    },
    {
      at: "/apps/shop/domains",
      press: ["Remove", "Remove the certificate"],
      done: async () => (await certificates()) === 0,
    },
    {
      at: "/apps/shop/domains",
      press: ["Serve with it"],
      fill: { certificate: pair.cert, key: pair.key },
      done: async () => (await certificates()) === 1,
    },
    {
      at: "/apps/shop/routing",
      press: ["Begin the maintenance", "Answer 503"],
      done: async () => (await optionsOf("shop"))["routing.maintenance"] === true,
    },
    {
      at: "/apps/shop/routing",
      press: ["End the maintenance", "Let the app answer"],
      done: async () => !(await optionsOf("shop"))["routing.maintenance"],
    },
    {
      at: "/apps/shop/routing",
      press: ["Change the rules"],
      fill: { sticky: true },
      done: async () => (await optionsOf("shop"))["routing.sticky"] === true,
    },
    {
      at: "/apps/shop/routing",
      press: ["Remove", "Remove the page"],
      done: async () => (await optionsOf("shop"))["page.503"] === undefined,
    },
    {
      at: "/apps/shop/routing",
      press: ["Send this page"],
      fill: { page: "502", html: "<p>Oh</p>" },
      done: async () => (await optionsOf("shop"))["page.502"] === "<p>Oh</p>",
    },
    {
      at: "/apps/shop/settings",
      press: ["Change the guard"],
      fill: { window: "120" },
      done: async () => (await optionsOf("shop")).guard?.window === 120,
    },
    {
      at: "/apps/shop/settings",
      press: ["Unmount data", "Unmount and release"],
      done: async () => (await optionsOf("shop")).storage === undefined,
    },
    {
      at: "/apps/shop/settings",
      press: ["Mount and release"],
      fill: { mount: "more:/more", overlap: true },
      done: async () => (await optionsOf("shop")).storage?.mounts[0]?.source === "more",
    },
    {
      at: "/apps/shop/settings",
      press: ["Unset root"],
      done: async () => (await optionsOf("shop")).build === undefined,
    },
    {
      at: "/apps/shop/settings",
      press: ["Set it"],
      fill: { name: "target", value: "prod" },
      done: async () => (await optionsOf("shop")).build?.target === "prod",
    },
    {
      at: "/apps/shop/settings",
      press: ["Change what is kept"],
      fill: { keep: "5" },
      done: async () => (await optionsOf("shop")).retention?.keep === 5,
    },
  ];
}
