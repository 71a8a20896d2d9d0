import { execFile } from "node:child_process";
import { promisify } from "node:util";
import test from "ava";
import { shellArguments } from "../../../buildpacks/command.ts";

const run = promisify(execFile);

async function output(command: string): Promise<string> {
  const [program = "", ...args] = shellArguments(command);
  return (
    await run(program, args, { env: { PATH: process.env["PATH"], NAME: "x y" } })
  ).stdout.trim();
}

test("a simple command takes the shell's place", (t) => {
  t.deepEqual(shellArguments("node server.js --port $PORT"), [
    "/bin/sh",
    "-c",
    "exec node server.js --port $PORT",
  ]);
});

for (const [command, expected] of [
  ["echo $NAME", "x y"],
  ["echo a && echo b", "a\nb"],
  ["cd / && pwd", "/"],
  ["NAME=z sh -c 'echo $NAME'", "z"],
  ["exec echo a", "a"],
  ["if true; then echo a; fi", "a"],
  ["(echo a)", "a"],
  ["echo a | tr a b", "b"],
  ["! false", ""],
] as const) {
  test(`a command does what the shell would do: ${command}`, async (t) => {
    t.is(await output(command), expected);
  });
}
