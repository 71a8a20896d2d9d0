import test from "ava";
import { explainSilence, parseTable } from "../../../workers/listening.ts";

const HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";

test("ports that are listened on are read from the kernel's table, Docker's resolver left out", (t) => {
  const table = [
    HEADER,
    "   0: 0B00007F:9C4B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0",
    "   1: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001",
    "   2: 00000000:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001",
    "   3: 0200D50A:1388 0100D50A:D2F0 01 00000000:00000000 00:00000000 00000000 10001",
  ].join("\n");
  t.deepEqual(parseTable(table), [
    { port: 3000, localOnly: true },
    { port: 5000, localOnly: false },
  ]);
});

test("IPv6 addresses: any, loopback, and loopback as IPv4 in IPv6", (t) => {
  const row = (address: string) => `   0: ${address}:1388 0000:0000 0A 0 0 0 0`;
  const local = (address: string) => parseTable([HEADER, row(address)].join("\n"))[0]?.localOnly;
  t.false(local("00000000000000000000000000000000"));
  t.true(local("00000000000000000000000001000000"));
  t.true(local("0000000000000000FFFF00000100007F"));
});

test("silence is explained in one sentence", (t) => {
  const on = (port: number, localOnly = false) => ({ port, localOnly });
  t.is(explainSilence(5000, [on(5000)]), "");
  t.regex(explainSilence(5000, [on(5000, true)]), /127\.0\.0\.1:5000 only.*0\.0\.0\.0:5000/);
  t.regex(explainSilence(5000, [on(3000), on(9229)]), /it listens on 3000, 9229/);
  t.regex(explainSilence(5000, []), /nor on any other/);
});
