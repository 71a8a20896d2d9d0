import Docker from "dockerode";

/** A client of the Docker engine on its default socket, or the one that DOCKER_HOST names. */
export function createDocker(): Docker {
  return new Docker();
}
