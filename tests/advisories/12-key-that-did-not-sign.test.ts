import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import ssh2, { type ParsedKey } from "ssh2";
import { startPushWorld, type PushWorld } from "../support/push-world.ts";
import { createSshUser, SHOWING_CLI } from "../support/ssh-client.ts";

const dir = mkdtempSync(join(tmpdir(), "teal-row12-"));
let world: PushWorld;
test.before(async () => {
  const cliFile = join(dir, "cli.mjs");
  writeFileSync(cliFile, SHOWING_CLI);
  world = await startPushWorld({ cliFile });
});
test.after.always(async () => {
  await world?.stop();
  rmSync(dir, { recursive: true, force: true });
});

function keyOf(file: string): ParsedKey {
  const key = ssh2.utils.parseKey(readFileSync(file));
  if (key instanceof Error) throw key;
  return key;
}

/** An agent that shows both keys and signs only with the second, or with the wrong one for the first. */
class Agent extends ssh2.BaseAgent<ParsedKey> {
  asked: ParsedKey[] = [];
  keys: ParsedKey[];
  forge: boolean;
  constructor(keys: ParsedKey[], forge: boolean) {
    super();
    this.keys = keys;
    this.forge = forge;
  }
  override getIdentities(done: (error: Error | undefined, keys: ParsedKey[]) => void): void {
    done(undefined, this.keys);
  }
  override sign(key: ParsedKey, data: Buffer, ...rest: unknown[]): void {
    const done = rest.at(-1) as (error?: Error, signature?: Buffer) => void;
    this.asked.push(key);
    const signer = this.keys.at(-1)!;
    const isSigner = key.getPublicSSH().equals(signer.getPublicSSH());
    if (isSigner || this.forge) done(undefined, signer.sign(data));
    else done(new Error("will not sign with this one"));
  }
}

/** The identity that the platform gives to a client with this agent, or null when it lets it not in. */
async function whoAmI(agent: Agent): Promise<string | null> {
  const client = new ssh2.Client();
  const { promise, resolve } = Promise.withResolvers<string | null>();
  // Also told of each key that the agent will not sign with.
  client.on("error", () => {});
  client.once("close", () => resolve(null));
  client.once("ready", () => {
    client.exec("wait", (_, channel) => {
      let text = "";
      channel.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes("\n")) resolve(text.split("\n")[0]!);
      });
    });
  });
  client.connect({ host: "127.0.0.1", port: world.sshPort, username: "teal", agent });
  const line = await promise;
  // The command waits, so that its token is still good.
  const env = line && (JSON.parse(line) as { env: Record<string, string> }).env;
  const identity = env ? await world.access.verifyToken(env["TEAL_TOKEN"]!) : null;
  client.end();
  return identity?.name ?? null;
}

test("a client that asks about one key and signs with another is the other", async (t) => {
  const admin = await createSshUser(world, "admin", "admin");
  const reader = await createSshUser(world, "reader", "read");
  const agent = new Agent([keyOf(admin.keyFile), keyOf(reader.keyFile)], false);
  const who = whoAmI(agent);
  t.is(await who, "reader");
  t.is(agent.asked.length, 2, "the first key was asked about and found good");
});

test("a signature by another key than the request's lets nobody in", async (t) => {
  const admin = await createSshUser(world, "admin-2", "admin");
  const stranger = ssh2.utils.generateKeyPairSync("ed25519").private;
  const file = join(dir, "stranger");
  writeFileSync(file, stranger);
  t.is(await whoAmI(new Agent([keyOf(admin.keyFile), keyOf(file)], true)), null);
});
