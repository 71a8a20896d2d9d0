import test from "ava";
import { startApi } from "../../support/api.ts";

const PARTS = {
  senders: { code: "too-many-senders", wish: { provider: "github" } },
  notifiers: { code: "too-many-notifiers", wish: { kind: "slack", url: "https://chat.test/x" } },
} as const;

for (const part of ["senders", "notifiers"] as const) {
  test(`an app has twenty ${part}, however many are added at once, and none once it is gone`, async (t) => {
    const api = await startApi();
    t.teardown(() => api.stop());
    const { code } = PARTS[part];
    const add = () =>
      part === "senders"
        ? api.senders.add("shop", PARTS.senders.wish, "ann")
        : api.notifiers.add("shop", PARTS.notifiers.wish, "ann");
    await t.throwsAsync(add(), { code: "app-not-found" });
    const { id } = await api.store.createApp("shop", "ann");
    const added = await Promise.allSettled(Array.from({ length: 25 }, add));
    t.is(added.filter(({ status }) => status === "fulfilled").length, 20);
    const refused = added.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    t.true(
      refused.every((error) => error.code === code),
      String(refused[0]),
    );
    t.is((await api[part].list("shop")).length, 20);
    await api.store.destroyApp("shop", false);
    await t.throwsAsync(add(), { code: "app-destroyed" });
    await api.store.forgetApp("shop", id);
    await api.store.createApp("shop", "eve");
    t.deepEqual(await api[part].list("shop"), [], "the next app of its name begins with none");
  });
}
