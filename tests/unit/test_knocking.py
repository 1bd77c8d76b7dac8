"""Why a broker does not let us in: real TLS servers that are not Kafka, and what is told of each."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.kafka.knocking import knock
from connectors.kafka.options import KafkaAccess, Tls
from connectors.timescale.connection import connection_to
from connectors.timescale.faults import cause_of, fault_of
from deploy.local.certificates import Authority, Signed
from schemas.errors import ConfigurationError, ServiceUnreachableError
from tests.support.worker import free_port


@asynccontextmanager
async def listening(signed: Signed | None) -> AsyncIterator[str]:
    """Somebody who hangs up on whoever has come in; in the clear without a certificate."""
    context = None
    if signed is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(signed.cert, signed.key)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours").create()


def access(brokers: str, authority: Authority) -> KafkaAccess:
    return KafkaAccess(brokers, "tls", tls=Tls(ca_file=authority.cert))


async def test_a_certificate_of_another_authority(tmp_path: Path, ours: Authority) -> None:
    theirs = Authority(tmp_path, "theirs").create().signed("broker")
    async with listening(theirs) as broker:
        with pytest.raises(ConfigurationError, match=f"certificate of Kafka at {broker} is not accepted"):
            await knock(access(broker, ours))


async def test_a_certificate_that_has_expired(ours: Authority) -> None:
    async with listening(ours.signed("broker", days=-1)) as broker:
        with pytest.raises(ConfigurationError, match=r"is not accepted \(certificate has expired\)"):
            await knock(access(broker, ours))


async def test_somebody_who_speaks_no_tls(ours: Authority) -> None:
    async with listening(None) as broker:
        with pytest.raises((ConfigurationError, ServiceUnreachableError)) as caught:
            await knock(access(broker, ours))
    assert broker in str(caught.value)


async def test_somebody_who_hangs_up(ours: Authority) -> None:
    async with listening(ours.signed("broker")) as broker:
        with pytest.raises(ServiceUnreachableError, match=broker):
            await knock(access(broker, ours))


async def test_nobody_at_all_and_a_broker_with_a_wrong_certificate_beside(tmp_path: Path, ours: Authority) -> None:
    """What a person can mend is said first."""
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(ServiceUnreachableError, match="no Kafka broker lets us in"):
        await knock(access(nobody, ours))
    async with listening(Authority(tmp_path, "theirs").create().signed("broker")) as broker:
        with pytest.raises(ConfigurationError, match="is not accepted"):
            await knock(access(f"{nobody},{broker}", ours))


async def test_a_databases_authority_that_is_not_there_is_named(tmp_path: Path) -> None:
    dsn = f"postgresql://me:secret@127.0.0.1:1/db?sslmode=verify-full&sslrootcert={tmp_path}/none.pem"
    with pytest.raises(ConfigurationError, match="look at sslmode and sslrootcert") as caught:
        async with connection_to(dsn):
            pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "cause"),
    [(ConfigurationError("the file is empty"), "credentials"), (ssl.SSLCertVerificationError(), "certificate")],
)
def test_what_somebody_is_about_to_mend_is_tried_again(error: Exception, cause: str) -> None:
    assert (fault_of(error), cause_of(error)) == ("retry", cause)
