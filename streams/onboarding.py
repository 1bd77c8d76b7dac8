"""Bringing sites in: what their files say beside what brokers and database have, and the changes that close the gap.

The plan changes nothing. Applying goes topics, principals, rows: whoever is cut short runs it again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
from confluent_kafka.admin import AdminClient

from connectors.kafka.options import access_from, librdkafka_options
from connectors.kafka.principals import Account, Difference, PrincipalAdmin
from connectors.kafka.topics import compare, topic_admin
from connectors.timescale import onboarding as rows
from connectors.timescale.connection import probe
from connectors.timescale.onboarding import Change, Sign
from deploy.local.onboarding import GatewayHome
from schemas.errors import ConfigurationError
from schemas.onboard import Port
from schemas.topics import Topic, load_topics
from streams.settings import Settings

NO_AUTHORIZER = "the brokers ask nobody's name (no authorizer): no passwords, rights or keys are made"


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

    def _let_in(self, site: SitePlan, *, prune: bool) -> None:
        self._home.declare(site.port, prune=prune)
        open_ones = [one for one in site.principals if not one.is_empty]
        passwords = {one.account.name: self._home.password(one.account.name) for one in open_ones if one.lacks_password}
        self._principals().apply(open_ones, passwords)
        if prune and site.orphans:
            self._principals().remove(site.orphans)

    def _principals(self) -> PrincipalAdmin:
        if self._admin is None:
            ours = {**librdkafka_options(self._access), "log_level": "0"}
            self._admin = PrincipalAdmin(self._home.superuser() or AdminClient(ours))
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
