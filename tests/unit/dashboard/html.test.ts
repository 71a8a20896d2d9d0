import test from "ava";
import { html } from "../../../apps/dashboard/html.ts";

test("values are escaped for text and for attributes", (t) => {
  const hostile = `<b a="1" c='2'>&`;
  t.is(
    html`<p title="${hostile}">${hostile}</p>`.markup.match(
      /&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;/g,
    )?.length,
    2,
  );
});

test("templates within templates are markup, once; lists are joined, nothing is nothing", (t) => {
  const inner = html`<i>${"<"}</i>`;
  t.is(
    html`<p>${inner}${[inner, "a", 1, 0]}${null}${undefined}${false}</p>`.markup,
    "<p><i>&lt;</i><i>&lt;</i>a10</p>",
  );
});
