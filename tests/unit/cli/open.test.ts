import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { openInBrowser } from "../../../apps/cli/open.ts";

const URL = "http://shop.localhost:8080/?a=1&b=$(touch x)";
const dir = mkdtempSync(join(tmpdir(), "teal-open-"));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

/** In the place of a desktop's own: it keeps what it was given, and what it was told besides. */
const OPENER = `#!/bin/sh
printf '%s|%s' "$1" "$TEAL_TOKEN" > "$HOME/opening"
/bin/mv "$HOME/opening" "$HOME/opened"
`;

test("an address is opened where there is a screen, as one word, and without the token", async (t) => {
  writeFileSync(join(dir, "xdg-open"), OPENER, { mode: 0o755 });
  const env = { PATH: dir, HOME: dir, DISPLAY: ":9", TEAL_TOKEN: "teal_secret" };
  t.true(await openInBrowser(URL, env));
  const opened = async (): Promise<string> => {
    for (let i = 0; i < 100; i++) {
      try {
        return readFileSync(join(dir, "opened"), "utf8");
      } catch {
        await sleep(50);
      }
    }
    return "nothing";
  };
  t.is(await opened(), `${URL}|`);
});

test("without a screen, over SSH, or without a browser it is only printed; nothing but http is opened", async (t) => {
  const env = { PATH: "/nowhere", HOME: dir };
  t.false(await openInBrowser(URL, env), "no screen");
  t.false(await openInBrowser(URL, { ...env, DISPLAY: ":9" }), "no browser");
  const here = { PATH: dir, HOME: dir, DISPLAY: ":9" };
  t.false(await openInBrowser(URL, { ...here, TEAL_OVER_SSH: "ssh://teal@192.0.2.7:2222" }));
  t.false(await openInBrowser("file:///etc/passwd", here));
});
