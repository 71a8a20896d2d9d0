import test from "ava";
import fc from "fast-check";
import { PlanError } from "../../../buildpacks/errors.ts";
import { parseProcfile } from "../../../buildpacks/procfile.ts";

test("each line is a process type and its command", (t) => {
  t.deepEqual(parseProcfile("web: node server.js\nworker: node worker.js\n"), {
    web: "node server.js",
    worker: "node worker.js",
  });
});

test("comments, blank lines, tabs, spaces and Windows line ends do not matter", (t) => {
  const text =
    "# the site\r\n\r\n  web\t:\tnode server.js  \r\n   # nothing\r\nworker:node worker.js";
  t.deepEqual(parseProcfile(text), { web: "node server.js", worker: "node worker.js" });
});

test("a command keeps its quotes, colons, dollar signs and number signs", (t) => {
  const command = `sh -c "node server.js --host=::1 --port $PORT" # 'quoted': yes`;
  t.deepEqual(parseProcfile(`web: ${command}`), { web: command });
});

test("names may have dashes, underscores and digits", (t) => {
  t.deepEqual(Object.keys(parseProcfile("web-2: a\nworker_fast: b\n7up: c")), [
    "web-2",
    "worker_fast",
    "7up",
  ]);
});

test("names of an object's own members are ordinary names", (t) => {
  t.deepEqual(parseProcfile("constructor: a\ntoString: b"), {
    constructor: "a",
    toString: "b",
  } as never);
});

for (const [what, text, line] of [
  ["a line that is no process type", "web: a\nnode server.js", 2],
  ["a name with a space", "\nmy web: a", 2],
  ["a name like the prototype's", "__proto__: a", 1],
  ["a process type without a command", "web:   ", 1],
  ["a process type that is there twice", "web: a\n# b\nweb: c", 3],
  ["marks of a merge that was not finished", "<<<<<<< HEAD\nweb: a", 1],
] as const) {
  test(`refused, with its line number: ${what}`, (t) => {
    const error = t.throws(() => parseProcfile(text), { instanceOf: PlanError });
    t.is(error?.code, "broken-procfile");
    t.true(error?.says.startsWith(`Procfile line ${line}: `), error?.says);
  });
}

test("every Procfile that was written is read back", (t) => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
  const command = fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/);
  fc.assert(
    fc.property(
      fc.dictionary(name, command),
      fc.constantFrom("\n", "\r\n", "\n\n# x\n"),
      (processes, end) => {
        const text = Object.entries(processes)
          .map(([key, value]) => `${key}: ${value}`)
          .join(end);
        t.deepEqual({ ...parseProcfile(text) }, { ...processes });
      },
    ),
  );
});

test("no text makes the parser fail in any other way", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      try {
        parseProcfile(text);
      } catch (error) {
        t.true(error instanceof PlanError);
      }
    }),
  );
  t.pass();
});
