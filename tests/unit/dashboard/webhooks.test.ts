import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";

const PUBLIC = "https://deploy.example.org";

let api: TestApi;
test.before(async () => {
  api = await startApi({ publicUrl: PUBLIC });
  await api.store.createApp("shop", "ann");
});
test.after.always(() => api.stop());

async function ask(path: string, form?: Record<string, string>): Promise<string> {
  const headers = { Cookie: `teal_session=${api.tokens.admin}`, Origin: api.url };
  const sent = form && { method: "POST", body: new URLSearchParams(form) };
  const response = await fetch(api.url + path, { headers, redirect: "manual", ...sent });
  if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
  return response.text();
}

test("a webhook's whole address is shown, to be copied to the code host; Docker Hub's with its secret", async (t) => {
  for (const provider of ["github", "dockerhub"] as const) {
    const image: Record<string, string> = provider === "dockerhub" ? { image: "ann/shop" } : {};
    const made = await ask("/apps/shop/webhooks/add", { provider, ...image });
    const sender = (await api.senders.list("shop")).find((one) => one.provider === provider);
    t.truthy(sender);
    const [known] = await api.senders.withSecrets("shop", sender?.id ?? "");
    const address = `${PUBLIC}/hooks/shop/${sender?.id}`;
    const whole = provider === "dockerhub" ? `${address}/${known?.secret}` : address;
    t.true(made.includes(`<code>${whole}</code>`), made);
    const listed = await ask("/apps/shop/webhooks");
    t.true(listed.includes(`<code>${address}</code>`));
    t.false(listed.includes(known?.secret ?? ""), "the secret is shown once");
  }
});
