import { appForm } from "./asking.ts";
import { readText } from "./forms.ts";
import { html, type Html } from "./html.ts";
import { empty } from "./pieces.ts";
import type { PageOptions, Route } from "./route.ts";

/** What a build is told besides its tree. */
export function build(
  app: string,
  options: [name: string, text: string][],
  mayPush: boolean,
): Html {
  return html`<h2>Build</h2>
    ${
      options.length > 0
        ? html`<ul class="vars">
            ${options.map(
              ([name, text]) =>
                html`<li>
                  <code class="name">${name}</code> <code class="value">${text}</code>
                  ${
                    mayPush &&
                    html`<form method="post" action="/apps/${app}/build/unset">
                      <input type="hidden" name="name" value="${name}" />
                      <button class="quiet" aria-label="Unset ${name}">Unset</button>
                    </form>`
                  }
                </li>`,
            )}
          </ul>`
        : empty("As the tree says.")
    }
    ${
      mayPush &&
      html`<form class="sheet" method="post" action="/apps/${app}/build/set">
        <label
          >Option
          <input
            name="name"
            required
            list="build-options"
            placeholder="root"
            autocomplete="off"
            spellcheck="false"
        /></label>
        <datalist id="build-options">
          ${["root", "dockerfile", "context", "target", "buildpacks", "submodules", "timeout", "memory", "cpus", "arg.", "env."].map((one) => html`<option value="${one}"></option>`)}
        </datalist>
        <label
          >Value <input name="value" required placeholder="apps/web" spellcheck="false"
        /></label>
        <button class="primary">Set it</button>
        <p class="hint">
          <code>root</code> is the folder that is the app, <code>arg.NAME</code> a build argument,
          <code>env.NAME</code> (with the value <code>on</code>) config that the build may read. The
          next build has them.
        </p>
      </form>`
    }`;
}

export function buildForms(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/build/set",
      needs: "push",
      action: "change build options",
      asks: (sent) => ({
        route: "post /apps/:app/build",
        body: { set: { [readText(sent, "name")]: readText(sent, "value") } },
      }),
      goes: "/settings",
    }),
    appForm(options, {
      path: "/apps/:app/build/unset",
      needs: "push",
      action: "change build options",
      asks: (sent) => ({
        route: "post /apps/:app/build",
        body: { unset: [readText(sent, "name")] },
      }),
      goes: "/settings",
    }),
  ];
}
