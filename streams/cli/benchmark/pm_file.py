"""`python -m streams.cli.benchmark.pm_file FILE --values N`: a PM file of N measured values, and how fast it is decoded.

Half the counters are of TS 28.552 with labels, half a vendor's; 200 counters an object. Same N, same bytes.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PER_OBJECT: Final = 200
_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<measCollecFile xmlns="http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec">\n'
    '<fileHeader fileFormatVersion="32.435 V10.0" vendorName="Bench"><measCollec beginTime="{begin}"/></fileHeader>\n'
    '<measData><managedElement localDn="ManagedElement=gnb-bench"/>\n<measInfo measInfoId="bench">\n'
    '<granPeriod duration="PT900S" endTime="{end}"/>\n'
)
_FOOT: Final = "</measInfo></measData></measCollecFile>\n"
_STANDARD: Final = ("DRB.UEThpUl", "DRB.UEThpDl", "DRB.AirIfDelayUl", "RRU.PrbUsedUl", "DRB.PdcpSduVolumeUL")


def names() -> list[str]:
    """The counters of an object."""
    half = PER_OBJECT // 2
    standard = [f"{_STANDARD[i % len(_STANDARD)]}.5QI{i // len(_STANDARD) + 1}" for i in range(half)]
    return standard + [f"pmVendorCounterNumber{i}" for i in range(half)]


def lines(values: int, begin: str, end: str) -> Iterator[str]:
    """The file, line by line."""
    yield _HEAD.format(begin=begin, end=end)
    yield from (f'<measType p="{p}">{name}</measType>\n' for p, name in enumerate(names(), start=1))
    for number in range(values // PER_OBJECT):
        results = "".join(f'<r p="{p}">{(number * 7 + p * 13) % 10_000}</r>\n' for p in range(1, PER_OBJECT + 1))
        yield f'<measValue measObjLdn="GNBDUFunction=1,NRCellDU={number}">\n{results}</measValue>\n'
    yield _FOOT


def main() -> int:
    """Write the file, decode it alone and with records made of it, and say how fast, and how much memory it took."""
    parser = argparse.ArgumentParser(prog="python -m streams.cli.benchmark.pm_file", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--values", type=int, default=100_000)
    parser.add_argument("--end", default="2026-01-01T00:15:00+00:00", help="when the period ends, with offset")
    given = parser.parse_args()
    with given.file.open("w", encoding="utf-8") as file:
        file.writelines(lines(given.values, "2026-01-01T00:00:00+00:00", given.end))
    for what, seconds, records in (_decoded(given.file), _recorded(given.file)):
        sys.stdout.write(
            f"{what}: {records:,} in {seconds:.2f} s of processor time, {given.values / seconds:,.0f} values/s of one core\n"
        )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"file {given.file.stat().st_size / 1e6:.0f} MB, memory at most {peak_mb:.0f} MB\n")
    return 0


def _decoded(file: Path) -> tuple[str, float, int]:
    from connectors.pm_files.decoder import PmFileDecoder

    decoder, reports, started = PmFileDecoder(), 0, time.process_time()
    with file.open("rb") as content:
        while piece := content.read(64 * 1024):
            reports += sum(1 for _ in decoder.feed(piece))
    reports += sum(1 for _ in decoder.close())
    return "decoded into reports", time.process_time() - started, reports


def _recorded(file: Path) -> tuple[str, float, int]:
    from connectors.network.files import NetworkFile
    from connectors.network.subjects import Subjects

    started = time.process_time()
    records = len([record.line for record in NetworkFile(file, "pm-xml", Subjects())(None)])
    return "decoded into records", time.process_time() - started, records


if __name__ == "__main__":
    sys.exit(main())
