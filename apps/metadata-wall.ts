import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { childEnd } from "./child.ts";

/** The addresses at which clouds tell a machine its own secrets, by the program that shuts them. */
const CLOUDS = {
  // Link-local: AWS, Google, Azure, Oracle, Hetzner, OpenStack …; Alibaba; Azure's other one.
  iptables: ["169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32"],
  ip6tables: ["fd00:ec2::254/128", "fd20:ce::254/128"],
} as const;

type Program = keyof typeof CLOUDS;

/** Those that this machine has a use for. */
const programs = (): Program[] =>
  existsSync("/proc/net/if_inet6") ? ["iptables", "ip6tables"] : ["iptables"];

/** Before any rewriting of addresses and any routing: what is dropped here reaches nobody. */
const TABLE = "raw";
const WAIT = ["-w", "5"];

export interface Wall {
  /** Name of its chain, one per platform. */
  chain: string;
  /** Where its packets come from, as arguments of a rule. */
  from: Record<Program, string[][]>;
}

/** What to do where the wall cannot be made by itself; a command for root. */
export const WALL_BY_HAND = (pool: string) =>
  `iptables -t ${TABLE} -I PREROUTING -s ${pool} -d ${CLOUDS.iptables[0]} -j DROP`;

/** @param namespace of 21 characters at most: a chain's name has 28 */
export function chainOf(namespace: string): string {
  return `TEAL-${namespace}`;
}

/**
 * The wall of one platform: its apps' networks, and the engine's own bridge, where builds run.
 * @param bridge the bridge's name; null: the engine has none
 */
export function wallOf(namespace: string, pool: string, bridge: string | null): Wall {
  const builds = bridge === null ? [] : [["-i", bridge]];
  return {
    chain: chainOf(namespace),
    from: { iptables: [["-s", pool], ...builds], ip6tables: builds },
  };
}

/**
 * Makes the wall, where it does not stand already.
 * @returns true when something had to be made
 * @throws Error with the words of the program that could not
 */
export async function raiseWall({ chain, from }: Wall): Promise<boolean> {
  let made = false;
  for (const program of programs()) {
    if (from[program].length === 0) continue;
    const rules = rulesOf(chain, program);
    const there = (await rulesOfTable(program)).filter((rule) => rule.startsWith(`-A ${chain} `));
    if (there.join("\n") !== rules.join("\n")) {
      // One transaction: the chain is emptied and filled, and nobody sees it half full.
      const text = [`*${TABLE}`, `:${chain} - [0:0]`, ...rules, "COMMIT", ""].join("\n");
      await run(`${program}-restore`, [...WAIT, "--noflush"], text);
      made = true;
    }
    for (const source of from[program]) {
      const jump = ["PREROUTING", ...source, "-j", chain];
      const stands = await run(program, [...WAIT, "-t", TABLE, "-C", ...jump]).catch(() => null);
      if (stands !== null) continue;
      await run(program, [...WAIT, "-t", TABLE, "-I", ...jump]);
      made = true;
    }
  }
  return made;
}

/**
 * Takes the wall away, whole or in part.
 * @returns true when there was something of it
 * @throws Error with the words of the program that could not
 */
export async function removeWall(chain: string): Promise<boolean> {
  let removed = false;
  for (const program of programs()) {
    const rules = await rulesOfTable(program);
    if (!rules.includes(`-N ${chain}`)) continue;
    const jumps = rules.filter((rule) => rule.startsWith("-A PREROUTING ") && leads(rule, chain));
    const away = jumps.map((rule) => rule.replace("-A", "-D"));
    const text = [`*${TABLE}`, ...away, `-F ${chain}`, `-X ${chain}`, "COMMIT", ""].join("\n");
    await run(`${program}-restore`, [...WAIT, "--noflush"], text);
    removed = true;
  }
  return removed;
}

/**
 * Whether apps and builds are kept from the cloud's metadata by this wall.
 * @throws Error with the words of iptables, when it cannot be asked
 */
export async function wallStands(chain: string): Promise<boolean> {
  const rules = await rulesOfTable("iptables");
  return (
    rules.some((rule) => rule.startsWith("-A PREROUTING -s ") && leads(rule, chain)) &&
    rulesOf(chain, "iptables").every((rule) => rules.includes(rule))
  );
}

/** As `iptables -S` prints them. On some clouds names are looked up at the same address. */
function rulesOf(chain: string, program: Program): string[] {
  return [
    `-A ${chain} -p udp -m udp --dport 53 -j RETURN`,
    `-A ${chain} -p tcp -m tcp --dport 53 -j RETURN`,
    ...CLOUDS[program].map((address) => `-A ${chain} -d ${address} -j DROP`),
  ];
}

const leads = (rule: string, chain: string): boolean => rule.endsWith(` -j ${chain}`);

async function rulesOfTable(program: Program): Promise<string[]> {
  return (await run(program, [...WAIT, "-t", TABLE, "-S"])).split("\n");
}

async function run(program: string, args: string[], input = ""): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "" };
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  const end = childEnd(child, program, true);
  child.stdin.on("error", () => undefined).end(input);
  return end;
}
