import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import { imagesOf } from "../../../buildpacks/dockerfile-images.ts";

/** Half a megabyte, of which an expression might look at each part again from each place in it. */
const [LINES, SPACES, SLASHES] = ["\n", " ", "/"].map((one) => one.repeat(500_000)) as [
  string,
  string,
  string,
];

for (const [name, files] of [
  ["Go", { "go.mod": `module x${LINES}go 1.22`, "main.go": `package main${LINES}` }],
  ["Java", { "build.gradle": `id${SPACES}x${LINES}`, "system.properties": LINES, gradlew: "" }],
  ["Ruby", { Gemfile: `ruby${SPACES}"3.2"${LINES}gem${SPACES}x`, "Gemfile.lock": LINES }],
  ["Python", { "requirements.txt": `${LINES}flask${SPACES}`, "manage.py": LINES }],
  ["Elixir", { "mix.exs": `app:${SPACES}${LINES}`, "elixir_buildpack.config": LINES }],
  ["Node", { "package.json": `{"engines":{"node":"${SPACES}x"},"scripts":{"start":"x"}}` }],
  ["comments", { "deno.jsonc": `{ ${"/* ".repeat(150_000)}` }],
  ["strings", { "deno.jsonc": `{ "${'\\"'.repeat(200_000)}\\\n` }],
  ["PHP", { "composer.json": `{"require":{"php":"${SPACES}|x"}}`, "index.php": "" }],
  [
    "a site",
    { Staticfile: `root: a${SLASHES}x`, "index.html": "", _headers: `/a\n  b:${SPACES}c` },
  ],
  ["a Dockerfile", { Dockerfile: `${LINES}#${SPACES}escape${SPACES}\nFROM${SPACES}x` }],
  ["buildpacks", { ".buildpacks": `a${SLASHES}x`, Procfile: `web${SPACES}:${SPACES}x` }],
] as const) {
  test.serial(`a tree that was made to be slow is read soon: ${name}`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "teal-slow-"));
    t.teardown(() => rmSync(dir, { recursive: true }));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
    const began = performance.now();
    // Whether it is an app is not asked here.
    const plan = await detect(dir, {}).catch((error: Error) => error);
    t.truthy(plan);
    // One place looked at again from each other takes minutes.
    t.true(performance.now() - began < 10_000, `${performance.now() - began} ms`);
  });
}

test("arguments of a Dockerfile that are made of arguments do not grow without end", (t) => {
  const lines = Array.from({ length: 40 }, (_, i) => `ARG a${i + 1}=${`$a${i}`.repeat(10)}`);
  t.deepEqual(imagesOf(`ARG a0=x\nARG ok=node\n${lines.join("\n")}\nFROM $ok:24\n`), ["node:24"]);
  const [long = ""] = imagesOf(`ARG a0=x\n${lines.join("\n")}\nFROM $a40\n`);
  t.true(long.length <= 2000);
});
