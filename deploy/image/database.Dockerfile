# syntax=docker/dockerfile:1
# The database of deploy/k8s: CloudNativePG's own PostgreSQL 17 with TimescaleDB's community edition. From this folder,
# with the publisher's signing key beside it as timescaledb.gpg, its fingerprint compared by you (docs/how-to/deploy.md):
# docker build -f database.Dockerfile -t quaystream-database:17-2.29.2 .
FROM ghcr.io/cloudnative-pg/postgresql:17.7-202601260808-system-bookworm@sha256:f23eccef24eee7594557c57cb07c8b31660301db4355db4dc10a1dd1accff88d
ARG TIMESCALEDB=2.29.2~debian12-1700
# hadolint ignore=DL3002,DL3066
USER 0
COPY timescaledb.gpg /usr/share/keyrings/timescaledb.gpg
RUN echo "deb [signed-by=/usr/share/keyrings/timescaledb.gpg] https://packagecloud.io/timescale/timescaledb/debian/ bookworm main" \
        > /etc/apt/sources.list.d/timescaledb.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends \
        "timescaledb-2-postgresql-17=${TIMESCALEDB}" "timescaledb-2-loader-postgresql-17=${TIMESCALEDB}" \
    && rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/timescaledb.list
LABEL org.opencontainers.image.title="quaystream-database" \
      org.opencontainers.image.description="PostgreSQL 17 for CloudNativePG with TimescaleDB, community edition" \
      org.opencontainers.image.licenses="PostgreSQL AND LicenseRef-Timescale"
USER 26:26
