import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

const cases: [title: string, files: Record<string, string>, processes: Record<string, string>][] = [
  [
    "the Procfile's web line comes first",
    {
      "package.json": packageJson(),
      "server.js": "",
      Procfile: "web: node other.js\nworker: node w.js",
    },
    { web: "node other.js", worker: "node w.js" },
  ],
  [
    "a Procfile without web is filled up from scripts.start",
    { "package.json": packageJson(), Procfile: "worker: node w.js" },
    { web: "node server.js", worker: "node w.js" },
  ],
  [
    "a plain node command is run without npm between it and its signals",
    {
      "package.json": packageJson({
        scripts: { start: "node --enable-source-maps dist/main.js --verbose" },
      }),
    },
    { web: "node --enable-source-maps dist/main.js --verbose" },
  ],
  [
    "any other start script is run by npm",
    { "package.json": packageJson({ scripts: { start: "next start -p $PORT" } }) },
    { web: "npm start" },
  ],
  [
    "a start script for the shell is run by npm",
    { "package.json": packageJson({ scripts: { start: "node a.js && node b.js" } }) },
    { web: "npm start" },
  ],
  [
    "a start script with a prestart script is run by npm",
    { "package.json": packageJson({ scripts: { start: "node a.js", prestart: "node b.js" } }) },
    { web: "npm start" },
  ],
  [
    "without a start script server.js is run",
    {
      "package.json": packageJson({ scripts: {}, main: "index.js" }),
      "server.js": "",
      "index.js": "",
    },
    { web: "node server.js" },
  ],
  [
    "without server.js the file that main names is run",
    { "package.json": packageJson({ scripts: {}, main: "lib/app" }), "lib/app.js": "" },
    { web: "node lib/app.js" },
  ],
  [
    "main may name a folder",
    { "package.json": packageJson({ scripts: {}, main: "lib" }), "lib/index.js": "" },
    { web: "node lib/index.js" },
  ],
  [
    "main may name a file that the build makes",
    { "package.json": packageJson({ scripts: { build: "tsc" }, main: "dist/app.js" }) },
    { web: "node dist/app.js" },
  ],
];

for (const [title, files, processes] of cases) {
  test(title, async (t) => {
    t.deepEqual((await detect(await makeTree(t, files))).processes, processes);
  });
}

for (const [title, files] of [
  ["nothing to start", { "package.json": packageJson({ scripts: {} }) }],
  ["an empty start script", { "package.json": packageJson({ scripts: { start: " " } }) }],
  ["a main that is not there", { "package.json": packageJson({ scripts: {}, main: "gone.js" }) }],
  [
    "a Procfile with workers alone",
    { "package.json": packageJson({ scripts: {} }), Procfile: "worker: node w.js" },
  ],
] as [string, Record<string, string>][]) {
  test(`refused, saying where a start command was looked for: ${title}`, async (t) => {
    const error = await t.throwsAsync(detect(await makeTree(t, files)), {
      code: "no-start-command",
    });
    t.regex(error.message, /'web' line in a Procfile, no scripts\.start .* no server\.js/);
  });
}

test("a main that leads out of the tree is refused", async (t) => {
  const files = {
    "package.json": packageJson({ scripts: {}, main: "../../../../../../etc/passwd" }),
  };
  await t.throwsAsync(detect(await makeTree(t, files)), { code: "points-outside" });
});
