"""A dataset of a contract as SQL: a view that is a security barrier, and answers only while its contract holds. Pure."""

from datetime import timedelta

from schemas.classification import GUARDED
from schemas.egress import HOME
from schemas.share import Contract, Dataset
from schemas.share.masks import keyed_sql, masked_sql


def view_sql(contract: Contract, dataset: Dataset) -> str:
    """The `CREATE VIEW`. Rows: those of its sites, not younger than the delay, not older than the retention."""
    columns = [f"{keyed_sql(_identity(dataset))} AS id", f"t.{dataset.at} AS time", "t.site AS site"]
    for field, mask in dataset.fields.items():
        column = dataset.column(field)
        assert column is not None  # noqa: S101  (the contract was checked)
        columns.append(f'{masked_sql(mask, f"t.{column.name}")} AS "{field}"')
    conditions = [*_contract(contract), *_rows(contract, dataset), *_abroad(contract, dataset)]
    selected, required = ",\n       ".join(columns), "\n  AND ".join(conditions)
    return (
        f"CREATE VIEW {contract.view(dataset)} WITH (security_barrier = true) AS\nSELECT {selected}\n"
        f"FROM {dataset.table} AS t, share.contract AS c, share.agency_key AS k\nWHERE {required}"
    )


def comment_of(contract: Contract) -> str:
    """What a view is marked with: the contract it was made from, so that a second run finds nothing to do."""
    return f"contract {contract.name} {contract.digest}"


def _identity(dataset: Dataset) -> str:
    return " || E'\\n' || ".join(f"t.{column}" for column in dataset.identity)


def _contract(contract: Contract) -> list[str]:
    return [
        f"c.contract = '{contract.name}' AND c.digest = '{contract.digest}'",
        "c.revoked_at IS NULL AND c.valid_from <= now() AND now() < c.valid_until",
        f"k.agency = '{contract.agency}'",
    ]


def _rows(contract: Contract, dataset: Dataset) -> list[str]:
    sites = ", ".join(f"'{site}'" for site in contract.sites)
    time = f"t.{dataset.at}"
    return [
        f"t.site IN ({sites})",
        f"{time} <= now() - {_interval(contract.delay)} AND {time} > now() - {_interval(contract.retention)}",
    ]


def _abroad(contract: Contract, dataset: Dataset) -> list[str]:
    """Of guarded fields to another country: a transfer that is valid when the question is asked."""
    guarded = [name for name in dataset.classes() if name in GUARDED]
    if contract.country == HOME or not guarded:
        return []
    classes = ", ".join(f"'{name}'" for name in guarded)
    approved = (
        "EXISTS (SELECT FROM share.transfer AS x WHERE x.revoked_at IS NULL "
        "AND x.valid_from <= now() AND now() < x.valid_until "
        f"AND x.destination = '{contract.country}' AND x.object = '{contract.name}' "
        f"AND x.classes @> ARRAY[{classes}]::text[])"
    )
    return [approved]


def _interval(span: timedelta) -> str:
    return f"INTERVAL '{int(span.total_seconds())} seconds'"
