import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { DockerfilePlan } from "../../../buildpacks/plan.ts";
import { makeTree } from "../../support/tree.ts";

async function plan(
  t: Parameters<typeof makeTree>[0],
  files: Record<string, string>,
): Promise<DockerfilePlan> {
  return (await detect(await makeTree(t, files))) as DockerfilePlan;
}

test("a Dockerfile is used as it is, and web is the image's own command", async (t) => {
  const text = '# escape=`\nFROM --platform=linux/amd64 node:24 AS build\nfrom debian\nCMD ["x"]\n';
  const found = await plan(t, { Dockerfile: text });
  t.is(found.dockerfile, text);
  t.deepEqual(found.from, ["node:24", "debian"]);
  t.deepEqual(found.processes, { web: "" });
});

test("a Procfile beside it names process types", async (t) => {
  const found = await plan(t, {
    Dockerfile: "FROM x\n",
    Procfile: "worker: work\nrelease: migrate",
  });
  t.is(found.why, "Dockerfile with Procfile");
  t.deepEqual(found.processes, { web: "", worker: "work", release: "migrate" });
});

test("a Procfile's web line wins over the image's own command", async (t) => {
  t.is(
    (await plan(t, { Dockerfile: "FROM x\n", Procfile: "web: serve" })).processes["web"],
    "serve",
  );
});

for (const line of [
  "# syntax=docker/dockerfile:1",
  "#Syntax = docker.io/docker/dockerfile:1.7-labs",
]) {
  test(`the usual syntax line is left out, with a warning: ${line}`, async (t) => {
    const found = await plan(t, { Dockerfile: `${line}\nFROM x\n` });
    t.is(found.dockerfile, "#\nFROM x\n");
    t.is(found.warnings.length, 1);
  });
}

for (const [what, text, line] of [
  ["a plain one", "# syntax=evil.example/frontend:1\nFROM x\n", 1],
  [
    "one that only looks like the usual one",
    "# syntax=docker/dockerfile.evil.example/x\nFROM x\n",
    1,
  ],
  ["a later line of the head", "# escape=`\n#   SYNTAX  =  evil/x\nFROM x\n", 2],
  ["with Windows line ends", "# syntax=evil/x\r\nFROM x\r\n", 1],
  ["behind a shebang", "#!/usr/bin/env docker\n# syntax=evil/x\nFROM x\n", 2],
  ["in the other comment style", "// syntax=evil/x\nFROM x\n", 1],
  ["as JSON", '{"syntax": "evil/x"}\nFROM x\n', 1],
] as const) {
  test(`a syntax line that names a foreign builder is refused: ${what}`, async (t) => {
    const error = await t.throwsAsync(plan(t, { Dockerfile: text }), { code: "foreign-syntax" });
    t.true(error.message.startsWith(`Dockerfile line ${line}: `), error.message);
    t.regex(error.message, /evil/);
  });
}

test("a comment below the first instruction is only a comment", async (t) => {
  const text = "FROM x\n# syntax=evil/x\n";
  t.is((await plan(t, { Dockerfile: text })).dockerfile, text);
});
