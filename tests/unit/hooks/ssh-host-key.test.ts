import test from "ava";
import ssh2 from "ssh2";
import { generateHostKey } from "../../../hooks/ssh-host-key.ts";

test("every host key that is made can be read again", (t) => {
  for (let i = 0; i < 1500; i++) {
    t.false(ssh2.utils.parseKey(generateHostKey()) instanceof Error);
  }
});
