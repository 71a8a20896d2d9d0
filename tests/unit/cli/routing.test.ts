import test from "ava";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KNOBS, readKnob, showKnob } from "../../../apps/cli/routing-knobs.ts";
import { startCliShop } from "../../support/cli-shop.ts";

const { dir, teal: run, stop } = await startCliShop();
test.after.always(stop);

const teal = (args: string[], input = "") => run(args, { input });

const kind = (name: string) => {
  const knob = KNOBS.find((one) => one.name === name);
  if (!knob) throw new Error(name);
  return knob;
};

test("sizes, times and switches are read as people write them, and shown so again", (t) => {
  const good: [string, string, unknown, string][] = [
    ["max-body", "10mb", 10_485_760, "10mb"],
    ["max-body", "1500", 1500, "1500b"],
    ["max-body", "0", 0, "0"],
    ["response-timeout", "30s", 30_000, "30s"],
    ["response-timeout", "1500ms", 1500, "1500ms"],
    ["hsts", "365d", 31_536_000, "31536000s"],
    ["sticky", "ON", true, "on"],
    ["access-log", "off", false, "off"],
    ["canonical-host", " Shop.Example ", "shop.example", "shop.example"],
  ];
  for (const [name, text, value, shown] of good) {
    t.is(readKnob(kind(name), text), value as number, `${name}=${text}`);
    t.is(showKnob(kind(name), value as number), shown);
  }
  for (const [name, text] of [
    ["max-body", "10 mb"],
    ["max-body", "-1"],
    ["max-body", "1e3"],
    ["response-timeout", "30"],
    ["response-timeout", "s"],
    ["sticky", "yes"],
    ["canonical-host", ""],
  ] as const) {
    t.throws(() => readKnob(kind(name), text), { message: /was expected for/ }, `${name}=${text}`);
  }
});

test.serial("routing is set, shown and unset", async (t) => {
  t.regex((await teal(["routing"])).stdout, /maintenance +off\n.*max-body +no limit \(default\)/s);
  const set = await teal(["routing:set", "max-body=10mb", "https-redirect=on", "--no-follow"]);
  t.is(set.code, 0, set.stderr);
  t.regex(set.stdout, /is on its way/);
  t.regex((await teal(["routing"])).stdout, /https-redirect +on\n.*max-body +10mb\n/s);
  t.is((await teal(["routing:unset", "max-body", "--no-follow"])).code, 0);
  const { routing } = JSON.parse((await teal(["routing", "--json"])).stdout);
  t.deepEqual(routing, { httpsRedirect: true });
  t.is((await teal(["routing:set", "max-body=lots"])).code, 2);
  t.is((await teal(["routing:set", "colour=blue"])).code, 2);
  t.is((await teal(["routing:unset", "colour"])).code, 2);
  t.is((await teal(["routing:set", "canonical-host=other.example"])).code, 4);
});

test.serial("maintenance and pages take a file or standard input", async (t) => {
  writeFileSync(join(dir, "soon.html"), "<p>soon</p>");
  t.is((await teal(["maintenance:on", "--page", "soon.html", "--no-follow"])).code, 0);
  t.regex((await teal(["routing"])).stdout, /maintenance +on\n.*page maintenance +11 bytes/s);
  t.is((await teal(["maintenance:off", "--no-follow"])).code, 0);
  t.is((await teal(["pages:set", "502", "-", "--no-follow"], "<p>sorry</p>")).code, 0);
  t.regex((await teal(["routing"])).stdout, /maintenance +off\n.*page 502 +12 bytes/s);
  t.is((await teal(["pages:set", "404", "-"], "<p>")).code, 2);
  t.is((await teal(["pages:set", "502", "-"], "  ")).code, 2);
  t.is((await teal(["pages:set", "502", "nowhere.html"])).code, 2);
  t.is((await teal(["pages:unset", "502", "--no-follow"])).code, 0);
});
