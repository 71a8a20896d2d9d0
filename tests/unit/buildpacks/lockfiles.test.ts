import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import { makeTree } from "../../support/tree.ts";

/** Lockfiles as the tools wrote them for the package.json beside them. */
const LOCKFILES = new URL("../../fixtures/lockfiles/", import.meta.url).pathname;
const read = (name: string): string => readFileSync(join(LOCKFILES, name), "utf8");
const MANIFEST = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;

type Change = (manifest: typeof MANIFEST) => object;

const TOOLS: [written: string, file: string, command: string][] = [
  ["yarn-1.lock", "yarn.lock", "yarn install"],
  ["yarn-4.lock", "yarn.lock", "yarn install"],
  ["pnpm-7.yaml", "pnpm-lock.yaml", "pnpm install --lockfile-only"],
  ["pnpm-8.yaml", "pnpm-lock.yaml", "pnpm install --lockfile-only"],
  ["pnpm-10.yaml", "pnpm-lock.yaml", "pnpm install --lockfile-only"],
  ["bun.lock", "bun.lock", "bun install --lockfile-only"],
];

async function planOf(t: ExecutionContext, written: string, file: string, change: Change) {
  const manifest = { ...MANIFEST, scripts: { start: "node a.js" } };
  return detect(
    await makeTree(t, {
      "package.json": JSON.stringify({ ...manifest, ...change(MANIFEST) }),
      [file]: read(written),
    }),
  );
}

for (const [written, file, command] of TOOLS) {
  test(`${written} agrees with its package.json`, async (t) => {
    const plan = await planOf(t, written, file, () => ({}));
    t.is(plan.why, `package.json with ${file}`);
  });

  test(`a range that is another one in package.json than in ${written} is named`, async (t) => {
    const other: Change = ({ dependencies }) => ({
      dependencies: { ...dependencies, ms: "^2.1.3" },
    });
    const error = await t.throwsAsync(planOf(t, written, file, other), { code: "bad-lockfile" });
    t.true(
      error.message.startsWith(`${file} was expected to agree with package.json; ms `),
      error.message,
    );
    t.true(error.message.endsWith(`Run '${command}' and commit ${file}.`), error.message);
  });

  test(`a package of any kind that ${written} does not know is named`, async (t) => {
    for (const field of ["dependencies", "devDependencies", "optionalDependencies"]) {
      const more: Change = (one) => ({ [field]: { ...one[field], "@a/new": "1" } });
      await t.throwsAsync(planOf(t, written, file, more), {
        message: /; @a\/new (1 is in|.*is 1 in)/,
      });
    }
  });
}

for (const [written, file] of TOOLS.filter(([name]) => !name.startsWith("yarn"))) {
  test(`a package that only ${written} knows is named`, async (t) => {
    await t.throwsAsync(
      planOf(t, written, file, () => ({ devDependencies: {} })),
      {
        code: "bad-lockfile",
        message: /once.* is absent in package\.json and 1\.4\.0 in/,
      },
    );
  });
}

test("what only the tool can know is left to it", async (t) => {
  const more = { ms: "^9", here: "file:./here", far: "github:a/b" };
  const withMore: Change = (one) => ({ dependencies: { ...one["dependencies"], ...more } });
  const workspaces: Change = (one) => ({
    dependencies: { ...one["dependencies"], ...more, lib: "workspace:*" },
    workspaces: ["packages/*"],
  });
  await t.notThrowsAsync(planOf(t, "yarn-4.lock", "yarn.lock", workspaces));
  const resolutions: Change = (one) => ({ ...withMore(one), resolutions: { ms: "9.0.0" } });
  await t.notThrowsAsync(planOf(t, "yarn-1.lock", "yarn.lock", resolutions));
  const { ms: _ms, ...addresses } = more;
  const elsewhere: Change = (one) => ({ dependencies: { ...one["dependencies"], ...addresses } });
  await t.notThrowsAsync(planOf(t, "yarn-1.lock", "yarn.lock", elsewhere));
  const files = { "package.json": JSON.stringify({ ...MANIFEST, scripts: { start: "x" } }) };
  const overridden = `overrides:\n  ms: 9.0.0\n\n${read("pnpm-10.yaml").replace("specifier: ^2.1.0", "specifier: 9.0.0")}`;
  await t.notThrowsAsync(detect(await makeTree(t, { ...files, "pnpm-lock.yaml": overridden })));
});

for (const [file, files, message] of [
  [
    "uv.lock",
    {
      "pyproject.toml":
        '[project]\nname = "a"\nversion = "1"\ndependencies = ["Flask>=3", "typing_extensions", "httpx[http2]"]\n',
      "uv.lock":
        'version = 1\n[[package]]\nname = "flask"\nversion = "3.0.0"\n[[package]]\nname = "typing-extensions"\nversion = "4.0.0"\n',
      "main.py": "",
    },
    /uv\.lock was expected to agree with pyproject\.toml; httpx is in pyproject\.toml and not in uv\.lock\. Run 'uv lock'/,
  ],
  [
    "poetry.lock",
    {
      "pyproject.toml":
        '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "^3"\ngunicorn = "*"\n',
      "poetry.lock": '[[package]]\nname = "Flask"\nversion = "3.0.0"\n',
      "main.py": "",
    },
    /gunicorn is in pyproject\.toml and not in poetry\.lock\. Run 'poetry lock'/,
  ],
  [
    "Pipfile.lock",
    {
      Pipfile: '[packages]\nflask = "*"\nrequests = "*"\n',
      "Pipfile.lock": '{"default":{"flask":{"version":"==3.0.0"}}}',
      "main.py": "",
    },
    /requests is in Pipfile and not in Pipfile\.lock\. Run 'pipenv lock'/,
  ],
  [
    "composer.lock",
    {
      "composer.json":
        '{"require":{"php":"^8.2","ext-intl":"*","slim/slim":"^4","psr/log-implementation":"1","monolog/monolog":"^3"}}',
      "composer.lock":
        '{"packages":[{"name":"Slim/Slim"},{"name":"a/b","provide":{"psr/log-implementation":"1"}}],"packages-dev":[]}',
      "index.php": "",
    },
    /monolog\/monolog is in composer\.json and not in composer\.lock\. Run 'composer update monolog\/monolog'/,
  ],
] as [string, Record<string, string>, RegExp][]) {
  test(`${file}: a package that only the manifest names is said`, async (t) => {
    await t.throwsAsync(detect(await makeTree(t, files)), { code: "bad-lockfile", message });
  });
}

for (const [written, file] of [
  ["pnpm-10.yaml", "pnpm-lock.yaml"],
  ["bun.lock", "bun.lock"],
] as const) {
  test(`a package that has become one of another kind since ${written} is named`, async (t) => {
    const moved: Change = ({ dependencies, devDependencies }) => ({
      dependencies: { ...dependencies, ...devDependencies },
      devDependencies: {},
    });
    await t.throwsAsync(planOf(t, written, file, moved), {
      message: /once \(dependencies\) is 1\.4\.0 in package\.json and absent in/,
    });
  });
}
