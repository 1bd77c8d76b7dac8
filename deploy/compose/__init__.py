"""One site in containers: `compose.yaml`, the secrets it mounts, and the roles of its database."""
