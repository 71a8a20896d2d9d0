import test from "ava";
import { faultsOf } from "../../support/cyclonedx.ts";
import { describeContents, tellsContents } from "../../../workers/sbom.ts";

const subject = { app: "shop", release: "v3", image: `sha256:${"a".repeat(64)}`, at: 1e12 };
const purls = (files: Record<string, string>) => {
  const { components } = describeContents(subject, new Map(Object.entries(files))) as {
    components: { purl?: string; name: string; version: string }[];
  };
  return components.map(({ purl, name, version }) => purl ?? `${name} ${version}`);
};

for (const [path, text, expected] of [
  [
    "var/lib/dpkg/status",
    "Package: tini\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.19.0-1+b3\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n",
    ["pkg:deb/debian/tini@0.19.0-1%2Bb3?arch=amd64"],
  ],
  ["etc/os-release", 'ID=debian\nVERSION_ID="12"\n', ["debian 12"]],
  [
    "app/node_modules/.package-lock.json",
    '{"packages":{"node_modules/koa":{"version":"3.3.0"},"node_modules/a/node_modules/@scope/b":{"version":"1.0.0"},"x":{}}}',
    ["pkg:npm/%40scope/b@1.0.0", "pkg:npm/koa@3.3.0"],
  ],
  [
    "app/.venv/lib/python3.11/site-packages/Flask-3.0.dist-info/METADATA",
    "Metadata-Version: 2.1\nName: Flask_Login\nVersion: 3.0.0\n\nVersion: of the text\n",
    ["pkg:pypi/flask-login@3.0.0"],
  ],
  [
    "app/Gemfile.lock",
    "GEM\n  remote: https://rubygems.org/\n  specs:\n    puma (6.4.2)\n      nio4r (~> 2.0)\n    rack (3.0.8)\n\nPLATFORMS\n  ruby\n",
    ["pkg:gem/puma@6.4.2", "pkg:gem/rack@3.0.8"],
  ],
  [
    "app/vendor/composer/installed.json",
    '{"packages":[{"name":"monolog/monolog","version":"3.5.0"},7]}',
    ["pkg:composer/monolog/monolog@3.5.0"],
  ],
  [
    "app/Cargo.lock",
    '[[package]]\nname = "own"\nversion = "0.1.0"\n\n[[package]]\nname = "serde"\nversion = "1.0.1"\nsource = "registry+https"\n',
    ["pkg:cargo/serde@1.0.1"],
  ],
  [
    "app/go.sum",
    "golang.org/x/net v0.1.0 h1:abc=\ngolang.org/x/net v0.1.0/go.mod h1:def=\n",
    ["pkg:golang/golang.org/x/net@v0.1.0"],
  ],
] as const) {
  test(`what ${path} tells`, async (t) => {
    t.true(tellsContents(path));
    t.deepEqual(purls({ [path]: text }), [...expected]);
    t.deepEqual(await faultsOf(describeContents(subject, new Map([[path, text]]))), []);
  });
}

test("broken files tell nothing, and the same image gives the same document", (t) => {
  const files = {
    "app/node_modules/.package-lock.json": "{",
    "var/lib/dpkg/status": "\u0000\n\n\n",
  };
  t.deepEqual(purls(files), []);
  const made = () => JSON.stringify(describeContents(subject, new Map(Object.entries(files))));
  t.is(made(), made());
  t.like(JSON.parse(made()), {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    metadata: { timestamp: "2001-09-09T01:46:40.000Z" },
  });
  t.false(tellsContents("app/server.js"));
});

test("a lock file that was made to be slow is read soon", (t) => {
  const began = performance.now();
  t.deepEqual(purls({ "app/Gemfile.lock": "GEM\n".repeat(200_000) }), []);
  t.true(performance.now() - began < 10_000);
});

test("the schema refuses what is no such document", async (t) => {
  const right = describeContents(subject, new Map([["etc/os-release", "ID=debian\n"]]));
  t.deepEqual(await faultsOf(right), []);
  const wrong = { ...right, components: [{ name: "koa" }], version: "one" };
  const faults = await faultsOf(wrong);
  t.true(faults.includes("/components/0 must have required property 'type'"), faults.join());
  t.true(faults.includes("/version must be integer"), faults.join());
});
