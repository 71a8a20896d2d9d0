import { totalmem } from "node:os";
import { defaultMemory } from "../../apps/runtime.ts";
import test from "ava";
import fc from "fast-check";
import type { App, Instance, Release } from "../../apps/types.ts";
import { containerSpec, oneOffSpec } from "../../workers/engine/spec.ts";

// Rows 26, 27 and 29: whatever an app's files and config say, its container's host settings are ours.

const APP: App = {
  ...{ name: "shop", id: "1", createdAt: 0, createdBy: "t", state: "active", token: 1 },
  ...{ routeVersion: 0, live: null, standby: null, held: null },
};
const NETWORK = { name: "teal-shop", base: 0x0ad50000 };
const INSTANCE: Instance = {
  ...{ id: "teal-shop-1-web-1", app: "shop", deploy: "shop-1", release: 1, colour: "blue" },
  ...{ process: "web", index: 1, state: "created", slot: 2 },
};

const MEMORY = defaultMemory(totalmem() / 2 ** 20) * 2 ** 20;
const HOST_CONFIG = {
  NetworkMode: "teal-shop",
  Init: true,
  CapDrop: ["ALL"],
  CapAdd: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "KILL", "NET_BIND_SERVICE"],
  SecurityOpt: ["no-new-privileges"],
  PidsLimit: 2048,
  Memory: MEMORY,
  MemorySwap: MEMORY,
  LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
};
const TOP = [
  "Image",
  "Labels",
  "StopTimeout",
  "HostConfig",
  "name",
  "Env",
  "Entrypoint",
  "Cmd",
  "NetworkingConfig",
];

function release(command: string): Release {
  return {
    ...{ app: "shop", n: 1, deploy: "shop-1", kind: "push", commit: "c", image: "sha256:1" },
    ...{ imageBytes: 1, processes: { web: command }, formation: { web: 1 }, port: 5000 },
    ...{ createdAt: 0, by: "t", why: "" },
  } as unknown as Release;
}

const hostile = fc.oneof(
  fc.string(),
  fc.constantFrom("--privileged", "-v /:/host", '{"Privileged":true}', "$(id)", "; docker ps"),
);
const config = fc.dictionary(fc.string({ minLength: 1 }), hostile, { maxKeys: 5 });

test("no command and no config changes an instance's host settings", (t) => {
  fc.assert(
    fc.property(hostile, config, (command, values) => {
      const spec = containerSpec({
        ...{ namespace: "teal", app: APP, release: release(command), network: NETWORK },
        ...{ config: values, instance: INSTANCE },
      });
      t.deepEqual(spec.HostConfig, HOST_CONFIG);
      t.deepEqual(
        Object.keys(spec).filter((key) => !TOP.includes(key)),
        [],
      );
      t.is(spec.name, INSTANCE.id);
      // The platform's own variables cannot be hidden.
      t.is(
        spec.Env?.findLast((line) => line.startsWith("PORT=")),
        "PORT=5000",
      );
    }),
  );
});

test("nor those of a one-off command", (t) => {
  fc.assert(
    fc.property(hostile, config, (command, values) => {
      const spec = oneOffSpec({
        ...{ namespace: "teal", app: APP, release: release("x"), network: NETWORK },
        ...{ config: values, name: "teal-shop-1-release", command },
      });
      t.deepEqual(spec.HostConfig, HOST_CONFIG);
      t.deepEqual(
        Object.keys(spec).filter((key) => !TOP.includes(key)),
        [],
      );
    }),
  );
});
