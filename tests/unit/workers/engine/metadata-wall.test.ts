import { execFileSync } from "node:child_process";
import test from "ava";
import {
  chainOf,
  raiseWall,
  removeWall,
  wallOf,
  wallStands,
} from "../../../../apps/metadata-wall.ts";
import { createDocker } from "../../../../workers/engine/client.ts";
import { createMetadataWall } from "../../../../workers/engine/metadata-wall.ts";

const namespace = `tealtest-${process.pid}`;
const chain = chainOf(namespace);
// Of RFC 5737: no packet comes from there.
const pool = "198.51.100.7/24";
const docker = createDocker();
test.after.always(() => removeWall(chain));

const lines = (program: string): string[] =>
  execFileSync(program, ["-w", "5", "-t", "raw", "-S"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(chain));

function said() {
  const heard: string[] = [];
  const say = (level: string) => (about: object, text: string) =>
    void heard.push(`${level} ${text} ${JSON.stringify(about)}`);
  return { heard, log: { info: say("info"), warn: say("warn") } as never };
}

test.serial(
  "a wall that stands is left alone, one with a hole is mended, and none is left",
  async (t) => {
    const wall = wallOf(namespace, pool, "docker0");
    t.true(await raiseWall(wall));
    const whole = lines("iptables");
    t.is(whole.length, 8);
    t.deepEqual(
      whole.slice(-3).map((line) => line.split(" ")[3]),
      ["169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32"],
    );
    t.true(lines("ip6tables").some((line) => line.includes("fd00:ec2::254")));
    t.false(await raiseWall(wall), "nothing is made twice");
    execFileSync("iptables", ["-t", "raw", "-D", chain, "-d", "169.254.0.0/16", "-j", "DROP"]);
    t.false(await wallStands(chain));
    t.true(await raiseWall(wall));
    execFileSync("iptables", ["-t", "raw", "-D", "PREROUTING", "-s", pool, "-j", chain]);
    t.false(await wallStands(chain));
    t.true(await raiseWall(wall));
    t.deepEqual(lines("iptables").toSorted(), whole.toSorted());
    t.true(await removeWall(chain));
    t.deepEqual([...lines("iptables"), ...lines("ip6tables")], []);
    t.false(await removeWall(chain));
  },
);

test.serial(
  "two workers at once make one wall, and either takes it away when it is not wanted",
  async (t) => {
    const { log, heard } = said();
    const options = { docker, namespace, pool, allowed: false, log };
    const [one, other] = [createMetadataWall(options), createMetadataWall(options)];
    await Promise.all([one.ensure(), other.ensure()]);
    t.true(await wallStands(chain));
    t.is(lines("iptables").filter((line) => line.startsWith(`-A ${chain}`)).length, 5);
    t.true(
      heard.some((line) => line.startsWith("info")),
      heard.join("\n"),
    );
    await createMetadataWall({ ...options, allowed: true }).ensure();
    t.deepEqual(lines("iptables"), []);
  },
);

test.serial("what others flush is made again, until the signal", async (t) => {
  const { log } = said();
  const wall = createMetadataWall({ docker, namespace, pool, allowed: false, log, everyMs: 50 });
  const stopping = new AbortController();
  const running = wall.run(stopping.signal);
  for (let i = 0; i < 100 && !(await wallStands(chain)); i++)
    await new Promise((r) => setTimeout(r, 50));
  t.true(await wallStands(chain));
  stopping.abort();
  await running;
  t.true(await wallStands(chain), "apps run on, and so does it");
});

test.serial("without iptables there is one warning, and nothing dies", async (t) => {
  const { log, heard } = said();
  const wall = createMetadataWall({ docker, namespace, pool, allowed: false, log });
  const path = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  try {
    await wall.ensure();
    await wall.ensure();
  } finally {
    process.env["PATH"] = path;
  }
  t.is(heard.length, 1);
  t.regex(heard[0] ?? "", /warn apps and builds may reach.*ENOENT/);
});
