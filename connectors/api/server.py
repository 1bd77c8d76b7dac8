"""The read API over HTTP. Every attempt is audited before it is answered; errors say what is wrong, and nothing of anybody.

What is not the caller's is not there: another agency's data, an unknown table and a contract that has ended are one
answer.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog
from aiohttp import web

from connectors.api.gauges import Gauges
from connectors.api.rates import Rates
from connectors.api.reading import LARGEST_PAGE, BadCursorError, NotThereError, Page, Question, Reader, cursor_from
from connectors.api.tokens import SCOPE, Caller, TokenRefusedError, Verifier
from connectors.sharing.audit import Attempt
from schemas.api import Given, Grant, Grants, Problem
from schemas.egress import Verdict
from schemas.errors import QuaystreamError
from schemas.generate import openapi_share
from schemas.share import Contract, Dataset

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SPAN: Final = timedelta(hours=1)
PAGE: Final = 100
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class RefusedError(Exception):
    """An answer that is no data: status, what it says, and what the audit is told."""

    def __init__(self, status: int, detail: str, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.detail = detail
        self.reason = reason
        self.headers = headers or {}


NOT_THERE: Final = "there is no such data for this token"


class SharePages:
    """The routes. `rates` is of agencies, `strangers` of addresses that show no good token."""

    def __init__(
        self,
        contracts: Sequence[Contract],
        verifier: Verifier,
        reader: Reader,
        gauges: Gauges,
        rates: Rates,
        strangers: Rates,
    ) -> None:
        self._contracts: dict[tuple[str, str], Contract] = {(c.agency, c.purpose): c for c in contracts}
        self._verifier = verifier
        self._reader = reader
        self._gauges = gauges
        self._rates = rates
        self._strangers = strangers

    def application(self) -> web.Application:
        """The routes; reading is all there is."""
        application = web.Application(middlewares=[_problems], client_max_size=1024)
        add = application.router.add_get
        add(f"{openapi_share.PREFIX}/contracts", self._audited(self._list))
        add(f"{openapi_share.PREFIX}/data/{{purpose}}/{{table}}", self._audited(self._data))
        add(f"{openapi_share.PREFIX}/openapi.json", _fixed(openapi_share.text().encode(), "application/json"))
        add("/metrics", self._metrics)
        add("/livez", _fixed(b"ok\n", "text/plain"))
        add("/readyz", self._ready)
        return application

    def _audited(self, handler: Callable[[web.Request, Caller], Awaitable[web.Response]]) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            caller: Caller | None = None
            try:
                caller = await self._caller(request)
                return await handler(request, caller)
            except RefusedError as refused:
                self._gauges.answered(refused.status)
                if refused.status != 429:
                    await self._refused(request, caller, refused)
                return _problem(refused.status, refused.detail, refused.headers)
            except QuaystreamError as error:
                # Its words name hosts and roles: for our log, not for the caller.
                log.warning("cannot answer", problem=str(error))
                self._gauges.answered(503)
                return _problem(503, "the data cannot be read or audited now: try again", {"Retry-After": "5"})

        return answer

    async def _caller(self, request: web.Request) -> Caller:
        peer = request.remote or "nowhere"
        try:
            caller = await self._verifier.caller(request.headers.get("Authorization"))
        except TokenRefusedError as refused:
            self._take(self._strangers, peer)
            scheme = 'Bearer error="invalid_token"' if "Authorization" in request.headers else "Bearer"
            raise RefusedError(
                401, "the token is not accepted", str(refused), {"WWW-Authenticate": scheme}
            ) from refused
        self._take(self._rates, caller.agency)
        return caller

    def _take(self, rates: Rates, name: str) -> None:
        wait_s = rates.wait_s(name, time.monotonic())
        if wait_s > 0:
            raise RefusedError(429, "too many requests", "too many requests", {"Retry-After": str(int(wait_s) + 1)})

    async def _list(self, _: web.Request, caller: Caller) -> web.Response:
        mine = [c for c in self._contracts.values() if c.agency == caller.agency and c.purpose in caller.purposes]
        standing = await self._reader.standing([c.name for c in mine])
        grants = [_grant(c) for c in mine if c.name in standing]
        attempt = Attempt("read", "contracts", caller.agency, rows=len(grants))
        await self._reader.note(attempt, Verdict(allowed=True, reason=f"asked by {caller.name}"))
        self._gauges.answered(200)
        return _answer(msgspec.json.encode(Grants(contracts=grants)))

    async def _data(self, request: web.Request, caller: Caller) -> web.Response:
        contract, dataset = self._asked(request, caller)
        question = _question(request)
        try:
            page = await self._reader.page(contract, dataset, question)
        except NotThereError as error:
            raise RefusedError(404, NOT_THERE, "the contract is not applied") from error
        if not page.rows and contract.name not in await self._reader.standing([contract.name]):
            raise RefusedError(404, NOT_THERE, "the contract does not stand now")
        attempt = _attempt(contract, dataset, len(page.rows))
        await self._reader.note(attempt, Verdict(allowed=True, reason=f"asked by {caller.name}"))
        self._gauges.answered(200)
        self._gauges.gave(contract.name, len(page.rows))
        return _answer(_page_json(page))

    def _asked(self, request: web.Request, caller: Caller) -> tuple[Contract, Dataset]:
        purpose, table = request.match_info["purpose"], request.match_info["table"]
        if purpose not in caller.purposes:
            raise RefusedError(403, "the token has no scope for this purpose", f"no scope {SCOPE} of this purpose")
        contract = self._contracts.get((caller.agency, purpose))
        dataset = next((d for d in contract.datasets if d.word == table), None) if contract else None
        if contract is None or dataset is None:
            raise RefusedError(404, NOT_THERE, "no contract gives this")
        return contract, dataset

    async def _refused(self, request: web.Request, caller: Caller | None, refused: RefusedError) -> None:
        """Nothing of the request goes into the audit but what we know: a path of ours, an agency that was proved."""
        asked = request.match_info
        purposes = {contract.purpose for contract in self._contracts.values()}
        tables = {dataset.word for contract in self._contracts.values() for dataset in contract.datasets}
        shown = [
            asked[name] if asked[name] in known else "?"
            for name, known in (("purpose", purposes), ("table", tables))
            if name in asked
        ]
        attempt = Attempt("read", "/".join(shown) or "contracts", caller.agency if caller else None)
        verdict = Verdict(allowed=False, reason=f"{refused.status}: {refused.reason}")
        try:
            await self._reader.note(attempt, verdict)
        except QuaystreamError as error:
            log.warning("cannot audit a refusal", problem=str(error), reason=refused.reason)

    async def _metrics(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._gauges.text(), headers=headers)

    async def _ready(self, _: web.Request) -> web.Response:
        try:
            await self._reader.standing([])
        except QuaystreamError:
            return web.Response(text="the database does not answer\n", status=503)
        return web.Response(text="ok\n")


def _question(request: web.Request) -> Question:
    asked = request.query
    unknown = sorted(set(asked) - {"since", "until", "site", "limit", "after"})
    if unknown or any(len(asked.getall(name)) > 1 for name in asked):
        raise RefusedError(400, "a parameter is not known, or given twice", "bad parameters")
    now = datetime.now(UTC)
    until = _time(asked.get("until")) or now
    since = _time(asked.get("since")) or until - SPAN
    after = asked.get("after")
    try:
        return Question(
            since, until, _limit(asked.get("limit")), _site(asked.get("site")), cursor_from(after) if after else None
        )
    except BadCursorError as error:
        raise RefusedError(400, "after is no cursor of this API", "bad cursor") from error


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    bad = RefusedError(400, "a time is RFC 3339 with offset", "bad time")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad from error
    # Years near the end of the calendar have no other time zone to be told in.
    if moment.tzinfo is None or not 1970 < moment.year < 9000:
        raise bad
    return moment


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LARGEST_PAGE):
        raise RefusedError(400, f"limit is a number from 1 to {LARGEST_PAGE}", "bad limit")
    return int(text)


def _site(text: str | None) -> str | None:
    if text is not None and ("\0" in text or len(text) > 64):
        raise RefusedError(400, "site is no site", "bad site")
    return text


def _grant(contract: Contract) -> Grant:
    given = [Given(table=d.word, fields=list(d.fields), classes=list(d.classes())) for d in contract.datasets]
    return Grant(
        contract=contract.name,
        purpose=contract.purpose,
        title=contract.title,
        sites=list(contract.sites),
        valid_until=contract.valid_until,
        data=given,
    )


def _attempt(contract: Contract, dataset: Dataset, rows: int) -> Attempt:
    thing = contract.view(dataset)
    return Attempt("read", thing, contract.agency, contract.name, contract.country, dataset.classes(), rows)


def _page_json(page: Page) -> bytes:
    following = msgspec.json.encode(page.next)
    return b'{"rows":[' + ",".join(page.rows).encode() + b'],"next":' + following + b"}"


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What aiohttp itself refuses, in the form of everything else, and without a word of the request."""
    try:
        return await handler(request)
    except web.HTTPException as refused:
        if refused.status < 400:
            raise
        allow = {"Allow": refused.headers["Allow"]} if "Allow" in refused.headers else {}
        return _problem(refused.status, "this API does not have it", allow)


def _fixed(body: bytes, content_type: str) -> Handler:
    async def page(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=_HEADERS)

    return page


def _answer(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=_HEADERS)


_TITLES: Final = {
    400: "Not understood",
    401: "Not accepted",
    403: "Not allowed",
    404: "Not there",
    405: "Not allowed",
    429: "Too many",
    503: "Not now",
}


def _problem(status: int, detail: str, headers: dict[str, str]) -> web.Response:
    body = msgspec.json.encode(Problem(title=_TITLES.get(status, "Refused"), status=status, detail=detail))
    return web.Response(
        body=body, status=status, content_type="application/problem+json", headers={**_HEADERS, **headers}
    )
