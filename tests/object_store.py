"""A real S3 service for tests: OpenStack Swift on loopback, one disk folder, no memcached.

It checks signatures (a wrong secret is refused) and honours create-only writes, which emulators do not. Four servers,
ready in 3 to 7 seconds. ``python -m tests.object_store FOLDER`` writes the rings, in a process of its own because Swift
changes what it is imported into.
"""

from __future__ import annotations

import base64
import email.utils
import hmac
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("object", "container", "account")
ACCESS, SECRET, REGION = "test:tester", "a-loopback-secret", "cn-local"
READY_SECONDS = 60.0

STORAGE = """[DEFAULT]
{common}
bind_port = {port}
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
# The order matters: with symlink before versioned_writes, objects read back empty.
PROXY = """[DEFAULT]
{common}
bind_port = {port}
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
[filter:symlink]
use = egg:swift#symlink
"""


class ObjectStoreServer:
    """The service in a folder of its own; `start` and `stop` may be repeated, the data stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {kind: free_port() for kind in (*KINDS, "proxy")}
        self._children: list[subprocess.Popen[bytes]] = []
        self._configure()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['proxy']}"

    def url(self, bucket: str) -> str:
        """The address as in PORTAL_STORAGE_URL."""
        return f"s3://{bucket}?endpoint={self.endpoint}&region={REGION}"

    def start(self) -> None:
        """Start the four servers and wait until they answer. RuntimeError with the log when they do not."""
        scripts = Path(sys.executable).parent
        for kind in (*KINDS, "proxy"):
            with open(self.folder / f"{kind}.log", "ab") as log:
                command = [str(scripts / f"swift-{kind}-server"), str(self.folder / f"{kind}.conf"), "-v"]
                self._children.append(
                    subprocess.Popen(command, stdout=log, stderr=log, env=self._environ(), start_new_session=True)
                )
        end = time.monotonic() + READY_SECONDS
        while not all(map(answers, self.ports.values())):
            if time.monotonic() > end or any(child.poll() is not None for child in self._children):
                self.stop()
                logs = (self.folder / f"{kind}.log" for kind in (*KINDS, "proxy"))
                raise RuntimeError("\n".join(path.read_text()[-600:] for path in logs))
            time.sleep(0.1)

    def stop(self) -> None:
        """End the servers that this object started, with their children."""
        for child in self._children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)
        self._children.clear()

    def create_bucket(self, bucket: str) -> None:
        """By signature version 2, which takes one line."""
        date = email.utils.formatdate(usegmt=True)
        text = f"PUT\n\n\n{date}\n/{bucket}".encode()
        signature = base64.b64encode(hmac.digest(SECRET.encode(), text, "sha1")).decode()
        headers = {"Date": date, "Authorization": f"AWS {ACCESS}:{signature}"}
        request = urllib.request.Request(f"{self.endpoint}/{bucket}", method="PUT", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "SWIFT_CONF_FILE": str(self.folder / "swift.conf")}

    def _configure(self) -> None:
        (self.folder / "devices" / "disk").mkdir(parents=True)
        (self.folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
            "[storage-policy:0]\nname = one\ndefault = yes\n"
        )
        common = "\n".join(
            (
                "bind_ip = 127.0.0.1", "workers = 0", "mount_check = false", "fallocate_reserve = 0",
                f"swift_dir = {self.folder}", f"devices = {self.folder}/devices",
                f"user = {pwd.getpwuid(os.getuid()).pw_name}", f"log_address = {self.folder}/none",
            )
        )  # fmt: skip
        for kind in KINDS:
            text = STORAGE.format(common=common, port=self.ports[kind], kind=kind)
            (self.folder / f"{kind}.conf").write_text(text)
        text = PROXY.format(common=common, port=self.ports["proxy"], region=REGION, secret=SECRET)
        (self.folder / "proxy.conf").write_text(text)
        (self.folder / "ports.json").write_text(json.dumps(self.ports))
        command = [sys.executable, "-m", "tests.object_store", str(self.folder)]
        subprocess.run(command, check=True, cwd=ROOT, env=self._environ(), timeout=READY_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def write_rings(folder: Path) -> None:
    """Where things lie: one copy, on the one disk."""
    from swift.common.ring import RingBuilder

    ports = json.loads((folder / "ports.json").read_text())
    for kind in KINDS:
        place = {"ip": "127.0.0.1", "port": ports[kind], "replication_ip": "127.0.0.1", "replication_port": ports[kind]}
        builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
        builder.add_dev({"region": 1, "zone": 1, "device": "disk", "weight": 1, "meta": "", **place})
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{kind}.ring.gz"))


if __name__ == "__main__":
    write_rings(Path(sys.argv[1]))
