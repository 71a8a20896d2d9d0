import type { RunStep, Runtime, SourcePlan, Stage, Step } from "./plan.ts";
import { HOME } from "./stages.ts";

/** Folder of the build context that holds the app's tree. */
export const TREE = "app";
/** Folder of the build context that holds the platform's own files. */
export const BROUGHT = "teal";

export interface Bases {
  /** Brings the runtime, `tini`, and a user `app` with uid 10001 who owns /app. */
  image(runtime: Runtime): string;
  /** The image carries an authority that tools with lists of their own must be told of. */
  ca(runtime: Runtime): boolean;
  /** Keeps one app's build caches from another's, e.g. "teal-shop". */
  caches: string;
  /** Set when commands may read secrets: it changes when they do, so that no step is taken from the cache. */
  secrets?: string;
}

const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
/** One for each family of tools. */
const CA_VARIABLES = [
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
  "CARGO_HTTP_CAINFO",
  "HEX_CACERTS_PATH",
  "DENO_CERT",
];
/** The secret that holds all variables of a build, as shell, and where commands find it. */
export const SECRET_ENV = "teal-build-env";
const SECRET_FILE = "/run/teal-build-env";
const OWNED = "--chown=10001:10001 ";

/**
 * The Dockerfile of a plan, for a context with the app's tree under `app/` and the plan's files
 * under `teal/`. Its layers stand in the plan's order: what changes seldom comes first.
 */
export function renderDockerfile({ stages }: SourcePlan, bases: Bases): string {
  const lines = stages.flatMap((stage, index) =>
    renderStage(stage, bases, index === stages.length - 1),
  );
  return [...lines, "USER app", 'ENTRYPOINT ["tini", "--"]', ""].join("\n");
}

function renderStage(stage: Stage, bases: Bases, last: boolean): string[] {
  return [
    `FROM ${bases.image(stage.on)}${last ? "" : ` AS ${stage.name}`}`,
    `WORKDIR ${HOME}`,
    ...packages(stage.packages),
    ...variables(stage),
    ...(bases.ca(stage.on) ? trust(stage) : []),
    ...stage.steps.map((step) => renderStep(step, bases)),
  ];
}

/** Arguments hold while building only: the running app's environment is the app's own. */
function trust({ steps }: Stage): string[] {
  const runs = steps.some((step) => "run" in step);
  return runs ? CA_VARIABLES.map((name) => `ARG ${name}=${CA_BUNDLE}`) : [];
}

function packages(names: string[]): string[] {
  if (names.length === 0) return [];
  const install = `apt-get install -y --no-install-recommends ${names.join(" ")}`;
  return [`RUN apt-get update && ${install} && rm -rf /var/lib/apt/lists/*`];
}

function variables({ env, path }: Stage): string[] {
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    ...(pairs.length > 0 ? [`ENV ${pairs.join(" ")}`] : []),
    ...(path.length > 0 ? [`ENV PATH=${path.join(":")}:$PATH`] : []),
  ];
}

function renderStep(step: Step, bases: Bases): string {
  if ("run" in step) return renderRun(step, bases);
  if ("bring" in step) return `COPY ${BROUGHT}/${step.bring} ${step.to}`;
  const owned = step.owned ? OWNED : "";
  if ("take" in step) return `COPY --from=${step.from} ${owned}${step.take} ${step.to}`;
  const from = step.copy.map((file) => (file === "." ? `${TREE}/` : `${TREE}/${file}`));
  return `COPY ${owned}${from.join(" ")} ./${step.to ? `${step.to}/` : ""}`;
}

function renderRun({ run, caches: mounts, env = {} }: RunStep, bases: Bases): string {
  const mounted = mounts.map(
    ({ name, target, locked }) =>
      `--mount=type=cache,id=${bases.caches}-${name},target=${target}${locked ? ",sharing=locked" : ""} `,
  );
  const set = Object.entries(env).map(([name, value]) => `${name}=${value} `);
  const { secrets } = bases;
  const secret = secrets ? `--mount=type=secret,id=${SECRET_ENV},target=${SECRET_FILE} ` : "";
  const read = secrets ? `: ${secrets} && . ${SECRET_FILE} && ` : "";
  return `RUN ${secret}${mounted.join("")}${read}${set.join("")}${run}`;
}
