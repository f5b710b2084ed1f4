"""An S3 of the tests' own: a real process with its objects on the disk, to be killed, stopped and filled."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

BUCKET, KEY, SECRET = "lampio", "key-of-the-tests", "secret-of-the-tests"


class S3:
    """One server over a folder; it keeps its port and its objects over a kill."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / BUCKET).mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """As in `STORAGE_URL`."""
        return f"s3://{BUCKET}/house"

    @property
    def environment(self) -> dict[str, str]:
        """What else whoever opens the URL needs in its environment."""
        return {
            "AWS_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
            "AWS_ALLOW_HTTP": "true",
        }

    def start(self) -> None:
        """Start, and wait until it answers."""
        program = str(Path(sys.executable).with_name("nanio"))
        where = ["--data-dir", str(self._folder), "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [program, "serve", *where, "--log-level", "error", "--no-access-log"],
            env={**os.environ, "NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": SECRET},
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """`kill -9`; idempotent."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def stop_answering(self) -> None:
        """It accepts and never answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def answer_again(self) -> None:
        """It goes on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
