import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import test from "ava";

const root = join(import.meta.dirname, "..", "..", "..");
const dir = mkdtempSync(join(tmpdir(), "teal-rules-"));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

const use = (from: string): string => `import { x } from "${from}";\nexport const y = x;\n`;

/** File, what is in it, and a part of the linter's words about it; null: nothing to say. */
const CASES: [file: string, text: string, words: string | null][] = [
  ["router/a1.ts", use("../apps/keys.ts"), "router/ imports no other folder"],
  ["router/main.ts", use("../apps/keys.ts"), null],
  ["router/main.ts", use("../apps/store.ts"), "router/main.ts imports of other folders"],
  ["router/main.ts", use("../workers/recipe.ts"), "router/main.ts imports of other folders"],
  ["router/a2.ts", use("./contract.ts"), null],
  ["buildpacks/a3.ts", use("../apps/types.ts"), "buildpacks/ is pure"],
  ["buildpacks/node/a4.ts", use("../../apps/types.ts"), "buildpacks/ is pure"],
  ["buildpacks/s1.ts", "export const s1 = /^\\s*go /m;", "looks again from each place"],
  ["workers/s2.ts", "export const s2 = /^a *b? *c/;", "tries ways to share"],
  ["hooks/s3.ts", "export const s3 = /^[ \\t]*go /m;", null],
  ["apps/a5.ts", use("../workers/a.ts"), "apps/*.ts is the floor"],
  ["apps/a6.ts", use("./cli/a.ts"), "apps/*.ts is the floor"],
  ["apps/a7.ts", use("../router/contract.ts"), null],
  ["apps/a8.ts", use("../router/table.ts"), "the floor knows the contract alone"],
  ["apps/main.ts", use("../hooks/a.ts"), null],
  ["apps/main.ts", use("./api/a.ts"), null],
  ["apps/main.ts", use("../workers/a.ts"), "The web process is apps/ and hooks/"],
  ["apps/api/a9.ts", use("../types.ts"), null],
  ["apps/api/a10.ts", use("../../workers/a.ts"), "apps/api imports apps/*.ts alone"],
  ["apps/api/a11.ts", use("../cli/a.ts"), "apps/api imports apps/*.ts alone"],
  ["apps/dashboard/a12.ts", use("../api/a.ts"), "apps/dashboard imports apps/*.ts alone"],
  ["apps/cli/platform/a13.ts", use("../../config.ts"), null],
  [
    "apps/cli/platform/a14.ts",
    use("../../../workers/a.ts"),
    "apps/cli imports apps/*.ts and buildpacks/ alone",
  ],
  ["apps/cli/a26.ts", use("../../buildpacks/a.ts"), null],
  ["hooks/a15.ts", use("../apps/types.ts"), null],
  ["hooks/a16.ts", use("../apps/api/a.ts"), "hooks/ imports apps/*.ts alone"],
  ["hooks/a17.ts", use("../workers/a.ts"), "hooks/ imports apps/*.ts alone"],
  ["workers/a18.ts", use("../buildpacks/a.ts"), null],
  ["workers/a19.ts", use("../router/contract.ts"), null],
  ["workers/a20.ts", use("../router/table.ts"), "workers know the contract alone"],
  ["workers/engine/a21.ts", use("../../router/table.ts"), "workers know the contract alone"],
  ["workers/a22.ts", use("../hooks/a.ts"), "workers/ imports apps/*.ts"],
  ["workers/a23.ts", use("dockerode"), "Only workers/engine/ talks to Docker"],
  ["workers/engine/a24.ts", use("dockerode"), null],
  ["hooks/a25.ts", use("simple-git"), "Only apps/git-run.ts runs git"],
  ["apps/git-run.ts", use("simple-git"), null],
  [
    "workers/a26.ts",
    'import { exec } from "node:child_process";\nexport const y = exec;\n',
    "Children run as argument lists",
  ],
  [
    "workers/engine/a27.ts",
    'import { execSync } from "child_process";\nexport const y = execSync;\n',
    "Children run as argument lists",
  ],
  ["apps/m1.ts", 'import * as c from "node:child_process";\nc.exec("ls");\n', "argument lists"],
  ["apps/m2.ts", 'export { exec } from "node:child_process";\n', "argument lists"],
  ["apps/m3.ts", 'export const d = await import("dockerode");\n', "Only workers/engine/"],
  ["workers/engine/m4.ts", 'export const d = await import("dockerode");\n', null],
  ["tests/m5.ts", 'export const g = await import("simple-git");\n', "Only apps/git-run.ts"],
  ["apps/m6.ts", 'export { spawn } from "node:child_process";\n', null],
  [
    "hooks/a28.ts",
    'import { spawn } from "node:child_process";\nspawn("ls", [], { shell: true });\n',
    "never runs through a shell",
  ],
  [
    "hooks/a29.ts",
    'import { spawn } from "node:child_process";\nspawn("ls", [], { "shell": "/bin/sh" });\n',
    "never runs through a shell",
  ],
  [
    "router/a31.ts",
    "export class A {\n  end: () => void;\n  constructor() {\n    this.end = () => undefined;\n  }\n}\n",
    "is born old",
  ],
  ["router/a32.ts", "const end = () => undefined;\nexport const a = { end };\n", null],
  ["workers/a30.ts", "export async function f() {}\nf();\n", "Promises must be awaited"],
];

/** Cases of one path need a run each; all others share the first. */
function rounds(): number[][] {
  const found: number[][] = [];
  for (const [i, [file]] of CASES.entries()) {
    const round = found.find((cases) => cases.every((other) => CASES[other]?.[0] !== file));
    if (round) round.push(i);
    else found.push([i]);
  }
  return found;
}

interface Diagnostic {
  filename: string;
  message: string;
  help?: string;
}

async function lint(project: string): Promise<Diagnostic[]> {
  const node = join(root, "node_modules", ".bin", "node");
  const oxlint = join(root, "node_modules", ".bin", "oxlint");
  const { stdout } = await promisify(execFile)(node, [oxlint, "--format=json"], {
    cwd: project,
    maxBuffer: 10_000_000,
  }).catch((error: { stdout: string }) => error);
  return (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics;
}

async function lintRound(project: string, cases: number[]): Promise<string[]> {
  mkdirSync(join(project, "tests", "support"), { recursive: true });
  for (const name of [".oxlintrc.json", "tsconfig.json", "tests/support/lint-rules.mjs"]) {
    cpSync(join(root, name), join(project, name));
  }
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
  for (const i of cases) {
    const [file = "", text = ""] = CASES[i] ?? [];
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  }
  const said = await lint(project);
  return cases.map((i) =>
    said
      .filter(({ filename }) => filename === CASES[i]?.[0])
      .map(({ message, help }) => `${message} ${help ?? ""}`)
      .join("\n"),
  );
}

test("the linter refuses what a folder may not import, and what a child process may not be", async (t) => {
  t.timeout(120_000);
  for (const [n, cases] of rounds().entries()) {
    const answers = await lintRound(join(dir, String(n)), cases);
    for (const [k, i] of cases.entries()) {
      const [file, text, words] = CASES[i] as (typeof CASES)[number];
      const said = answers[k] ?? "";
      if (words === null) t.is(said, "", `${file}: ${text}`);
      else t.true(said.includes(words), `${file}: ${text} → ${said}`);
    }
  }
});

test("the lockfile names every package that it asks for, so that npm ci takes it", (t) => {
  interface Entry {
    optionalDependencies?: Record<string, string>;
    dependencies?: Record<string, string>;
  }
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, Entry>;
  };
  const found = (from: string, name: string): boolean => {
    const inside = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
    if (inside in packages) return true;
    if (from === "") return false;
    const end = from.lastIndexOf("/node_modules/");
    return found(end === -1 ? "" : from.slice(0, end), name);
  };
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !found(path, name))
      .map((name) => `${name}, wanted by ${path}`),
  );
  t.deepEqual(missing, []);
});
