import type { Page } from "playwright-core";
import type { TestApi } from "./api.ts";
import type { Press } from "./press.ts";

/** What of an app's colours, config and processes is done by buttons, in this order. */
export function lifePresses({ store }: TestApi, page: Page): Press[] {
  const settingsOf = (app: string) => store.getSettings(app);
  const optionsOf = async (app: string) => (await settingsOf(app)).options;
  const newest = async (app: string) => (await store.listDeploys(app, 1))[0];
  const asked = (app: string, kind: string) => async () => (await newest(app))?.kind === kind;
  return [
    {
      at: "/apps/shop",
      press: ["Roll back to v2", "Swap now"],
      done: async () => (await newest("shop"))?.toRelease === 2,
    },
    {
      at: "/apps/shop",
      press: ["Cancel", "Cancel the deploy"],
      done: async () => (await newest("shop"))?.state === "cancelled",
    },
    {
      at: "/apps/shop/releases",
      press: ["Swap back to v2", "Swap now"],
      done: async () => (await newest("shop"))?.toRelease === 2,
    },
    {
      at: "/apps/shop/deploys/shop-5",
      press: ["Cancel", "Cancel the deploy"],
      done: async () => (await newest("shop"))?.state === "cancelled",
    },
    {
      at: "/apps/shop/releases",
      press: ["Roll back to v1", "Roll back"],
      done: async () => (await newest("shop"))?.toRelease === 1,
    },
    {
      at: "/apps/held/releases",
      press: ["Promote v2", "Make it live"],
      done: asked("held", "promote"),
    },
    {
      at: "/apps/held",
      press: ["Cancel", "Cancel the deploy"],
      done: async () => (await newest("held"))?.state === "cancelled",
    },
    { at: "/apps/held", press: ["Promote v2", "Make it live"], done: asked("held", "promote") },
    {
      at: "/apps/held",
      press: ["Cancel", "Cancel the deploy"],
      done: async () => (await newest("held"))?.state === "cancelled",
    },
    {
      at: "/apps/held",
      press: ["Abort", "Throw it away"],
      done: async () => (await store.getApp("held"))?.held === null,
    },
    {
      at: "/apps/shop/config",
      press: ["Set and release"],
      fill: { name: "DATABASE_URL", value: "postgres://db" },
      done: async () => (await newest("shop"))?.why === "set DATABASE_URL",
    },
    {
      at: "/apps/shop/config",
      press: ["Show the values"],
      done: async () => (await page.getByText("postgres://db").count()) === 1,
    },
    {
      at: "/apps/shop/config",
      press: ["Unset DATABASE_URL", "Unset and release"],
      done: async () => (await newest("shop"))?.why === "unset DATABASE_URL",
    },
    {
      at: "/apps/shop/processes",
      press: ["Scale"],
      fill: { web: "3" },
      done: async () => (await settingsOf("shop")).formation["web"] === 3,
    },
    {
      at: "/apps/shop/processes",
      press: ["Restart", "Restart through the idle colour"],
      done: asked("shop", "restart"),
    },
    {
      at: "/apps/shop/processes",
      press: ["Stop", "Stop it"],
      done: async () => (await optionsOf("shop")).stopped === true,
    },
    {
      at: "/apps/stopped/processes",
      press: ["Start", "Start it"],
      done: async () => !(await optionsOf("stopped")).stopped,
    },
    {
      at: "/apps/held/processes",
      press: ["Change and release"],
      fill: { memory: "256" },
      done: async () => (await optionsOf("held")).runtime?.["web"]?.memory === 256,
    },
    {
      at: "/apps/shop/processes",
      press: ["Hold new versions"],
      fill: { promoteAfter: "10m" },
      done: async () => (await settingsOf("shop")).hold,
    },
    {
      at: "/apps/shop/processes",
      press: ["Swap at once again"],
      done: async () => !(await settingsOf("shop")).hold,
    },
    { at: "/apps/shop/cron", press: ["Run now", "Run it"], says: /worker/ },
  ];
}
