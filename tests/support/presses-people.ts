import { generateKeyPairSync } from "node:crypto";
import type { Page } from "playwright-core";
import type { TestApi } from "./api.ts";
import type { Press } from "./press.ts";

/** Who is told, who may come in, and leaving: what is done of these by buttons, in this order. */
export function peoplePresses(api: TestApi, page: Page, delivery: string): Press[] {
  const { access, senders, notifiers } = api;
  const { users } = access;
  const hasToken = async (wanted: string) =>
    (await access.listTokens()).some(({ name }) => name === wanted);
  return [
    {
      at: delivery,
      press: ["Redeliver", "Look at it again"],
      done: async () => (await senders.deliveries("shop")).length === 2,
    },
    {
      at: "/apps/shop/webhooks",
      press: ["Add the webhook"],
      fill: { provider: "gitea" },
      done: async () => (await senders.list("shop")).length === 2,
    },
    {
      at: "/apps/shop/webhooks",
      press: ["Remove", "Remove it"],
      done: async () => (await senders.list("shop")).length === 1,
    },
    {
      at: "/apps/shop/notifications",
      press: ["Add"],
      fill: { kind: "webhook", url: "https://ops.example.org/x" },
      done: async () => (await notifiers.list("shop")).length === 2,
    },
    {
      at: "/apps/shop/notifications",
      press: ["Remove", "Remove it"],
      done: async () => (await notifiers.list("shop")).length === 1,
    },
    {
      at: "/apps/shop/people",
      press: ["Give the role"],
      fill: { user: "una" },
      done: async () => (await users.collaborators("shop")).length === 1,
    },
    {
      at: "/apps/shop/people",
      press: ["Remove una", "Take the role away"],
      done: async () => (await users.collaborators("shop")).length === 0,
    },
    {
      at: "/users",
      press: ["Add and invite"],
      fill: { name: "kim" },
      done: async () => (await page.locator(".once").innerText()).includes("tealinvite_"),
    },
    {
      at: "/users",
      press: ["Invite una", "Make an invitation"],
      done: async () => (await page.locator(".once").innerText()).includes("tealinvite_"),
    },
    {
      at: "/users",
      press: ["Remove una", "Remove the user"],
      done: async () => (await users.list()).length === 1,
    },
    {
      at: "/access",
      press: ["Make a token"],
      fill: { name: "ci", days: "30" },
      done: () => hasToken("ci"),
    },
    {
      at: "/access",
      press: ["End ci", "End the token"],
      done: async () => !(await hasToken("ci")),
    },
    {
      at: "/access",
      press: ["Add the key"],
      fill: { name: "kim", key: publicKey() },
      done: async () => (await access.listKeys()).length === 1,
    },
    {
      at: "/access",
      press: ["Remove kim", "Remove the key"],
      done: async () => (await access.listKeys()).length === 0,
    },
    { at: "/", press: ["Sign out"], done: async () => page.url().endsWith("/sign-in") },
  ];
}

function publicKey(): string {
  const x = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "";
  const head = Buffer.from("0000000b7373682d6564323535313900000020", "hex");
  const blob = Buffer.concat([head, Buffer.from(x, "base64url")]);
  return `ssh-ed25519 ${blob.toString("base64")} kim`;
}
