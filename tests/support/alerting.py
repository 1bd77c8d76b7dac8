"""Alertmanager and Prometheus as the tests ask them, and a receiver that keeps what it is told."""

import http.client
import json
import threading
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Labels = Mapping[str, str]
ALERTS = "/api/v2/alerts"


class Alerting:
    """An Alertmanager, by its host:port."""

    def __init__(self, address: str) -> None:
        self._address = address

    def post(self, alerts: Iterable[Labels], **moments: str) -> None:
        """Say that these alerts fire; with `endsAt` that they have ended."""
        body = [{"labels": dict(labels), **moments} for labels in alerts]
        connection = http.client.HTTPConnection(self._address, timeout=5)
        connection.request("POST", ALERTS, json.dumps(body), {"Content-Type": "application/json"})
        assert connection.getresponse().status == http.HTTPStatus.OK
        connection.close()

    def states(self) -> dict[str, set[str]]:
        """Alert names by state: active or suppressed."""
        states: dict[str, set[str]] = {}
        for alert in get(self._address, ALERTS):
            states.setdefault(alert["status"]["state"], set()).add(alert["labels"]["alertname"])
        return states


def get(address: str, path: str) -> Any:
    """What a page of host:port answers, as JSON."""
    with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
        return json.load(answer)


def rules_of(prometheus: str) -> dict[str, str]:
    """The alerts that Prometheus has loaded, with their states; firing beats pending beats inactive."""
    groups = get(prometheus, "/api/v1/rules?type=alert")["data"]["groups"]
    states: dict[str, str] = {}
    for rule in (rule for group in groups for rule in group["rules"]):
        rank = ["inactive", "pending", "firing"]
        known = states.get(rule["name"], "inactive")
        states[rule["name"]] = max(known, rule["state"], key=rank.index)
    return states


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on loopback, by its host:port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Receiver:
    """A webhook's end: `told` holds (receiver, alert name, status) in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def handler(self) -> type[BaseHTTPRequestHandler]:
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver = message["receiver"]
                told.extend((receiver, alert["labels"]["alertname"], alert["status"]) for alert in message["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the tests look at `told`."""

        return Handler


def page_of(text: bytes) -> type[BaseHTTPRequestHandler]:
    """A worker's /metrics that never changes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Nothing: it is asked all the time."""

    return Handler
