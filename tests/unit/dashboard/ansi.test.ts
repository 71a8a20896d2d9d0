import test from "ava";
import { ansi } from "../../../apps/dashboard/ansi.ts";

const shown = (text: string) => ansi(text).markup;

test("terminal colours become classes, and all else is text", (t) => {
  t.is(shown("plain <b>"), "plain &lt;b&gt;");
  t.is(shown("a \u001B[1;31m<x>\u001B[0m b"), 'a <span class="c1 b">&lt;x&gt;</span> b');
  t.is(shown("\u001B[92mok\u001B[39m rest"), '<span class="c10">ok</span> rest');
  t.is(shown("\u001B[41;97mbad\u001B[49m"), '<span class="c15 g1">bad</span>');
  t.is(shown("\u001B[2m\u001B[3m\u001B[4mx\u001B[22;23;24my"), '<span class="f i u">x</span>y');
});

test("256 colours and true colour are the nearest of the sixteen", (t) => {
  t.is(shown("\u001B[38;5;9mx"), '<span class="c9">x</span>');
  t.is(shown("\u001B[38;5;196mx"), '<span class="c1">x</span>');
  t.is(shown("\u001B[48;5;21mx"), '<span class="g4">x</span>');
  t.is(shown("\u001B[38;5;250mx"), '<span class="c15">x</span>');
  t.is(shown("\u001B[38;2;20;200;30;1mx"), '<span class="c2 b">x</span>');
});

test("no code makes markup, whatever its numbers are", (t) => {
  t.is(shown('\u001B[38;2m"'), '<span class="c0">&quot;</span>');
  t.is(shown("\u001B[999999999999;mx\u001B[5mx"), "xx");
  t.is(shown("\u001B[31"), "\u001B[31");
});
