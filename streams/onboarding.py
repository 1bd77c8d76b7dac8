"""Bringing sites in: what their files say beside what brokers and database have, and the changes that close the gap.

The plan changes nothing. Applying goes topics, principals, rows: whoever is cut short runs it again.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import psycopg
from confluent_kafka.admin import AdminClient

from connectors.kafka.options import KafkaAccess, access_from, librdkafka_options
from connectors.kafka.principals import Account, Difference, PrincipalAdmin
from connectors.kafka.producer import Publisher
from connectors.kafka.topics import compare, topic_admin
from connectors.timescale import onboarding as rows
from connectors.timescale.connection import connection_to, probe
from connectors.timescale.onboarding import Change, Sign
from deploy.local.onboarding import GatewayHome
from schemas.errors import ConfigurationError
from schemas.onboard import GatewayEntry, Port
from schemas.onboard.probe import Probe, probes_of
from schemas.topics import Topic, load_topics
from streams.settings import Settings

NO_AUTHORIZER = "the brokers ask nobody's name (no authorizer): no passwords, rights or keys are made"

_STRUCTURED: Final = (("content-type", b"application/cloudevents+json"),)
_PROOFS: Final = ("username_file", "password_file", "cert_file", "key_file", "signing_key_file")


@dataclass(frozen=True)
class SitePlan:
    """One file and its lines: rows of the database, then principals."""

    port: Port
    rows: list[Change]
    principals: list[Difference] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """All files together; `asks_names` False: the brokers have no authorizer."""

    sites: list[SitePlan]
    missing_topics: tuple[Topic, ...]
    brokers: int
    asks_names: bool

    def changes(self, site: SitePlan) -> Iterator[Change]:
        """The lines of a site, in the order in which they are applied."""
        for difference in site.principals:
            yield _line(difference)
        yield from (Change("-", "principal", name, "of a gateway no longer in the file: stays, unless --prune") for name in site.orphans)  # fmt: skip
        yield from site.rows

    @property
    def is_empty(self) -> bool:
        """Whether everything is as the files say; what a file no longer says does not count."""
        lines = (change for site in self.sites for change in self.changes(site))
        return not self.missing_topics and all(change.sign in "=-" for change in lines)


class Onboarding:
    """Plans and applies, with the rights of whoever runs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._access = access_from(settings)
        self._home = GatewayHome.of(settings.home, settings.brokers)
        self._admin: PrincipalAdmin | None = None

    def plan(self, ports: Sequence[Port]) -> Plan:
        """Compare; changes nothing. Raises ConfigurationError where a file claims what is another site's."""
        dsn = self._settings.owner_dsn()
        probe(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            _refuse(connection, ports, self._settings)
            found = [rows.plan(connection, port) for port in ports]
            orphans = [rows.orphans(connection, port) for port in ports]
        missing, brokers = asyncio.run(self._missing(ports))
        asks = self._principals().has_authorizer()
        differences = [self._principals().compare(accounts_of(port)) if asks else [] for port in ports]
        sites = [SitePlan(*parts) for parts in zip(ports, found, differences, orphans, strict=True)]
        return Plan(sites, missing, brokers, asks)

    def apply(self, plan: Plan, *, prune: bool) -> None:
        """Do what the plan says; `prune`: and take away what the files no longer say."""
        if plan.missing_topics:
            asyncio.run(self._create(plan))
        if plan.asks_names:
            for site in plan.sites:
                self._let_in(site, prune=prune)
            self._home.remember()
        with psycopg.connect(self._settings.owner_dsn(), autocommit=True) as connection:
            for site in plan.sites:
                rows.apply(connection, site.port, site.rows, prune=prune)

    async def try_out(self, plan: Plan, patience_s: float) -> dict[tuple[str, str], str | None]:
        """Send a test message by each gateway to each of its topics, as itself; the reason it ended with, by source and topic.

        None: nothing was seen of it in time.
        """
        run = secrets.token_hex(6)
        probes = [probe for site in plan.sites for probe in probes_of(site.port, run)]
        for gateway, several in groupby(probes, key=lambda probe: probe.gateway):
            async with Publisher(self._access_of(gateway, asks_names=plan.asks_names)) as publisher:
                for probe in several:
                    value = json.dumps(probe.event, separators=(",", ":")).encode()
                    await publisher.send(probe.topic, str(probe.event["subject"]).encode(), value, _STRUCTURED)
        return await self._seen(probes, patience_s)

    async def _seen(self, probes: Sequence[Probe], patience_s: float) -> dict[tuple[str, str], str | None]:
        deadline = time.monotonic() + patience_s
        ids = sorted({probe.event_id for probe in probes})
        async with connection_to(self._settings.owner_dsn()) as connection:
            while True:
                found = await rows.refused(connection, ids)
                ended = {(p.gateway.source, p.topic): found.get((p.gateway.source, p.event_id)) for p in probes}
                if None not in ended.values() or time.monotonic() > deadline:
                    return ended
                await asyncio.sleep(0.2)

    def _access_of(self, gateway: GatewayEntry, *, asks_names: bool) -> KafkaAccess:
        """As the gateway itself: its own password or certificate, and its signing key."""
        if not asks_names:
            return self._access
        if not self._home.is_ours and gateway.proof == "certificate":
            raise ConfigurationError(
                f"{gateway.name} shows a certificate that is not here: check it on its own machine"
            )
        update = dict.fromkeys(_PROOFS) | {"kafka_security": "scram"} | self._home.access(gateway.name)
        files = {name: Path(value) if value and name.endswith("_file") else value for name, value in update.items()}
        return access_from(self._settings.model_copy(update=files))

    def _let_in(self, site: SitePlan, *, prune: bool) -> None:
        self._home.declare(site.port, prune=prune)
        open_ones = [one for one in site.principals if not one.is_empty]
        passwords = {one.account.name: self._home.password(one.account.name) for one in open_ones if one.lacks_password}
        self._principals().apply(open_ones, passwords)
        if prune and site.orphans:
            self._principals().remove(site.orphans)

    def _principals(self) -> PrincipalAdmin:
        if self._admin is None:
            client = self._home.superuser()
            # Not `or`: a client whose queue is empty is false.
            if client is None:
                client = AdminClient({**librdkafka_options(self._access), "log_level": "0"})
            self._admin = PrincipalAdmin(client)
        return self._admin

    async def _missing(self, ports: Sequence[Port]) -> tuple[tuple[Topic, ...], int]:
        declared = _topics_of(ports)
        async with topic_admin(self._access) as admin:
            cluster = await admin.read([topic.name for topic in declared])
        return compare(declared, cluster).missing, cluster.brokers

    async def _create(self, plan: Plan) -> None:
        async with topic_admin(self._access) as admin:
            await admin.create(plan.missing_topics, plan.brokers)


def accounts_of(port: Port) -> list[Account]:
    """What each gateway of a site should have at the brokers."""
    return [Account(one.name, frozenset(one.topics), one.proof == "password") for one in port.gateways]


def _topics_of(ports: Sequence[Port]) -> list[Topic]:
    """The topics that are written, each with those that stand beside it."""
    written = {name for port in ports for gateway in port.gateways for name in gateway.topics}
    return [t for t in load_topics().values() if {t.name, t.backfill_of, t.dead_letters_of} & written]


def _refuse(connection: psycopg.Connection[tuple[Any, ...]], ports: Sequence[Port], settings: Settings) -> None:
    kept_s = max(rows.remembered_retention_s(connection), settings.raw_retention.total_seconds())
    kept = max(timedelta(seconds=kept_s), settings.max_age)
    faults = [f"{port.site_id}: {fault}" for port in ports for fault in rows.taken(connection, port)]
    for port in ports:
        for name in ("commercial", "important"):
            asked = port.retention.get(name)
            if asked is not None and timedelta(days=asked) < kept:
                faults.append(
                    f"{port.site_id}: retention.{name} is {asked} days, and this database keeps raw rows {kept.days} days: "
                    "lower QUAYSTREAM_RAW_RETENTION, or give the site a database of its own"
                )
    if faults:
        raise ConfigurationError("nothing was changed:\n  " + "\n  ".join(faults))


def _line(difference: Difference) -> Change:
    said = [f"write {topic}" for topic in sorted(difference.missing)]
    said += [f"no longer write {topic}" for topic in sorted(difference.surplus)]
    if difference.lacks_password:
        said.append("a password")
    elif not difference.account.has_password:
        said.append("by certificate")
    sign: Sign = "=" if difference.is_empty else "~" if difference.exists else "+"
    return Change(sign, "principal", difference.account.name, ", ".join(said))
