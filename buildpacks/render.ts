import type { SourcePlan, Step } from "./plan.ts";

/** Folder of the build context that holds the app's tree. */
export const TREE = "app";

export interface Base {
  /** Brings the runtime, `tini`, and a user `app` with uid 10001 who owns /app. */
  image: string;
  /** The image carries an authority that tools with lists of their own must be told of. */
  ca?: boolean;
  /** Keeps one app's build caches from another's, e.g. "teal-shop". */
  caches: string;
}

const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const OWNER = "10001:10001";

/**
 * The Dockerfile of a plan, for a context with the app's tree under `app/`. Its layers are ordered
 * so that a change of code alone rebuilds what depends on code.
 */
export function renderDockerfile(plan: SourcePlan, base: Base): string {
  const lines = plan.build ? withBuild(plan, base) : asCommitted(plan, base);
  return [...lines, "USER app", 'ENTRYPOINT ["tini", "--"]', ""].join("\n");
}

function asCommitted(plan: SourcePlan, base: Base): string[] {
  const whole = plan.install.files.includes(".");
  return [
    ...stage(plan, base),
    ...environment(plan),
    ...(whole ? [copyTree()] : [copyFiles(plan.install)]),
    run(plan.install, base),
    ...(whole ? [] : [copyTree()]),
  ];
}

/** Two stages side by side: what the app runs with, and what the build makes of it. */
function withBuild(plan: SourcePlan, base: Base): string[] {
  const build = plan.build!;
  const script = `RUN ${trust(base)}NODE_ENV=production ${build.run}`;
  if (build.install.files.includes(".")) {
    return [
      ...stage(plan, base, "build"),
      "COPY app/ ./",
      run(build.install, base),
      `${script} && ${build.prune}`,
      ...stage(plan, base),
      ...environment(plan),
      `COPY --from=build --chown=${OWNER} /app/ ./`,
    ];
  }
  const { gives } = plan.install;
  return [
    ...stage(plan, base, "dependencies"),
    copyFiles(plan.install),
    `${run(plan.install, base)} && mkdir -p ${gives}`,
    ...stage(plan, base, "build"),
    copyFiles(build.install),
    run(build.install, base),
    "COPY app/ ./",
    `${script} && rm -rf ${build.install.gives}`,
    ...stage(plan, base),
    ...environment(plan),
    `COPY --from=dependencies /app/${gives} ./${gives}`,
    `COPY --from=build --chown=${OWNER} /app/ ./`,
  ];
}

function stage(plan: SourcePlan, base: Base, name?: string): string[] {
  return [
    `FROM ${base.image}${name ? ` AS ${name}` : ""}`,
    "WORKDIR /app",
    ...variables(plan.tools),
  ];
}

function environment(plan: SourcePlan): string[] {
  return [...variables(plan.env), "ENV PATH=/app/node_modules/.bin:$PATH"];
}

function variables(env: Record<string, string>): string[] {
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length > 0 ? [`ENV ${pairs.join(" ")}`] : [];
}

function copyFiles(step: Step): string {
  return `COPY ${step.files.map((file) => `${TREE}/${file}`).join(" ")} ./`;
}

function copyTree(): string {
  return `COPY --chown=${OWNER} ${TREE}/ ./`;
}

function run(step: Step, base: Base): string {
  const mounts = step.caches.map(
    ({ name, target }) => `--mount=type=cache,id=${base.caches}-${name},target=${target} `,
  );
  return `RUN ${mounts.join("")}${trust(base)}${step.run}`;
}

/** Only while building: the running app's environment is the app's own. */
function trust(base: Base): string {
  return base.ca ? `NODE_EXTRA_CA_CERTS=${CA_BUNDLE} SSL_CERT_FILE=${CA_BUNDLE} ` : "";
}
