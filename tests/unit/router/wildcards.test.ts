import test, { type ExecutionContext } from "ava";
import type { Route } from "../../../router/contract.ts";
import {
  OK_CLOSE,
  rawClient,
  routeTo,
  startRawApp,
  startRouter,
} from "../../support/router-rig.ts";

const says = (word: string) => OK_CLOSE.replace(/2\r\n\r\nok$/, `${word.length}\r\n\r\n${word}`);

async function appSaying(t: ExecutionContext, word: string): Promise<number> {
  return (await startRawApp(t, (socket) => void socket.write(says(word)))).port;
}

test("A wildcard takes names with one label before it, and an exact name is before any wildcard", async (t) => {
  const rig = await startRouter(t);
  const put = (app: string, port: number, hosts: string[], more: Partial<Route> = {}) =>
    rig.router.apply({ type: "route", route: { ...routeTo([port]), app, hosts, ...more } });
  const wild = await appSaying(t, "wild");
  put("wild", wild, ["*.shop.test"]);
  put("exact", await appSaying(t, "exact"), ["www.shop.test"]);
  const at = async (host: string) => {
    const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const answer = await (await rawClient(t, rig.port, request)).end();
    return answer.startsWith("HTTP/1.1 200") ? answer.split("\r\n\r\n")[1] : answer.slice(9, 12);
  };
  t.is(await at("a.shop.test"), "wild");
  t.is(await at("A.Shop.Test.:8080"), "wild");
  t.is(await at("www.shop.test"), "exact");
  for (const host of ["shop.test", "a.b.shop.test", "ashop.test", "a.shop.test.evil", "test"]) {
    t.is(await at(host), "404", host);
  }
  for (const host of ["*.shop.test", ".shop.test", "*"]) t.is(await at(host), "400", host);
  rig.router.apply({ type: "gone", app: "exact", version: 9 });
  t.is(await at("www.shop.test"), "wild");
  put("wild", wild, ["other.test"], { version: 2 });
  t.is(await at("a.shop.test"), "404");
});
