/** The longest on two cores, longest first: begun first, so that no core is idle at the end. */
const LONG = [
  "integration/killed-worker",
  "integration/build-languages",
  "integration/launcher",
  "integration/backup",
  "integration/storm",
  "integration/build-managers",
  "integration/doctor",
  "integration/guard",
  "integration/handover",
  "integration/dashboard",
  "integration/sources",
  "integration/app-json",
  "integration/daily",
  "integration/liveness",
  "integration/build",
  "unit/dashboard/browser",
  "unit/workers/invariants",
  "unit/api/openapi",
  "unit/api/malformed",
  "unit/apps/store-conformance",
  "unit/workers/exclusive-invariants",
  "unit/cli/main",
  "advisories/34-fuzz-against-nginx",
];

function rank(file) {
  const at = LONG.findIndex((name) => file.endsWith(`tests/${name}.test.ts`));
  return at < 0 ? LONG.length : at;
}

export default {
  extensions: ["ts"],
  files: ["tests/**/*.test.ts"],
  timeout: "3m",
  concurrency: 2,
  workerThreads: false,
  sortTestFiles: (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1),
};
