import type { Came, Delivery } from "../senders.ts";
import { when } from "./format.ts";
import { html, type Html } from "./html.ts";
import { confirm } from "./pieces.ts";

/** One delivery: what was answered, what came, and a button to look at it again. */
export function deliveryPage(app: string, delivery: Delivery, came: Came): Html {
  const { event, id, deploy, reason, at } = delivery;
  const answer = deploy ? { deploy } : { deploy: null, reason };
  return html`<h1>Delivery ${id}</h1>
    <p class="facts">${event}, ${when(at)}</p>
    ${
      delivery.key !== undefined &&
      confirm({
        id: "ask-redeliver",
        button: "Redeliver",
        look: "quiet",
        action: `/apps/${app}/webhooks/redeliver`,
        yes: "Look at it again",
        says: "It is decided anew with this webhook's settings as they are now, and may deploy. Its signature was found good when it came.",
        fields: { key: delivery.key },
      })
    }
    <section>
      <h2>Answer</h2>
      <pre class="payload" tabindex="0">${deploy ? 202 : 200} ${JSON.stringify(answer)}</pre>
    </section>
    <section>
      <h2>Headers</h2>
      <pre class="payload" tabindex="0">
${Object.entries(came.headers).map(([name, value]) => `${name}: ${value}\n`)}</pre>
    </section>
    <section>
      <h2>Payload</h2>
      <pre class="payload" tabindex="0">${indented(came.body)}</pre>
    </section>`;
}

function indented(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** What became of the newest deliveries. */
export function deliveryList(app: string, deliveries: Delivery[], mayPush: boolean): Html {
  return html`<ul class="rows">
    ${deliveries.map(
      (one) =>
        html`<li class="row">
          <span class="state ${one.deploy ? "live" : "superseded"}"
            >${one.deploy ? "deployed" : "no deploy"}</span
          >
          <b>${one.event}</b>
          ${
            mayPush && one.key !== undefined
              ? html`<a href="/apps/${app}/webhooks/${one.key}"><code>${one.id}</code></a>`
              : html`<code>${one.id}</code>`
          }
          ${one.deploy && html`<a href="/apps/${app}/deploys/${one.deploy}">${one.deploy}</a>`}
          <span class="soft">${when(one.at)}</span>
          ${one.reason && html`<span class="error quiet">${one.reason}</span>`}
        </li>`,
    )}
  </ul>`;
}
