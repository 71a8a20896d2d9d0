import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AppLogLine } from "../../apps/app-log-files.ts";
import { createCertificates } from "../../apps/certificates.ts";
import type { TestApi } from "./api.ts";
import { createIssuer } from "./certificates.ts";
import { hold, hourOf, seedApp, seedHour, seedLog } from "./seed.ts";
import { pushOf } from "./api.ts";
import { addHook, deliver, pushPayload } from "./webhook.ts";

/** Apps in every state that pages show: `shop` has all there is, `held`, `builds`, `stopped`, `empty`. */
export async function seedAll(api: TestApi): Promise<void> {
  const { store, crashes, cron, access, notifiers } = api;
  await seedApp(
    api,
    "shop",
    [
      ["3f2a91c", "Keep the cart for a week"],
      ["9be41d0", "Checkout in one step"],
      ["cd322c0", "Faster search"],
    ],
    {
      processes: { web: "node server.js", worker: "node work.js" },
      config: { STRIPE_KEY: api.options.secrets.seal("shop", "STRIPE_KEY", "sk_test_51") },
      checks: { web: [CHECK] },
      cron: [
        { id: "0a0a0a0a", command: "node sweep.js", schedule: "0 3 * * *", concurrency: "forbid" },
      ],
    },
  );
  await seedHour(api, "shop", hourOf(42, "blue", 17 * 60_000, "teal-shop-3-web-1"));
  const due = Date.now() - 3_600_000;
  await cron.write("shop", "0a0a0a0a", {
    ...{ seen: Date.now(), running: [] },
    past: [{ due, run: "1234abcd", finishedAt: due + 4200, state: "failed", exit: 3 }],
  });
  await crashes.record("shop", {
    ...{ at: Date.now() - 120_000, instance: "teal-shop-3-web-1", process: "web.1", release: 3 },
    ...{ deploy: "shop-3", cause: "exit", status: 139 },
  });
  await store.changeSettings("shop", {
    addDomains: ["shop.example.org"],
    options: {
      "page.503": "<h1>Back soon</h1>",
      build: { root: "apps/web" },
      storage: { mounts: [{ source: "data", target: "/data" }] },
    },
  });
  const pair = await (
    await createIssuer()
  ).issue(["shop.example.org"], {
    notAfter: new Date(Date.now() + 9.5 * 86_400_000),
  });
  const redis = api.redis.connect();
  const certificates = createCertificates(redis, api.options.secrets);
  await certificates.add(
    { ...({ app: "shop", source: "own", by: "ann" } as const), chain: pair.cert, key: pair.key },
    ["shop.example.org"],
  );
  redis.disconnect();
  const hook = await addHook(api, "shop", { provider: "github", branch: "main" });
  await deliver(api, hook, pushPayload("b".repeat(40), { ref: "refs/heads/other" }));
  await notifiers.add("shop", { kind: "slack", url: "https://chat.example.org/x" }, "ann");
  await access.users.add({ name: "una", role: "member", by: "ann" });
  writeLog(api.logs, "shop");
  await seedActivity(api);

  await seedApp(api, "held", [["aaaaaaa", "One"]]);
  await hold(api, "held", "bbbbbbb");
  await store.createApp("builds", "ann");
  await seedLog(api, await api.deploys.push(pushOf("builds", "aaaaaaa")));
  await seedApp(api, "stopped", [["aaaaaaa", "One"]]);
  await store.changeSettings("stopped", { options: { stopped: true } });
  await store.createApp("empty", "ann");
}

/** Of every kind: done, refused, failed. */
async function seedActivity({ audit }: TestApi): Promise<void> {
  const [ann, una] = [{ name: "ann" }, { name: "una", with: "laptop" }];
  const [cli, ssh] = [
    { over: "api", address: "192.0.2.7" },
    { over: "ssh", address: "198.51.100.4" },
  ] as const;
  await audit.record(una, ssh, { action: "push", app: "shop", deploy: "shop-3" });
  const detail = { name: "STRIPE_KEY" };
  await audit.record(ann, cli, { action: "config:set", app: "shop", detail });
  const refused = { outcome: "refused", error: "not-allowed" } as const;
  await audit.record(una, ssh, { action: "apps:destroy", app: "shop", ...refused });
  await audit.record(null, cli, { action: "sign-in", outcome: "refused", error: "not-signed-in" });
}

const CHECK = {
  ...({ type: "startup", path: "/up", attempts: 3 } as const),
  ...{ timeoutMs: 5000, waitMs: 1000, initialDelayMs: 0 },
};

function writeLog(logs: string, app: string): void {
  const dir = join(logs, "apps", app);
  mkdirSync(dir, { recursive: true });
  const lines = ["\u001B[32mGET\u001B[0m / 200 in 3 ms", "cart 17 saved", "cache is cold"].map(
    (text, i): AppLogLine => ({
      ...{ t: Date.now() - 3000 + 1000 * i, from: "web.1" },
      ...({ colour: "blue", release: 3, text } as const),
    }),
  );
  writeFileSync(
    join(dir, "v3.web.1.shop-3.jsonl"),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
}
