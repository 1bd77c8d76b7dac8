"""A Debian 13 system root that holds TimescaleDB, for systems whose own packages do not.

The server runs inside it in a mount namespace of its own: its bind mounts are seen by no other
process and end with it, so nothing has to be unmounted and no removal can reach through one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.home import downloads, locked
from deploy.local.packages import as_root, need, run
from deploy.local.part import Step

SUITE, PACKAGE = "trixie", "postgresql-17-timescaledb"
HOST = Path("/")
# What ENTER calls; minimal systems lack the second.
TOOLS = {"unshare": "util-linux", "mount": "mount"}
# Arguments: root, folder to show as /srv, passwd file, uid:gid, then the command.
ENTER = """
PATH=$PATH:/usr/sbin:/sbin
root=$1 folder=$2 passwd=$3 user=$4; shift 4
mount --bind "$folder" "$root/srv"
mount --bind "$passwd" "$root/etc/passwd"
test "$root" = / || mount --rbind /dev "$root/dev"
exec chroot --userspec="$user" --groups= "$root" env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"
"""


@dataclass(frozen=True)
class Inside:
    """How to run a command as another user with `folder` seen as /srv."""

    root: Path
    folder: Path
    uid: int
    gid: int

    def wrap(self, command: Sequence[str]) -> list[str]:
        passwd = self.folder / "passwd"
        passwd.write_text(f"root:x:0:0:root:/root:/bin/sh\npostgres:x:{self.uid}:{self.gid}::/srv:/bin/sh\n")
        places = [str(self.root), str(self.folder), str(passwd), f"{self.uid}:{self.gid}"]
        shell = ["/bin/sh", "-ec", ENTER, "enter", *places, *command]
        return as_root(["unshare", "--mount", "--propagation", "private", "--", *shell])


def root() -> Path:
    return downloads() / f"timescaledb-{SUITE}"


def install(step: Step) -> None:
    """Download the root on first use: about half a minute and 520 MB, shared by every stack."""
    if root().is_dir():
        return
    need({"mmdebstrap": "mmdebstrap"}, step)
    with step("Download TimescaleDB (Debian 13 packages)"), locked(downloads() / ".root.lock"):
        if not root().is_dir():
            _download(root().with_name(f"{root().name}.partial"))


def _download(partial: Path) -> None:
    run(as_root(["rm", "-rf", "--one-file-system", str(partial)]), "remove a broken download")
    options = ["--variant=essential", "--mode=root", '--aptopt=Apt::Install-Recommends "false"']
    command = ["mmdebstrap", *options, f"--include={PACKAGE}", SUITE, str(partial)]
    run(as_root(command), "download TimescaleDB with mmdebstrap")
    run(as_root(["mv", str(partial), str(root())]), "keep the download")


def is_native(binaries: Path) -> bool:
    """Whether the system's own PostgreSQL 17 has TimescaleDB."""
    return (binaries / "postgres").exists() and (binaries.parent / "lib/timescaledb.so").exists()
