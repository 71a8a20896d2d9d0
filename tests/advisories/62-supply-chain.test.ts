import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";

const root = join(import.meta.dirname, "..", "..");
const read = (name: string) => readFileSync(join(root, name), "utf8");

interface Package {
  version: string;
  resolved?: string;
  integrity?: string;
  optional?: boolean;
  hasInstallScript?: boolean;
  link?: boolean;
  os?: string[];
  cpu?: string[];
}

const manifest = JSON.parse(read("package.json"));
const lock: { packages: Record<string, Package> } = JSON.parse(read("package-lock.json"));
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + 13);

test("every dependency is one version, and the lockfile has the same", (t) => {
  const wanted: [string, string][] = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
  });
  t.true(wanted.length > 30);
  for (const [name, version] of wanted) {
    t.regex(version, /^\d+\.\d+\.\d+$/, name);
    t.is(lock.packages[`node_modules/${name}`]?.version, version, name);
  }
});

test("all that is installed here is known by its digest, and comes from the registry", (t) => {
  t.true(packages.length > 300);
  for (const [path, one] of packages) {
    t.falsy(one.link, path);
    if (one.resolved !== undefined)
      t.regex(one.resolved, /^https:\/\/registry\.npmjs\.org\//, path);
    if (one.integrity !== undefined) t.regex(one.integrity, /^sha512-[\w+/]{86}==$/, path);
    // Only what other machines would install may be without: there, npm asks the registry.
    else t.true(one.optional && (one.os !== undefined || one.cpu !== undefined), path);
    if (one.os?.includes("linux") && one.cpu?.includes("x64") && path.includes("gnu"))
      t.truthy(one.integrity, path);
  }
});

test("no package runs a script when it is installed, but those that are named", (t) => {
  const named: Record<string, boolean> = manifest.allowScripts;
  const scripted = new Set(
    packages.filter(([, one]) => one.hasInstallScript).map(([path]) => nameOf(path)),
  );
  t.deepEqual([...scripted].toSorted(), Object.keys(named).toSorted());
  const allowed = Object.keys(named).filter((name) => named[name]);
  t.deepEqual(allowed, ["node"]);
});

test("the launcher installs what the lockfile says, and nothing else is installed by npm", (t) => {
  const calls = read("teal")
    .split("\n")
    .filter((line) => /\bnpm (ci|i|install|exec|update)\b/.test(line) && !/^\s*(say|#)/.test(line));
  t.true(calls.length > 0);
  for (const line of calls) t.regex(line, /npm ci/);
  t.notRegex(read("teal"), /\bnpx\b|curl|wget/);
});
