/** Container name of an instance: deterministic, so that creating it twice is creating it once. */
export function instanceId(
  namespace: string,
  deploy: string,
  process: string,
  index: number | "",
): string {
  return `${namespace}-${deploy}-${process}-${index}`;
}

/** Tag that pins a release's image: `NAMESPACE/APP:DEPLOY`. */
export function imageTag(namespace: string, app: string, deploy: string): string {
  return `${namespace}/${app}:${deploy}`;
}

/** What people call an instance: `web.1`. */
export function nameOf({ process, index }: { process: string; index: number | string }): string {
  return `${process}.${index}`;
}
