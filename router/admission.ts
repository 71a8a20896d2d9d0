import type { AppState } from "./table.ts";

/** A request that wants to be let in. Exactly one of `go` and `refuse` is called, unless it is gone. */
export interface Applicant {
  readonly host: string;
  /** The client has left. */
  gone(): boolean;
  /** Choose a target of `app` now, in this very turn of the event loop. */
  go(app: AppState): void;
  refuse(status: 404 | 503, says: string, app?: AppState): void;
}

export interface Hosts {
  find(host: string): AppState | undefined;
  /** One sentence, where `find` finds nothing. */
  nobodyAt(host: string): string;
}

export type Admit = (applicant: Applicant) => void;

/**
 * The one gate for new requests and for repeated ones: looks the app up, and waits while a swap of
 * it is prepared. After the wait everything is looked up anew, so nobody gets a target that was
 * chosen before a swap.
 */
export function createAdmission({ find, nobodyAt }: Hosts): Admit {
  function admit(applicant: Applicant): void {
    if (applicant.gone()) return;
    const app = find(applicant.host);
    if (!app) return applicant.refuse(404, nobodyAt(applicant.host));
    if (app.hold === null) return applicant.go(app);
    if (app.hold.wait(() => admit(applicant))) {
      app.counters.held++;
    } else {
      app.counters.refused++;
      applicant.refuse(503, "Too many requests are waiting for a swap.", app);
    }
  }
  return admit;
}
