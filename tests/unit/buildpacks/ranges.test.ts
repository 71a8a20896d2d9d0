import test from "ava";
import { composerRange, conditionRange, versionRange } from "../../../buildpacks/ranges.ts";

for (const [text, range] of [
  ["22", "22.x"],
  ["v22.1", "22.1.x"],
  ["v22.1.0", "22.1.0"],
  ["lts/*", "*"],
  ["lts/iron", "20.x"],
  ["latest", "*"],
  ["3.12", "3.12.x"],
  ["python-3.12.4", "3.12.4"],
  ["ruby-3.3.6", "3.3.6"],
  ["3.3.6p108", "3.3.6"],
  ["temurin-21.0.5+11.0.LTS", "21.0.5"],
  ["1.17.3-otp-27", "1.17.3"],
  ["go1.22", "1.22.x"],
  ["3.08.1", "3.8.1"],
  ["newest please", null],
  ["pypy", null],
  ["3.14.0rc1", null],
  ["nightly", null],
  ["", null],
] as const) {
  test(`a version file's '${text}' is ${range === null ? "no version" : range}`, (t) => {
    t.is(versionRange(text), range);
  });
}

for (const [text, range] of [
  [">=3.10,<4", ">=3.10 <4"],
  ["~=3.10", ">=3.10 <4.0.0"],
  ["~> 3.2", ">=3.2 <4.0.0"],
  ["~> 3.2.1", ">=3.2.1 <3.3.0"],
  ["==3.11.*", "3.11.x"],
  ["^3.11", "^3.11"],
  ["3.3.6", "3.3.6"],
  [">=3.9, !=3.9.7", ">=3.9"],
  ["~> 1.14 or ~> 1.16", ">=1.14 <2.0.0 || >=1.16 <2.0.0"],
  ["a python", null],
] as const) {
  test(`a manifest's condition '${text}' is ${range ?? "none"}`, (t) => {
    t.is(conditionRange(text), range);
  });
}

for (const [text, range] of [
  ["^8.1|^8.2", "^8.1 || ^8.2"],
  ["^8.1 || ^8.2", "^8.1 || ^8.2"],
  ["~8.1", ">=8.1 <9.0.0"],
  ["~8.1.3", ">=8.1.3 <8.2.0"],
  ["8.2.*", "8.2.x"],
  [">=8.1 <8.4", ">=8.1 <8.4"],
  [">=8.1,<8.4", ">=8.1 <8.4"],
  ["new", null],
] as const) {
  test(`Composer's '${text}' is ${range ?? "none"}`, (t) => {
    t.is(composerRange(text), range);
  });
}
