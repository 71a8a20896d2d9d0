/** Host claims: a name, in whatever form it comes, belongs to one app; the platform's own to none. */
import test from "ava";
import { goLive, pushOf, startApi, type TestApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  for (const name of ["shop", "evil"]) await api.store.createApp(name, "ann");
  await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", "aaa")));
});
test.after.always(() => api.stop());

const add = (app: string, host: string) =>
  call(api, "POST", `/apps/${app}/domains`, { body: { host } });

test.serial("a claimed name is refused to others in every form: 409", async (t) => {
  for (const host of ["shop.example", "bücher.example", "*.wild.example"]) {
    t.is((await add("shop", host)).status, 202, host);
  }
  const same = [
    ...["shop.example", "SHOP.Example", "shop.example.", "shop.example:80", "Shop.Example.:443"],
    ...["xn--bcher-kva.example", "BÜCHER.example", "bu\u0308cher.example", "shop。example"],
    ...["*.wild.example", "*.WILD.example.", "www.wild.example", "WWW.wild.example.:80"],
  ];
  for (const host of same) {
    const answer = await add("evil", host);
    t.is(answer.status, 409, host);
    t.is(answer.json.title, "host-taken");
  }
  t.deepEqual((await api.store.getSettings("evil")).domains, []);
});

test.serial(
  "the platform's own hosts are nobody's: its domain, its apps', its idle colours'",
  async (t) => {
    const reserved = [
      ...["teal.test", "TEAL.test.", "shop.teal.test", "new.teal.test", "idle--shop.teal.test"],
      ...["*.teal.test", "*.shop.teal.test", "*.test", "*"],
    ];
    for (const host of reserved) t.is((await add("evil", host)).json.title, "bad-host", host);
    const create = await call(api, "POST", "/apps", { body: { name: "idle--shop" } });
    t.is(create.json.title, "bad-app-name");
    const { domains } = (await call(api, "GET", "/apps/evil/domains")).json;
    t.deepEqual(domains, []);
  },
);
