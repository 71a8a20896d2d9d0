import { form, type ApiRequest, type PageOptions, type Route, type Shown } from "./route.ts";

interface Spec {
  /** Of the form; for an app with `:app`. */
  path: string;
  needs: "push" | "admin";
  /** What it does, as in "ann may not …". */
  action: string;
  /** As the API's route says. */
  slow?: boolean;
  /** What of the API it asks for. */
  asks(sent: URLSearchParams): ApiRequest;
  /** Where to go then, of an app's form behind the app's path; or what is shown once. */
  goes: string | ((answer: never) => Shown);
}

/**
 * A form that is a request of the API: the API's schema says what is wrong with it, its handler does
 * it, and the audit log calls it by the API's name.
 */
export function appForm({ ask }: Pick<PageOptions, "ask">, spec: Spec): Route {
  return form<"app">({
    ...spec,
    subject: "app",
    async take({ subject: { name: app }, identity }, sent, tell) {
      const request = spec.asks(sent);
      const params = { app, ...request.params };
      const told = { body: request.body, asked: { ...request, params } };
      tell(told);
      const answer = await ask(identity, { ...request, params });
      tell({ ...told, answer });
      return typeof spec.goes === "string"
        ? `/apps/${app}${spec.goes}`
        : spec.goes(answer as never);
    },
  });
}

/** The same of the whole platform. */
export function platformForm({ ask }: Pick<PageOptions, "ask">, spec: Spec): Route {
  return form<"platform">({
    ...spec,
    subject: "platform",
    async take({ identity }, sent, tell) {
      const request = spec.asks(sent);
      const told = { body: request.body, asked: request };
      tell(told);
      const answer = await ask(identity, request);
      tell({ ...told, answer });
      return typeof spec.goes === "string" ? spec.goes : spec.goes(answer as never);
    },
  });
}
