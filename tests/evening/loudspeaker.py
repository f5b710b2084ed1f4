"""A loudspeaker that nobody hears, for browsers whose sound stands still on a machine without any."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def opened_loudspeaker(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A PulseAudio of the test's own that plays into nothing at a true pace; what a browser's
    environment needs to find it."""
    program = shutil.which("pulseaudio")
    assert program, "pulseaudio is missing: apt install pulseaudio"
    home = folder / "pulse"
    home.mkdir()
    door = home / "door"
    process = await asyncio.create_subprocess_exec(
        program,
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--use-pid-file=no",
        "-n",
        "-L",
        "module-null-sink rate=48000",
        "-L",
        f"module-native-protocol-unix socket={door} auth-anonymous=1",
        env={"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20):
            while not door.exists():
                assert process.returncode is None, "pulseaudio ended"
                await asyncio.sleep(0.02)
        yield {"PULSE_SERVER": f"unix:{door}"}
    finally:
        process.terminate()
        await process.wait()
