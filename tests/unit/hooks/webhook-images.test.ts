import test from "ava";
import { DISTRIBUTION, DOCKER_HUB, GITHUB_PACKAGE } from "../../fixtures/registry-webhooks.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { addHook, deliver } from "../../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

let apps = 0;
async function newApp(): Promise<string> {
  const name = `images-${++apps}`;
  await api.store.createApp(name, "ann");
  return name;
}

const DIGEST = DISTRIBUTION.events[1]?.target.digest;

test("Distribution's notification deploys the image that was pushed, by its digest, once", async (t) => {
  const app = await newApp();
  const image = "registry.example.com:5000/hello-world";
  const hook = await addHook(api, app, { provider: "registry", image });
  const { status, json } = await deliver(api, hook, DISTRIBUTION);
  t.is(status, 202);
  t.like(await api.store.getDeploy(json.deploy), {
    kind: "push",
    image: `${image}:latest@${DIGEST}`,
    by: "registry webhook",
    why: `image ${image}:latest`,
  });
  t.is((await deliver(api, hook, DISTRIBUTION)).json.deploy, json.deploy);
  const again = { events: [{ ...DISTRIBUTION.events[1], id: "another" }] };
  t.regex((await deliver(api, hook, again)).json.reason, /is about the same image \(queued\)/);
  t.is((await api.store.listDeploys(app, 10)).length, 1);
});

test("Docker Hub, which signs nothing, is known by the end of its address", async (t) => {
  const app = await newApp();
  const image = "svendowideit/testhook";
  const hook = await addHook(api, app, { provider: "dockerhub", image });
  const { status, json } = await deliver(api, hook, DOCKER_HUB);
  t.is(status, 202);
  t.like(await api.store.getDeploy(json.deploy), {
    image: "docker.io/svendowideit/testhook:latest",
  });
  const bare = `/hooks/${app}/${hook.sender.id}`;
  for (const path of [bare, `${bare}/${"x".repeat(43)}`, `/hooks/${app}`])
    t.is((await deliver(api, { ...hook, path }, DOCKER_HUB)).status, 401, path);
  t.false(api.logged.join().includes(hook.secret));
});

test("a secret in the address is good for Docker Hub alone", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "registry", image: "r.example.com/x" });
  const response = await fetch(`${api.url}${hook.path}/${encodeURIComponent(hook.secret)}`, {
    method: "POST",
    body: JSON.stringify(DISTRIBUTION),
  });
  t.true([401, 404].includes(response.status));
});

test("GitHub's registry_package deploys the container that was published", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "github", image: "ghcr.io/ann/shop:1.*" });
  const send = (payload: object) => deliver(api, hook, payload, { event: "registry_package" });
  const { status, json } = await send(GITHUB_PACKAGE);
  t.is(status, 202, JSON.stringify(json));
  t.like(await api.store.getDeploy(json.deploy), { image: `ghcr.io/ann/shop:1.2@${DIGEST}` });
  const npm = {
    ...GITHUB_PACKAGE,
    registry_package: { ...GITHUB_PACKAGE.registry_package, package_type: "npm" },
  };
  t.regex((await send(npm)).json.reason, /no image/);
  t.regex(
    (await send({ ...GITHUB_PACKAGE, action: "updated" })).json.reason,
    /nothing was published/,
  );
});

test("a plain signed delivery names an image or an archive", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "standard", image: "ghcr.io/ann/shop" });
  const image = await deliver(api, hook, { image: "ghcr.io/ann/shop:7", why: "CI 7" });
  t.is(image.status, 202);
  t.like(await api.store.getDeploy(image.json.deploy), {
    image: "ghcr.io/ann/shop:7",
    why: "CI 7",
  });
  const url = "https://ci.example.com/shop.tar.gz?sig=x";
  const archive = await deliver(api, hook, { tarball_url: url });
  t.like(await api.store.getDeploy(archive.json.deploy), { archive: url });
  const cases: [object, RegExp][] = [
    [
      { image: "ghcr.io/eve/shop:7" },
      /is for ghcr\.io\/ann\/shop, and this is ghcr\.io\/eve\/shop:7/,
    ],
    [{ image: "ghcr.io/ann/shop-2:7" }, /is for ghcr\.io\/ann\/shop/],
    [{ image: "docker.io/ann/shop:7" }, /is for ghcr\.io\/ann\/shop/],
    [{ image: "--privileged" }, /no name of an image/],
    [{ tarball_url: "file:///etc/passwd" }, /https/],
    [{ tarball_url: "no address" }, /no address/],
  ];
  for (const [payload, reason] of cases) {
    const { status, json } = await deliver(api, hook, payload);
    t.is(status, 200, JSON.stringify(payload));
    t.regex(json.reason, reason);
  }
  const none = await addHook(api, app, { provider: "standard" });
  t.regex((await deliver(api, none, { image: "nginx" })).json.reason, /deploys no images/);
});

test("malformed registry payloads are answered with a reason, never a fault", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "registry", image: "r.example.com/x" });
  for (const payload of [
    {},
    { events: [] },
    { events: [null, 7, "x", {}] },
    { events: [{ action: "pull", target: { tag: "a", repository: "x" } }] },
    { events: [{ action: "push", target: { tag: "a b", repository: "../x" } }] },
    { events: [{ action: "push", target: { tag: ["a"], repository: { x: 1 } } }] },
    { repository: { repo_name: "x;touch canary" }, push_data: { tag: "a" } },
    { repository: { repo_name: "a/b" }, push_data: { tag: "$(id)" } },
  ]) {
    const { status, json } = await deliver(api, hook, payload);
    t.is(status, 200, JSON.stringify(payload));
    t.truthy(json.reason);
  }
});

test("a sender of images names one repository", async (t) => {
  const app = await newApp();
  for (const wish of [
    { provider: "registry" },
    { provider: "dockerhub" },
    { provider: "registry", image: "--x" },
    { provider: "registry", image: `nginx@${DIGEST}` },
    { provider: "registry", image: "nginx:a b" },
    { provider: "registry", image: "nginx", repo: "https://github.com/a/b" },
  ] as const) {
    await t.throwsAsync(addHook(api, app, wish), { name: "TealError" }, JSON.stringify(wish));
  }
});
