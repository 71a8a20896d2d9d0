import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { renderDockerfile } from "../../../buildpacks/render.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

const BASE = { image: () => "teal/base/node:24.0.0", ca: () => false, caches: "teal-shop" };
const LOCK = '{"lockfileVersion": 3, "packages": {}}';

async function render(
  t: Parameters<typeof makeTree>[0],
  fields: object,
  base = {},
): Promise<string[]> {
  const files = { "package.json": packageJson({ ...fields }), "package-lock.json": LOCK };
  const plan = (await detect(await makeTree(t, files))) as SourcePlan;
  return renderDockerfile(plan, { ...BASE, ...base }).split("\n");
}

test("an app without a build: code is the last layer", async (t) => {
  t.deepEqual(await render(t, {}), [
    "FROM teal/base/node:24.0.0",
    "WORKDIR /app",
    'ENV npm_config_audit="false" npm_config_fund="false" npm_config_update_notifier="false" NODE_ENV="production"',
    "ENV PATH=/app/node_modules/.bin:$PATH",
    "COPY app/package.json app/package-lock.json ./",
    "RUN --mount=type=cache,id=teal-shop-npm,target=/root/.npm npm ci --omit=dev",
    "COPY --chown=10001:10001 app/ ./",
    "USER app",
    'ENTRYPOINT ["tini", "--"]',
    "",
  ]);
});

test("an app with a build: its dependencies and its build are made side by side", async (t) => {
  const lines = await render(t, { scripts: { build: "tsc", start: "node dist/a.js" } });
  t.deepEqual(
    lines.filter((line) => line.startsWith("FROM")),
    [
      "FROM teal/base/node:24.0.0 AS dependencies",
      "FROM teal/base/node:24.0.0 AS build",
      "FROM teal/base/node:24.0.0",
    ],
  );
  t.deepEqual(lines.slice(-5), [
    "COPY --from=dependencies /app/node_modules ./node_modules",
    "COPY --from=build --chown=10001:10001 /app/ ./",
    "USER app",
    'ENTRYPOINT ["tini", "--"]',
    "",
  ]);
  t.true(
    lines.indexOf("COPY app/ ./") >
      lines.findIndex((line) => line.endsWith("npm ci --include=dev")),
  );
});

test("an install that reads the tree comes after it", async (t) => {
  const lines = await render(t, { scripts: { start: "node a.js", postinstall: "node b.js" } });
  const copy = lines.indexOf("COPY --chown=10001:10001 app/ ./");
  t.true(copy > 0);
  t.regex(lines[copy + 1] ?? "", /npm ci --omit=dev$/);
});

test("a build whose install reads the tree takes its own dependencies away again", async (t) => {
  const lines = await render(t, {
    workspaces: ["p/*"],
    scripts: { build: "tsc", start: "node a.js" },
  });
  t.true(lines.includes("RUN NODE_ENV=production npm run build && npm prune --omit=dev"));
});

test("a further authority is told to build steps, and to them alone", async (t) => {
  const lines = await render(
    t,
    { scripts: { build: "tsc", start: "node a.js" } },
    { ca: () => true },
  );
  const told = lines.filter((line) =>
    line.includes("NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"),
  );
  t.is(told.length, 2, "the stage that runs has no steps to tell it to");
  t.true(told.every((line) => line.startsWith("ARG ")));
});
