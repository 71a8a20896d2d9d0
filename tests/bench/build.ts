/**
 * `npm run bench:build [-- --runs N]`: a build after a one-line change beside `docker build` by hand
 * on the same Dockerfile, and the image's size beside one of `COPY . .` and `npm ci`; in one run.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { detect } from "../../buildpacks/detect.ts";
import { renderDockerfile } from "../../buildpacks/render.ts";
import { startBuilder } from "../support/builder.ts";
import { HEADER, row, series } from "./series.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "9" } } });
const RUNS = Number(values.runs);
const run = promisify(execFile);
/** Debian's client carries BuildKit; another in PATH may lack it. */
const DOCKER = "/usr/bin/docker";
const BASE = "teal/base/node:24";

/** An app as people write them: a server, a build in TypeScript, a linter. */
const MANIFEST = {
  name: "bench-build",
  version: "1.0.0",
  type: "module",
  engines: { node: "24.x" },
  scripts: { build: "tsc", start: "node dist/server.js" },
  dependencies: { koa: "3.3.0" },
  devDependencies: {
    "@types/koa": "3.0.3",
    "@types/node": "24.19.2",
    oxfmt: "0.79.0",
    oxlint: "1.94.0",
    typescript: "7.0.2",
  },
};
const TSCONFIG = { compilerOptions: { outDir: "dist", module: "nodenext", skipLibCheck: true } };
const SERVER = `import Koa from "koa";
const app = new Koa();
app.use((ctx) => void (ctx.body = "VERSION"));
app.listen(Number(process.env["PORT"] ?? 5000));
`;

const never = new AbortController().signal;
const builder = await startBuilder();
const dir = mkdtempSync(join(tmpdir(), "teal-bench-build-"));
const byHand = mkdtempSync(join(tmpdir(), "teal-bench-hand-"));
const [handTag, naiveTag] = [`${builder.namespace}/hand`, `${builder.namespace}/naive`];
const docker = (...args: string[]) =>
  run(DOCKER, args, { env: { ...process.env, DOCKER_BUILDKIT: "1" }, maxBuffer: 1 << 26 });

try {
  writeFileSync(join(dir, "package.json"), JSON.stringify(MANIFEST, null, 2));
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(TSCONFIG));
  writeFileSync(join(dir, "server.ts"), SERVER);
  await run("npm", ["install", "--package-lock-only", "--no-audit", "--no-fund"], { cwd: dir });
  const plan = await detect(dir);
  if (plan.buildpack === "dockerfile") throw new Error("a source plan was expected");
  const smaller = { name: "node-run", range: "24.x", from: "bench" } as const;
  const { image: runBase } = await builder.bases.ensureBase(smaller, console.log, never);
  const image = ({ name }: { name: string }) => (name === "node-run" ? runBase : BASE);
  const bases = { image, ca: () => true, caches: builder.namespace };
  writeFileSync(join(byHand, "Dockerfile"), renderDockerfile(plan, bases));

  const change = (version: string) => {
    writeFileSync(join(dir, "server.ts"), SERVER.replace("VERSION", version));
    cpSync(dir, join(byHand, "app"), { recursive: true });
  };
  const ours = async () => {
    const began = performance.now();
    const built = await builder.build(dir);
    return { ms: performance.now() - began, bytes: built.imageBytes };
  };
  const theirs = async () => {
    const began = performance.now();
    await docker("build", "-q", "-t", handTag, byHand);
    return performance.now() - began;
  };
  change("warm-up");
  await ours();
  await theirs();
  const [mine, hand]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let n = 1; n <= RUNS; n++) {
    // Two changes, so that neither finds the other's layers; who is first takes turns.
    const first = n % 2 === 0;
    change(`a-${n}`);
    if (first) hand.push(await theirs());
    const built = await (first ? (change(`b-${n}`), ours()) : ours());
    bytes = built.bytes;
    mine.push(built.ms);
    if (!first) {
      change(`b-${n}`);
      hand.push(await theirs());
    }
  }
  const naive = await naiveBytes();
  const [base, runsOn] = (await Promise.all(
    [BASE, runBase].map(async (tag) => (await builder.images.inspect(tag))?.bytes ?? 0),
  )) as [number, number];
  const ratio = (a: number, b: number) => (a / b).toFixed(2);
  const mb = (size: number) => `${(size / 1e6).toFixed(1)} MB`;
  console.log(HEADER);
  console.log(row("build after a one-line change, ms", series(mine)));
  console.log(row("docker build by hand, ms", series(hand)));
  console.log(
    `build over by hand: ${ratio(series(mine).median, series(hand).median)} (aim <= 1.2)`,
  );
  console.log(
    `image: ${mb(bytes)}; of COPY . . and npm ci: ${mb(naive)}; bases ${mb(runsOn)} and ${mb(base)}`,
  );
  console.log(
    `image over naive: ${ratio(bytes, naive)} (aim <= 0.6); without the bases: ${ratio(bytes - runsOn, naive - base)}`,
  );
} finally {
  await docker("rmi", "-f", handTag, naiveTag).catch(() => {});
  rmSync(dir, { recursive: true, force: true });
  rmSync(byHand, { recursive: true, force: true });
  await builder.close();
}

/** What one gets without thinking of it: everything that `npm ci` installs, and its cache. */
async function naiveBytes(): Promise<number> {
  // The argument is for machines with an authority of their own; it stays out of the image.
  const trust = "ARG NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt";
  const steps = ["COPY . .", "RUN npm ci", "RUN npm run build"];
  const lines = [`FROM ${BASE}`, "WORKDIR /app", trust, ...steps];
  const file = join(dir, "naive.Dockerfile");
  writeFileSync(file, `${lines.join("\n")}\nCMD ["npm", "start"]\n`);
  await docker("build", "-q", "-f", file, "-t", naiveTag, dir);
  return (await builder.images.inspect(`${naiveTag}:latest`))?.bytes ?? 0;
}
