"""What the listener answers: the status, and for errors the standard's requestError with its message ids (VES 7.2.1, 5).

Each error is raised as an `AnswerError` where it is found, and becomes its response in one place.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from connectors.ves_http.kinds import Problem

RETRY_AFTER_S: Final = 5
# The service's version, which every response carries (VES 7.2.1, 6.1.2).
VERSION: Final = {"X-MinorVersion": "2", "X-PatchVersion": "1", "X-LatestVersion": "7.2.1"}
_DETAILED: Final = "The following {} error occurred: %1. Error code is %2."
_ENCODE: Final = msgspec.json.Encoder().encode


class AnswerError(Exception):
    """The request is answered with this; `told` is the same for people, in one line."""

    def __init__(self, status: int, message_id: str, text: str, variables: Sequence[str] = ()) -> None:
        self.status = status
        self._message_id = message_id
        self._text = text
        self._variables = [variable[:500] for variable in variables]
        self.told = text
        for number, variable in enumerate(self._variables, start=1):
            self.told = self.told.replace(f"%{number}", variable)
        super().__init__(self.told)

    def response(self) -> web.Response:
        """With Retry-After where it makes sense, and WWW-Authenticate where it must be."""
        body: dict[str, Any] = {"messageId": self._message_id, "text": self._text}
        if self._variables:
            body["variables"] = self._variables
        name = "policyException" if self._message_id.startswith("POL") else "serviceException"
        headers = dict(VERSION)
        if self.status == 503:
            headers["Retry-After"] = str(RETRY_AFTER_S)
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="VES", charset="UTF-8"'
        content = _ENCODE({"requestError": {name: body}})
        return web.Response(status=self.status, body=content, content_type="application/json", headers=headers)


def bad_part(part: str, status: int = 400) -> AnswerError:
    """A part of the message that cannot be: a header, or the body."""
    return AnswerError(status, "SVC0002", "Invalid input value for message part %1", [part])


def invalid(problem: Problem) -> AnswerError:
    """A member that the format does not allow."""
    if problem.why is None:
        return AnswerError(400, "SVC2006", "Mandatory input %1 %2 is missing from request", ["attribute", problem.path])
    return AnswerError(400, "SVC2004", "Invalid input value for %1 %2: %3", ["attribute", problem.path, problem.why])


def unusable(why: str) -> AnswerError:
    """An event of the right format that says nothing usable."""
    return AnswerError(400, "SVC2000", _DETAILED.format("service"), [why, "400"])


def too_large() -> AnswerError:
    """The request, or one event of it."""
    return AnswerError(413, "POL9003", "Message content size exceeds the allowable limit")


def unauthorised(why: str) -> AnswerError:
    """No name and password, or not these."""
    return AnswerError(401, "POL2000", _DETAILED.format("policy"), [why, "401"])


def later() -> AnswerError:
    """Not now; nothing was taken."""
    return AnswerError(503, "SVC1000", "No server resources available to process the request")


def of_the_server(status: int, reason: str) -> AnswerError:
    """What the web server itself found: no such resource, no such method."""
    return AnswerError(status, "SVC2000", _DETAILED.format("service"), [reason, str(status)])
