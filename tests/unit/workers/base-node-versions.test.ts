import test from "ava";
import { chooseVersion, noSuchVersion } from "../../../workers/base-node-versions.ts";

const VERSIONS = [
  "18.20.8",
  "20.20.2",
  "22.1.0",
  "22.23.3",
  "24.9.0",
  "24.10.0",
  "24.21.0",
  "25.9.0",
  "26.10.0",
];

for (const [range, expected] of [
  ["24.x", "24.21.0"],
  ["24", "24.21.0"],
  ["^22.1.0", "22.23.3"],
  ["22.1.0", "22.1.0"],
  ["~24.9", "24.9.0"],
  ["26 || 22", "26.10.0"],
  [">=25", "26.10.0"],
] as const) {
  test(`the newest version in the range is taken: ${range}`, (t) => {
    t.is(chooseVersion(VERSIONS, range), expected);
  });
}

for (const range of [">=18", "*", "24 || 26", ">=20 <27"]) {
  test(`an open range gets the long-term-support line, not the newest of all: ${range}`, (t) => {
    t.is(chooseVersion(VERSIONS, range), "24.21.0");
  });
}

for (const range of ["99.x", "24.99.x", "<18", ">24.21.0 <25"]) {
  test(`a range without any version gives none: ${range}`, (t) => {
    t.is(chooseVersion(VERSIONS, range), null);
  });
}

test("with an open range, another line's image does not stand in for the long-term-support one", (t) => {
  t.is(chooseVersion(["26.10.0"], ">=18"), null);
});

test("the error names the newest version of each line", (t) => {
  const error = noSuchVersion({ range: "99.x", from: "engines.node" }, VERSIONS);
  t.is(error.code, "build-failed");
  t.regex(
    error.message,
    /'99\.x' was expected \(engines\.node\).* 18\.20\.8, 20\.20\.2, 22\.23\.3, 24\.21\.0, 25\.9\.0, 26\.10\.0\. Correct engines\.node in package\.json/,
  );
  t.regex(noSuchVersion({ range: "9.x", from: ".nvmrc" }, VERSIONS).message, /Correct \.nvmrc/);
});
